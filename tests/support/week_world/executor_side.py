"""The executor as far as the week is concerned: its real gate, and orders that the broker is slow to acknowledge."""

from dataclasses import replace

from ibgateway_api.gate import Gate, Open
from ibgateway_api.reports import ExecutorReport, SentinelReport
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

PROVEN = ConnectionState(connected=True, accounts=("DU1234567",), skew=0.1, reconciled=True)
"""Its own connection never objects here: what the sentinel knows has to be enough."""


class ExecutorSide:
    """Hears the sentinel and judges for itself; `busy_until` is when its last order is acknowledged."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.report_heard: SentinelReport | None = None
        self.heard_at = float("-inf")
        self.settings: ExecutorSettings | None = None
        self.busy_until = float("-inf")
        connection = CurrentConnection(clock=clock, changed=Wakeup(), wanted=Wakeup())
        self._connection = connection
        connection.state = PROVEN
        self._gate = TradingGate(
            settings=self._told,
            sentinel=self,
            connection=connection,
            ledger_problem=lambda: "" if self.settings else "no settings yet",
            paused=lambda: None,
            clock=clock,
        )

    @property
    def age(self) -> float:
        """Seconds since the sentinel was heard."""
        return self._clock.monotonic() - self.heard_at

    @property
    def report(self) -> SentinelReport | None:
        """What was heard last."""
        return self.report_heard

    def hear(self, report: SentinelReport) -> None:
        """The sentinel tells."""
        self.report_heard, self.heard_at = report, self._clock.monotonic()

    def gate(self) -> Gate:
        """Whether it would send an order now."""
        return self._gate.evaluate()

    def restarts(self) -> None:
        """It dies, and the next one has heard nothing."""
        self.report_heard, self.heard_at = None, float("-inf")

    def clock_is_off(self, seconds: float) -> None:
        """It has compared its clock with IBKR's."""
        self._connection.state = replace(PROVEN, skew=seconds)

    def state(self) -> ExecutorReport:
        """What it answers the operator."""
        busy = self._clock.monotonic() < self.busy_until
        return ExecutorReport(open=isinstance(self.gate(), Open), unacknowledged=int(busy))

    def _told(self) -> ExecutorSettings:
        assert self.settings is not None
        return self.settings
