"""What the state machine's log may say, and what must hold whatever it says."""

from datetime import datetime
from typing import Final

from ibgateway_api.gate import Closed
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitKind, PermitRefusal
from ibgateway_simulator.model.users import LoginKind
from week_world.truth import Truth
from week_world.world import WeekWorld

LOSSES: Final = (
    "detected dialog entitled: Restart in progress; event=Opened",
    "detected dialog entitled: Shutdown progress; event=Opened",
    "detected frame entitled: Connecting to server...; event=Opened",
    "detected dialog entitled: Existing session detected; event=Opened",
    "Re-login to session",
    "Starting session: will exit if login dialog is not displayed within 60 seconds",
    "Re-starting session",
    "Login attempt: 1",
    "Connection to server failed: the security tokens have expired",
    "Login has completed: exiting via [File, Close] menu",
)
"""Lines after which no session is there, or none is known to be."""
LOGS_IN: Final = frozenset({"Login attempt: 1", "Second Factor Authentication initiated"})
"""Lines that tell of a full login. With an API that answers they are all there is to know: the week counts as authenticated."""
OTHERS: Final = (
    "Login has completed",
    "Second Factor Authentication initiated",
    "detected dialog entitled: Second Factor Authentication; event=Closed",
    "Re-login after second factor authentication timeout not required",
    "detected frame entitled: Starting application...; event=Closed",
    "Login failed",
    "detected dialog entitled: Unrecognized Username or Password; event=Opened",
    "Too many failed login attempts. Please wait 4 minutes & 47 seconds",
    "End this session and let the other session proceed (scenario 2)",
    "detected dialog entitled: Gateway; event=Opened",
    "detected dialog entitled: Gateway; event=Closed",
    "You should specify the required second factor device using the SecondFactorDevice setting",
)


class MoneyTruth(Truth):
    """What must hold whatever anybody says: the parts of the truth that no wrong word excuses."""

    def __init__(self, world: WeekWorld) -> None:
        super().__init__(world)
        self._parked = False
        self._ledger = 0

    def look(self) -> None:
        now, gate = self.world.clock.true(), self.world.executor.gate()
        self._tell_story(gate)
        self._learn(now)
        self._gate(now, open_=not isinstance(gate, Closed))
        self._permits()
        self._stays_parked()
        if len(self.world.ibkr.gateways) > 1:
            self.fail("two gateways are connected to IBKR")

    def told(self, line: str) -> None:
        """The log has a line that nobody wrote."""
        self.note(f"the log says: {line}")
        if line in LOGS_IN:
            self._full = self.world.clock.true()

    def asks(self) -> None:
        super().asks()
        self._parked = False

    def _opens(self, now: datetime, *, good: bool, open_: bool) -> None:
        """Nothing has to open where evidence may be wrong."""

    def _held_before_restart(self) -> None:
        """A line that tells of a restart may come at any time here."""

    def _permits(self) -> None:
        """IBKR saw no more full logins than were permitted, and no permit was used twice."""
        container, logins = self.world.pod.container, self.world.ibkr.logins
        numbers = [number for number, _ in container.permits]
        if len(set(numbers)) != len(numbers):
            self.fail(f"a permit was taken twice: {numbers}")
        full = sum(attempt.kind is LoginKind.FULL for attempt in logins.attempts)
        permitted = sum(kind == PermitKind.FULL for _, kind in container.permits)
        if full > permitted + container.cold_restarts:
            self.fail(f"{full} full logins, and {permitted} permits for one")

    def _stays_parked(self) -> None:
        sentinel, report = self.world.pod.sentinel, self.world.report
        if sentinel is None or report is None:
            return
        full = [a for a in sentinel._permits.records.attempts if a.kind is PermitKind.FULL]
        if self._parked and len(full) > self._ledger and not full[-1].request:
            self.fail("a parked gateway was tried again by itself")
        self._ledger = len(full)
        waiting = report.waiting is not None and report.waiting.refusal == PermitRefusal.PARKED
        logged_in = report.state is LoginState.LOGGED_IN
        self._parked = (self._parked or waiting) and not logged_in
