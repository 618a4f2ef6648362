"""Dialogs of a login, of a lost session and of a restart, and what IBC does about each.

"Login failed", "Login Error" and a text that begins with "Connection to server failed" make IBC start
over with a cold restart; the other dialogs stay on screen for a person.
"""

import datetime as dt
from typing import NoReturn

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.protocols import ExitProcess, GatewayScreen
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.gateway.windows import (
    FAILED,
    LOCKED,
    LOGIN_ERROR,
    NOTICE,
    REJECTED,
    RELOGIN,
    RESTART,
)
from ibgateway_simulator.model.users import ExpiryDialog, RejectionDialog

WRONG = "The username or password is incorrect."
TOKENS = (
    "The security tokens associated with your login credentials have expired (routinely) in "
    "accordance with our security protocols. Please manually enter your username and password."
)
NOT_PERMANENT = (
    "Login failed - Soft token=0 received instead of expected permanent for "
    "ndc1.ibllc.com:4001 (SSL)"
)
RELOGIN_MARGIN = dt.timedelta(seconds=3)


class Dialogs:
    """Shows dialogs and reports them as IBC does."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, screen: GatewayScreen) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen

    def restarting(self) -> None:
        """The Gateway restarts itself."""
        self._screen.dialog(RESTART.title, "Restarting...", [])
        self._log.opened(RESTART)

    def rejected(self, style: RejectionDialog) -> None:
        """Wrong user name or password."""
        if style is RejectionDialog.LOGIN_FAILED:
            self._screen.dialog(FAILED.title, WRONG, ["OK"])
            self._log.event(FAILED, "Opened")
            self._log.line("Login failed")
            self._cold_restart()
        self._screen.dialog(REJECTED.title, WRONG, ["OK"])
        self._log.focus(REJECTED)
        self._log.event(REJECTED, "Opened")

    def locked(self, left: float) -> None:
        """Too many failed logins; `left` are the seconds until the next may be tried."""
        minutes, seconds = divmod(int(left), 60)
        text = (
            f"Too many failed login attempts. Please wait {minutes} minutes & {seconds} seconds "
            "before attempting to re-login again."
        )
        self._screen.dialog(LOCKED.title, text, ["OK"])
        self._log.opened(LOCKED, text)

    def lock_dismissed(self, left: float, *, now: dt.datetime, attempt: int) -> float:
        """IBC will try again by itself; the seconds until attempt number `attempt`."""
        wait = dt.timedelta(seconds=int(left)) + RELOGIN_MARGIN
        at = now + wait
        shown = f"{at:%Y-%m-%d %H:%M:%S}:{at.microsecond // 1000:03d}"
        self._log.line(f"Will re-login at {shown}; login number: {attempt}")
        self._log.line("Click button: OK")
        self._screen.close_dialog(LOCKED.title)
        self._log.closed(LOCKED)
        return wait.total_seconds()

    def login_error(self) -> None:
        """The dialog whose text IBC prints on a line of its own, without a time."""
        self._screen.dialog(LOGIN_ERROR.title, NOT_PERMANENT, ["OK"])
        self._log.event(LOGIN_ERROR, "Opened")
        self._log.line("Login error message:")
        self._log.raw(NOT_PERMANENT)
        self._log.line("Cold restart in progress")
        self._log.line("Login has not completed: exiting immediately")
        self._log.line("Click button: OK")
        self._exit_cold()

    def token_expired(self, style: ExpiryDialog) -> None:
        """A restart whose token is dead; `silent` is text in a pane that IBC can't read."""
        if style is ExpiryDialog.LOGIN_ERROR:
            self.login_error()
        restarts = style is ExpiryDialog.CONNECTION_FAILED
        text = f"Connection to server failed: {TOKENS}" if restarts else TOKENS
        self._screen.dialog(NOTICE.title, text, ["OK"])
        self._log.event(NOTICE, "Opened")
        if style is not ExpiryDialog.SILENT:
            self._log.line(text)
        if restarts:
            self._cold_restart()
        self._log.focus(NOTICE)

    def disconnected(self) -> None:
        """Another login took the session; IBC presses Re-login at once."""
        text = "Your session has been disconnected by another login."
        self._screen.dialog(RELOGIN.title, text, ["Re-login", "Exit"])
        self._log.event(RELOGIN, "Opened")
        self._log.line("Re-login to session")
        self._log.line("Click button: Re-login")
        self._screen.close_dialog(RELOGIN.title)
        self._log.closed(RELOGIN)

    def _cold_restart(self) -> None:
        self._log.line("Cold restart in progress")
        self._log.line("Click button: OK")
        self._log.line("Login has not completed: exiting immediately")
        self._exit_cold()

    def _exit_cold(self) -> NoReturn:
        (self._settings.flags_dir / f"COLDRESTART{self._settings.session_id}").touch()
        raise ExitProcess(0)
