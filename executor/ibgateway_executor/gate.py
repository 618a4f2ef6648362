"""Everything that says whether an order may be sent now, in one place and without waiting.

The gate is evaluated here for the dispatcher, the readiness probe and `/v1/gate`: the sentinel's
report, the week, the settings' accounts and the proof over our own connection.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ibgateway_api.gate import Closed, Gate, GateReason, Hold, gate
from ibgateway_api.settings import ExecutorSettings
from ibgateway_api.week import window
from ibgateway_executor.broker.connection_state import ConnectionState, objections, wrong_account
from ibgateway_executor.news import News
from ibgateway_executor.settings import WatchedFile


class TradingGate:
    """Reads, never writes. `proof` is asked anew each time: it changes with every callback."""

    def __init__(
        self,
        settings: WatchedFile[ExecutorSettings],
        news: News,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._news = news
        self._clock = clock
        self.proof: Callable[[], ConnectionState] = ConnectionState

    @property
    def settings(self) -> ExecutorSettings:
        """The settings as they are in the file now."""
        return self._settings.value()

    def gate(self) -> Gate:
        """Whether an order sent in this very turn of the event loop would reach the market."""
        settings, report = self.settings, self._news.report
        found = objections(self.proof(), settings.trading_mode, settings.accounts)
        held = (*settings.holds, *(report.holds if report else ()))
        week = window(
            settings.calendar,
            settings.restart,
            full_auth_time=report.full_auth_time if report else None,
            now=self._clock(),
        )
        verdict = gate(
            report.as_login() if report else None,
            age_of_news=self._news.age,
            week=week,
            holds=(*(hold.as_hold() for hold in held), *(Hold(o.reason) for o in found)),
        )
        messages = {o.reason: o.message for o in reversed(found)}
        if isinstance(verdict, Closed) and verdict.reason in messages:
            return replace(verdict, message=messages[GateReason(verdict.reason)])
        return verdict

    def trusts(self, proof: ConnectionState) -> bool:
        """Whether the login of this connection may be traded on."""
        settings = self.settings
        return not wrong_account(proof, settings.trading_mode, settings.accounts)

    def accounts(self) -> tuple[str, ...]:
        """The accounts an order may name: the settings', else the login's; empty before the first."""
        report = self._news.report
        known = self.proof().accounts or (report.accounts if report else ())
        return self.settings.accounts or known
