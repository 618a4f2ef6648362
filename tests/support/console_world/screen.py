"""An X screen with a real window on it, and x11vnc in front, as in the gateway's image."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console_world.processes import listens, process, until
from host_processes import forget_display

PASSWORD: Final = "canary78"
FIELD: Final = (500, 140)
BUTTON: Final = (512, 550)
GROUND: Final = (20, 20)
"""Places in the window: see window.py."""
BLUE: Final = [0x20, 0x60, 0xA0]
GREEN: Final = [0x20, 0xA0, 0x60]


def python_with_tk() -> str:
    for python in (sys.executable, "/usr/bin/python3"):
        if (
            subprocess.run(
                [python, "-c", "import tkinter"], check=False, capture_output=True
            ).returncode
            == 0
        ):
            return python
    raise RuntimeError("no Python here has tkinter: run tests/install-debian.sh")


@dataclass
class Screen:
    """An X screen with the window, and what the window has seen."""

    display: str
    events_file: Path

    def events(self) -> list[str]:
        return self.events_file.read_text().splitlines() if self.events_file.exists() else []

    def saw(self, event: str) -> None:
        until(
            lambda: event in self.events(),
            lambda: f"{event!r} in the window, which saw {self.events()}",
        )

    @contextmanager
    def served(self, port: int) -> Iterator[None]:
        """x11vnc as the gateway's image starts it, on loopback."""
        command = [
            "x11vnc",
            "-display",
            self.display,
            "-forever",
            "-shared",
            "-noipv6",
            "-ncache_cr",
        ]
        with process(*command, "-localhost", "-rfbport", str(port), "-passwd", PASSWORD):
            until(lambda: listens(port), "x11vnc")
            yield


@contextmanager
def screen_with_window(folder: Path) -> Iterator[Screen]:
    """A free X display whose window writes its events into `folder`."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-ac", "-screen", "0", "1024x768x24"]
    with os.fdopen(read) as pipe, ExitStack() as after, process(*command, pass_fds=(write,)):
        os.close(write)
        number = int(pipe.readline())
        after.callback(forget_display, number)
        window = str(Path(__file__).with_name("window.py"))
        screen = Screen(f":{number}", folder / "events")
        env = {**os.environ, "DISPLAY": screen.display}
        with process(python_with_tk(), window, str(screen.events_file), env=env):
            screen.saw("up")
            yield screen
