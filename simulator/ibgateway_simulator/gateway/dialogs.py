"""Dialogs of a refused login or a lost session, and what IBC does about each.

"Login failed" and a text that begins with "Connection to server failed" make IBC start over with
a cold restart; the other dialogs stay on screen for a person.
"""

from typing import Any

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.gateway.titles import (
    FAILED,
    LOCKED,
    NOTICE,
    REJECTED,
    RELOGIN,
    ExitProcess,
    ScreenPort,
)

WRONG = "The username or password is incorrect."
TOKENS = (
    "The security tokens associated with your login credentials have expired (routinely) in "
    "accordance with our security protocols. Please manually enter your username and password."
)


class Dialogs:
    """Shows dialogs and reports them as IBC does."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, screen: ScreenPort) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen

    def rejected(self, message: dict[str, Any]) -> None:
        """Wrong user name or password."""
        if message["dialog"] == "login-failed":
            self._screen.dialog(FAILED[1], WRONG, ["OK"])
            self._log.event(FAILED, "Opened")
            self._log.line("Login failed")
            self._cold_restart()
        self._screen.dialog(REJECTED[1], WRONG, ["OK"])
        self._log.focus(REJECTED)
        self._log.event(REJECTED, "Opened")

    def locked(self, message: dict[str, Any]) -> None:
        """Too many failed logins."""
        minutes, seconds = divmod(int(message["seconds"]), 60)
        text = (
            f"Too many failed login attempts. Please wait {minutes} minutes & {seconds} seconds "
            "before attempting to re-login again."
        )
        self._screen.dialog(LOCKED[1], text, ["OK"])
        self._log.opened(LOCKED, text)

    def token_expired(self, message: dict[str, Any]) -> None:
        """A restart whose token is dead; `silent` is text in a pane that IBC can't read."""
        style = message["dialog"]
        text = f"Connection to server failed: {TOKENS}" if style.startswith("conn") else TOKENS
        self._screen.dialog(NOTICE[1], text, ["OK"])
        self._log.event(NOTICE, "Opened")
        if style != "silent":
            self._log.line(text)
        if style == "connection-failed":
            self._cold_restart()
        self._log.focus(NOTICE)

    def disconnected(self) -> None:
        """Another login took the session; IBC presses Re-login at once."""
        text = "Your session has been disconnected by another login."
        self._screen.dialog(RELOGIN[1], text, ["Re-login", "Exit"])
        self._log.event(RELOGIN, "Opened")
        self._log.line("Re-login to session")
        self._log.line("Click button: Re-login")
        self._screen.close_dialog(RELOGIN[1])
        self._log.closed(RELOGIN)

    def _cold_restart(self) -> None:
        self._log.line("Cold restart in progress")
        self._log.line("Click button: OK")
        self._log.line("Login has not completed: exiting immediately")
        (self._settings.flags_dir / f"COLDRESTART{self._settings.session_id}").touch()
        raise ExitProcess(0)
