"""Which rebalances need a person, and why. Pure."""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_api.reports import RebalanceFinding
from ibgateway_executor.orders.market_hours import default_validity
from ibgateway_executor.rebalance.last_runs import LatestRebalances
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    TradeOutcome,
)

TOLD_AFTER_END: Final = timedelta(days=1)
"""So long one that has ended without what was asked is told of, unless its account has another one before."""
ORDERS_REFUSED: Final = "OrdersRefused"
REFUSED: Final = frozenset({"Refused", "Rejected"})
"""Outcomes of trades that a limit, a check or the broker has turned away."""


def findings(latest: LatestRebalances, now: datetime) -> tuple[RebalanceFinding, ...]:
    """One for each that needs a person, by its id."""
    found = (_finding(run, latest.doubts.get(run.id, ""), now) for run in latest)
    return tuple(sorted((each for each in found if each), key=lambda each: each.id))


def refused(run: RebalanceRun) -> tuple[TradeOutcome, ...]:
    """Its trades that were turned away, once it has its report."""
    made = run.report
    return () if made is None else tuple(o for o in made.outcomes if o.state in REFUSED)


def _finding(run: RebalanceRun, doubt: str, now: datetime) -> RebalanceFinding | None:
    if run.ended:
        ended_at = run.state_since or run.updated_at or run.accepted_at
        return None if now >= ended_at + TOLD_AFTER_END else _undone(run)
    if doubt:
        return _told(run, RebalanceReason.UNKNOWN_ORDER, doubt)
    if run.state is RebalanceState.AWAITING_SETTLEMENT and now >= _settled_late(run):
        return _told(
            run,
            RebalanceReason.AWAITING_SETTLEMENT,
            f"what its sells brought is not settled after two working days; nothing is bought before, and it stops at "
            f"{run.valid_until.isoformat()}",
        )
    return None


def _undone(run: RebalanceRun) -> RebalanceFinding | None:
    if run.state is RebalanceState.STOPPED:
        return _told(run, run.reason, run.message)
    turned_away = refused(run)
    if run.state is RebalanceState.COMPLETED and turned_away:
        first = turned_away[0]
        words = f"{len(turned_away)} of its orders were refused, first {first.trade.side} {first.trade.symbol}: {first.message}"
        return _told(run, ORDERS_REFUSED, words)
    return None


def _settled_late(run: RebalanceRun) -> datetime:
    """Two working days after it began to wait: trades settle on the next one."""
    since = run.state_since or run.updated_at or run.accepted_at
    return default_validity(default_validity(since))


def _told(run: RebalanceRun, reason: str, message: str) -> RebalanceFinding:
    return RebalanceFinding(id=run.id, state=run.state.value, reason=str(reason), message=message)
