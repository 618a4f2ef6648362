"""The window behind Configure > Settings, with Tk: API settings that a person changes by mouse or keyboard."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from typing import Final

from ibgateway_simulator.gateway.settings import ApiSettings

GREY, BLUE, WHITE = "#e8edf2", "#1d3557", "#ffffff"
FONT = ("DejaVu Sans", 11)
BOLD = ("DejaVu Sans", 11, "bold")
GEOMETRY: Final = "480x280+272+230"
LONGEST_ID: Final = 9
"""Digits of a client id."""
OnApplied = Callable[[ApiSettings], None]


class SettingsWindow:
    """One that is open. OK and Apply hand over what stands in it, OK and Cancel close it."""

    def __init__(
        self,
        window: tk.Toplevel,
        shown: ApiSettings,
        *,
        port: int,
        on_applied: OnApplied,
        on_closed: Callable[[], None],
    ) -> None:
        self._on_applied = on_applied
        self._on_closed = on_closed
        self._read_only = tk.BooleanVar(window, shown.read_only)
        self._master = tk.StringVar(window, shown.master_client_id)
        form = tk.Frame(window, background=GREY)
        form.pack(fill="both", expand=True, padx=24, pady=12)
        tk.Label(form, text="API - Settings", font=BOLD, background=GREY).grid(
            row=0, column=0, columnspan=2, sticky="w", pady=(0, 8)
        )
        first = tk.Checkbutton(
            form,
            text="Read-Only API",
            variable=self._read_only,
            font=FONT,
            background=GREY,
            highlightbackground=GREY,
        )
        first.grid(row=1, column=0, columnspan=2, sticky="w")
        self._line(
            form, 2, "Socket port", tk.Label(form, text=str(port), font=FONT, background=GREY)
        )
        allowed = (window.register(_may_be_id), "%P")
        master = tk.Entry(
            form,
            textvariable=self._master,
            font=FONT,
            width=12,
            validate="key",
            validatecommand=allowed,
        )
        self._line(form, 3, "Master API client ID", master)
        self._buttons(window)
        window.bind("<Return>", self._enter)
        first.bind("<Return>", self._enter)
        window.bind("<Escape>", lambda _: self._on_closed())
        first.focus_force()

    def _line(self, form: tk.Frame, row: int, text: str, value: tk.Widget) -> None:
        tk.Label(form, text=text, font=FONT, background=GREY).grid(
            row=row, column=0, sticky="w", pady=6
        )
        value.grid(row=row, column=1, sticky="w", padx=12)

    def _buttons(self, window: tk.Toplevel) -> None:
        row = tk.Frame(window, background=GREY)
        row.pack(side="bottom", pady=16)
        for text, command in (
            ("OK", self._ok),
            ("Apply", self._apply),
            ("Cancel", self._on_closed),
        ):
            button = tk.Button(row, text=text, font=FONT, width=7, command=command)
            button.bind("<Return>", partial(_press, button))
            button.pack(side="left", padx=8)

    def _enter(self, _: "tk.Event[tk.Misc]") -> str:
        """OK, and nothing else: Tk's own Enter on a checkbox ticks it."""
        self._ok()
        return "break"

    def _apply(self) -> None:
        self._on_applied(ApiSettings(self._read_only.get(), self._master.get()))

    def _ok(self) -> None:
        self._apply()
        self._on_closed()


def _press(button: tk.Button, _: "tk.Event[tk.Button]") -> str:
    """Enter presses the button that has the focus, and not OK beside it."""
    button.invoke()
    return "break"


def _may_be_id(text: str) -> bool:
    """While it is typed: digits, or nothing yet."""
    return not text or (text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID)
