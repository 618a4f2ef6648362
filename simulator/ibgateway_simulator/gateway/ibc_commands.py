"""What IBC's commands do: STOP, RESTART, PAUSE and those that a Gateway only answers."""

import datetime as dt
from collections.abc import Callable

from ibgateway_simulator.gateway import autorestart
from ibgateway_simulator.gateway.existing_session import IbcLoginState
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.inputs import (
    GatewayInputs,
    RestartDue,
    RestartTimeSet,
    StopRequested,
)
from ibgateway_simulator.gateway.settings import GatewaySettings

RECONNECTS = frozenset({"RECONNECTDATA", "RECONNECTACCOUNT"})
NOT_ON_A_GATEWAY = {"ENABLEAPI": ["ERROR ENABLEAPI is not valid for the IB Gateway"]}


class IbcCommands:
    """Carries out commands; `state` is the login's, `now` gives local time."""

    def __init__(
        self,
        settings: GatewaySettings,
        log: IbcLog,
        *,
        inputs: GatewayInputs,
        state: Callable[[], IbcLoginState],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._settings = settings
        self._log = log
        self._inputs = inputs
        self._state = state
        self._now = now

    def act(self, verb: str) -> list[str]:
        """Carry out a command; the lines to answer with, none when it is unknown."""
        if verb == "STOP":
            self._inputs.put(StopRequested())
            return ["OK Shutting down: STOP command"]
        if verb in ("RESTART", "PAUSE"):
            return self._restart_later(verb)
        if verb in RECONNECTS:
            self._main_window()
            return ["OK "]
        return NOT_ON_A_GATEWAY.get(verb, [])

    def _main_window(self) -> None:
        self._log.line("Getting main window")
        self._log.line("Main window already found")

    def _restart_later(self, verb: str) -> list[str]:
        now = self._now()
        at = autorestart.next_minute(now)
        shown = f"{at:%I:%M %p}"
        self._log.line(f"RestartTask: pauseOnly = {str(verb == 'PAUSE').lower()}")
        self._log.line(f"RestartTask: verb = {verb}")
        self._main_window()
        self._log.line(f"Setting auto-restart time to {shown}")
        if verb == "PAUSE":
            (self._settings.flags_dir / f"PAUSE{self._settings.session_id}").touch()
        wait = self._settings.restart_seconds
        self._inputs.later((at - now).total_seconds() if wait is None else wait, RestartDue())
        if self._state() is IbcLoginState.LOGGED_IN:
            self._inputs.put(RestartTimeSet(shown))
        return [f"OK {verb} in progress", f"OK {verb} at {shown}"]
