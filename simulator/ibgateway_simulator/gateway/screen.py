"""The Gateway's windows on X, with Tk: login, splash, dialogs, status.

Real widgets that mouse and keyboard reach, through VNC too. There is no window manager, so every
window draws its own title bar and places itself. What a person or IBC does comes out through
`on_login` and `on_button`; the process calls `pump` often.
"""

import tkinter as tk
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from ibgateway_simulator.errors import SimulatorError
from ibgateway_simulator.gateway.inputs import (
    SettingsApplied,
    SettingsClosed,
    SettingsInput,
    SettingsRequested,
)
from ibgateway_simulator.gateway.settings import ApiSettings
from ibgateway_simulator.gateway.settings_window import GEOMETRY, SettingsWindow

BLUE, GREY, WHITE = "#1d3557", "#e8edf2", "#ffffff"
FONT = ("DejaVu Sans", 11)
BOLD = ("DejaVu Sans", 11, "bold")
TITLE = "IBKR Gateway"


class NoDisplayError(SimulatorError):
    """There is no X server to open a window on."""


class LoginScreen:
    """All windows of one gateway process."""

    def __init__(
        self,
        mode: str,
        *,
        on_login: Callable[[str, str], None],
        on_button: Callable[[str, str], None],
        on_settings: Callable[[SettingsInput], None],
        api_port: int,
    ) -> None:
        self._on_login = on_login
        self._on_button = on_button
        self._on_settings = on_settings
        self._api_port = api_port
        self._settings: tk.Toplevel | None = None
        try:
            self._root = tk.Tk()
        except tk.TclError as error:
            raise NoDisplayError(str(error)) from error
        self._root.title(TITLE)
        self._root.geometry("460x300+282+200")
        self._root.configure(background=GREY)
        self._dialogs: dict[str, tk.Toplevel] = {}
        self._splash: tk.Toplevel | None = None
        self._splash_text = tk.StringVar(self._root)
        self._status = tk.StringVar(self._root)
        self._user = tk.StringVar(self._root)
        self._password = tk.StringVar(self._root)
        _title_bar(self._root, TITLE)
        self._login = self._login_form(mode)
        self._main = tk.Frame(self._root, background=GREY)
        self._menu(self._main)
        tk.Label(
            self._main, textvariable=self._status, font=FONT, background=GREY, justify="left"
        ).pack(anchor="w", padx=24, pady=24)

    def _login_form(self, mode: str) -> tk.Frame:
        form = tk.Frame(self._root, background=GREY)
        label = "Live Trading" if mode == "live" else "Paper Trading"
        tk.Label(form, text=label, font=BOLD, background=GREY).grid(
            row=0, column=0, columnspan=2, pady=(18, 10)
        )
        self._fields = [
            self._field(form, 1, "Username", self._user, ""),
            self._field(form, 2, "Password", self._password, "*"),
        ]
        text = "Log In" if mode == "live" else "Paper Log In"
        self._button = tk.Button(
            form, text=text, font=BOLD, command=self._submit, background=BLUE, foreground=WHITE
        )
        self._button.grid(row=3, column=0, columnspan=2, sticky="ew", padx=24, pady=18)
        form.columnconfigure(1, weight=1)
        return form

    def _field(
        self, form: tk.Frame, row: int, text: str, variable: tk.StringVar, show: str
    ) -> tk.Entry:
        tk.Label(form, text=text, font=FONT, background=GREY).grid(
            row=row, column=0, sticky="e", padx=(24, 8), pady=6
        )
        entry = tk.Entry(form, textvariable=variable, font=FONT, show=show, width=28)
        entry.grid(row=row, column=1, sticky="ew", padx=(0, 24), pady=6)
        entry.bind("<Return>", lambda _: self._button.invoke())
        return entry

    def _menu(self, parent: tk.Frame) -> None:
        bar = tk.Frame(parent, background=WHITE)
        bar.pack(fill="x")
        button = tk.Menubutton(bar, text="Configure", underline=0, font=FONT, background=WHITE)
        lines = tk.Menu(
            button,
            tearoff=False,
            font=FONT,
            background=WHITE,
            activebackground=BLUE,
            activeforeground=WHITE,
        )
        lines.add_command(
            label="Settings", underline=0, command=lambda: self._on_settings(SettingsRequested())
        )
        button.configure(menu=lines)
        button.pack(side="left")

    def pump(self) -> None:
        """Handle what X has for us; the process ends with 1 when X is gone."""
        self._root.update()

    # Whoever reads in the log that a window is there may press its buttons at once: what the log
    # reports has reached X before.

    def show_login(self) -> None:
        """The login window, ready to be used."""
        self._main.pack_forget()
        self._login.pack(fill="both", expand=True)
        self._enable("normal")
        self._root.lift()
        self._fields[1 if self._user.get() else 0].focus_force()
        self.pump()

    def fill(self, user: str, password: str) -> None:
        """Put text into the two fields, as IBC does."""
        self._user.set(user)
        self._password.set(password)

    def press_login(self) -> None:
        """Press the login button, as IBC does."""
        self._button.invoke()

    def splash(self, text: str) -> None:
        """A small frame with a line about progress; empty closes it."""
        self._splash_text.set(text)
        if not text and self._splash is not None:
            self._splash.destroy()
            self._splash = None
        elif text and self._splash is None:
            self._splash = self._window(text, "340x90+342+520")
            tk.Label(self._splash, textvariable=self._splash_text, font=FONT, background=GREY).pack(
                pady=18
            )
        if text and self._splash is not None:
            self._splash.title(text)

    def dialog(self, title: str, text: str, buttons: Sequence[str]) -> None:
        """A dialog on top; its buttons report and leave it open."""
        self.close_dialog(title)
        window = self._window(title, "480x220+272+250")
        tk.Label(window, text=text, font=FONT, background=GREY, wraplength=430).pack(pady=24)
        row = tk.Frame(window, background=GREY)
        row.pack(side="bottom", pady=16)
        for label in buttons:
            tk.Button(
                row, text=label, font=FONT, command=partial(self._on_button, title, label)
            ).pack(side="left", padx=8)
        window.lift()
        self._dialogs[title] = window
        self.pump()

    def close_dialog(self, title: str) -> None:
        """Close a dialog if it is open."""
        window = self._dialogs.pop(title, None)
        if window is not None:
            window.destroy()
            self.pump()

    def settings(self, title: str, shown: ApiSettings) -> None:
        """The window of Configure > Settings, on top."""
        self._settings = self._window(title, GEOMETRY)
        SettingsWindow(
            self._settings,
            shown,
            port=self._api_port,
            on_applied=lambda chosen: self._on_settings(SettingsApplied(chosen)),
            on_closed=lambda: self._on_settings(SettingsClosed()),
        )
        self._settings.lift()
        self.pump()

    def close_settings(self) -> None:
        """Close it if it is open."""
        if self._settings is not None:
            self._settings.destroy()
            self._settings = None
            self._root.focus_force()
            self.pump()

    def show_main(self, *lines: str) -> None:
        """The window of a Gateway that is logged in."""
        self._login.pack_forget()
        self._main.pack(fill="both", expand=True)
        self._root.focus_force()
        self._status.set("\n\n".join(lines))

    def close(self) -> None:
        """Close everything."""
        self._root.destroy()

    def _submit(self) -> None:
        self._enable("disabled")
        user, password = self._user.get(), self._password.get()
        self._password.set("")
        self._on_login(user, password)

    def _enable(self, state: Literal["normal", "disabled"]) -> None:
        for field in self._fields:
            field.configure(state=state)
        self._button.configure(state=state)

    def _window(self, title: str, geometry: str) -> tk.Toplevel:
        window = tk.Toplevel(self._root, background=GREY, borderwidth=1, relief="solid")
        window.title(title)
        window.geometry(geometry)
        _title_bar(window, title)
        return window


def _title_bar(window: tk.Tk | tk.Toplevel, title: str) -> None:
    tk.Label(
        window, text=title, font=BOLD, background=BLUE, foreground=WHITE, anchor="w", padx=8
    ).pack(fill="x", ipady=4)
