"""A small real window that writes down what mouse and keyboard do to it, one event a line.

Run with a Python that has tkinter: `python window.py EVENTS_FILE`. The ground is a plain
blue that turns green with a click on the button, the field spans the top, the button the bottom, so
a test knows where to look and to click.
"""

import sys
import tkinter as tk
from pathlib import Path

GROUND = "#2060a0"
CLICKED = "#20a060"


def main() -> None:
    """Shows the window until the process is ended."""
    events = Path(sys.argv[1])

    def note(event: str) -> None:
        with events.open("a", encoding="utf-8") as file:
            file.write(event + "\n")

    root = tk.Tk()
    root.overrideredirect(boolean=True)  # there is no window manager, as in the gateway's image
    root.geometry("1024x768+0+0")
    root.configure(background=GROUND)
    text = tk.StringVar()
    text.trace_add("write", lambda *_: note(f"text {text.get()}"))
    field = tk.Entry(root, textvariable=text, font=("DejaVu Sans", 24))
    field.place(x=112, y=100, width=800, height=80)
    button = tk.Button(root, text="Log In", font=("DejaVu Sans", 24))

    def clicked() -> None:
        note("clicked")
        root.configure(background=CLICKED)

    button.configure(command=clicked)
    button.place(x=412, y=500, width=200, height=100)
    root.after(100, field.focus_force)
    root.after(200, lambda: note("up"))
    root.mainloop()


if __name__ == "__main__":
    main()
