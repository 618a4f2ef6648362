"""Dialogs of a login, of a lost session and of a restart, and what IBC does about each.

"Login failed" and a text that begins with "Connection to server failed" make IBC start over with
a cold restart; the other dialogs stay on screen for a person.
"""

from ibgateway_simulator.gateway.existing_session import LEAVE, SessionChoice
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.protocols import ExitProcess, GatewayScreen
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.gateway.windows import (
    EXISTING,
    FAILED,
    LOCKED,
    NOTICE,
    PUSH,
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


class Dialogs:
    """Shows dialogs and reports them as IBC does."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, screen: GatewayScreen) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen

    def push_sent(self) -> None:
        """A push is on the phone."""
        text = "Check your phone: a notification has been sent to IBKR Mobile."
        self._screen.dialog(PUSH.title, text, [])
        self._log.opened(PUSH, "Second Factor Authentication initiated")

    def push_closed(self, elapsed: float) -> None:
        """The push has been answered or missed, `elapsed` seconds after the login began."""
        self._screen.close_dialog(PUSH.title)
        self._log.closed(PUSH)
        self._log.line(f"Duration since login: {int(elapsed) + 1} seconds")

    def push_withdrawn(self) -> None:
        """IBKR can't be reached any more: the dialog goes without a word of IBC."""
        self._screen.close_dialog(PUSH.title)

    def existing(self, button: str) -> None:
        """Another session has the user name; `button` is what goes on with this one."""
        text = "Another session has your user name."
        self._screen.dialog(EXISTING.title, text, [button, LEAVE])
        self._log.event(EXISTING, "Opened")

    def existing_choice(self, choice: SessionChoice, button: str) -> None:
        """What IBC says about its choice; without one the dialog waits for a person."""
        for line in choice.lines:
            self._log.line(line)
        if choice.go_on is None:
            self._log.focus(EXISTING)
        else:
            self._log.line(f"Click button: {button if choice.go_on else LEAVE}")

    def existing_closed(self) -> None:
        """The question is answered."""
        self._screen.close_dialog(EXISTING.title)
        self._log.closed(EXISTING)

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

    def token_expired(self, style: ExpiryDialog) -> None:
        """A restart whose token is dead; `silent` is text in a pane that IBC can't read."""
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
        (self._settings.flags_dir / f"COLDRESTART{self._settings.session_id}").touch()
        raise ExitProcess(0)
