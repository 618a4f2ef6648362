"""The executor's gate: everything that says whether an order may be sent now, without waiting.

Asked by the dispatcher, the readiness probe and `/v1/gate`: the sentinel's report, the week, the
settings' accounts and holds, what is proven over the executor's own connection, whether a person has paused trading,
and whether the ledger can be written (`ledger_problem`, empty where it can).
"""

from collections.abc import Callable
from dataclasses import replace

from ibgateway_api.gate import Closed, Gate, GateReason, Hold, gate
from ibgateway_api.reports import PauseReport
from ibgateway_api.settings import ExecutorSettings
from ibgateway_api.week import window
from ibgateway_executor.broker.connection_state import objections
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.sentinel import SentinelStatus
from ibgateway_runtime.clock import Clock


class TradingGate:
    """Reads, never writes; everything is read anew each time."""

    def __init__(
        self,
        *,
        settings: Callable[[], ExecutorSettings],
        sentinel: SentinelStatus,
        connection: CurrentConnection,
        ledger_problem: Callable[[], str],
        paused: Callable[[], PauseReport | None],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._sentinel = sentinel
        self._connection = connection
        self._ledger_problem = ledger_problem
        self._paused = paused
        self._clock = clock

    def evaluate(self) -> Gate:
        """Whether an order written before the event loop goes on would reach the market."""
        if problem := self._ledger_problem():
            return Closed(GateReason.LEDGER_UNAVAILABLE, problem)
        settings, report = self._settings(), self._sentinel.report
        found = objections(self._connection.state, settings.trading_mode, settings.accounts)
        paused = self._paused()
        held = (*settings.holds, *(report.holds if report else ()))
        week = window(
            settings.calendar,
            settings.restart,
            full_auth_time=report.full_auth_time if report else None,
            now=self._clock.now(),
        )
        verdict = gate(
            report.as_login() if report else None,
            age_of_news=self._sentinel.age,
            week=week,
            holds=(
                *((Hold(GateReason.PAUSED),) if paused else ()),
                *(hold.as_hold() for hold in held),
                *(Hold(o.reason) for o in found),
            ),
        )
        messages = {o.reason: o.message for o in reversed(found)}
        if paused:
            messages[GateReason.PAUSED] = paused.in_words()
        if isinstance(verdict, Closed) and verdict.reason in messages:
            return replace(verdict, message=messages[GateReason(verdict.reason)])
        return verdict

    def accounts(self) -> tuple[str, ...]:
        """The accounts an order may name: the settings', else the login's; empty before the first."""
        report = self._sentinel.report
        known = self._connection.state.accounts or (report.accounts if report else ())
        return self._settings().accounts or known
