"""Which rebalances need a person: what can't go on, and what ended without what was asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from executor_fakes import NOON
from ibgateway_executor.orders.order import Side
from ibgateway_executor.rebalance.findings import findings
from ibgateway_executor.rebalance.last_runs import LatestRebalances
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import (
    RebalanceReport,
    RebalanceRun,
    RebalanceState,
    TradeOutcome,
)

DAY = timedelta(days=1)
FRIDAY = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)


def run(state: RebalanceState, reason: str = "", **changes: object) -> RebalanceRun:
    made = RebalanceRun("r1", 1, "DU1234567", "{}", NOON, NOON + 4 * DAY, state, reason, "why")
    return replace(made, **{"state_since": NOON, **changes})  # type: ignore[arg-type] # fields by name


def report(*outcomes: tuple[str, str]) -> RebalanceReport:
    trade, none = PlannedTrade(1, "AAPL", Side.BUY, 10, Decimal(10)), Decimal(0)
    made = tuple(TradeOutcome(trade, "", s, why, none, None, None, None) for s, why in outcomes)
    return RebalanceReport(made, (), none, none, none, none, none, None)


@pytest.mark.parametrize(
    ("state", "reason", "needs"),
    [
        (RebalanceState.WAITING, "MarketClosed", False),
        (RebalanceState.SELLING, "", False),
        (RebalanceState.SELLING, "Paused", False),
        (RebalanceState.SELLING, "UnknownOrder", True),
        (RebalanceState.BUYING, "UnknownOrder", True),
        (RebalanceState.COMPLETED, "", False),
        (RebalanceState.COMPLETED, "NotAllFilled", False),
        (RebalanceState.CANCELLED, "CancelledByClient", False),
        (RebalanceState.STOPPED, "SessionEnded", True),
        (RebalanceState.STOPPED, "Refused", True),
        (RebalanceState.EXPIRED, "ValidityEnded", False),
    ],
)
def test_what_needs_a_person(state: RebalanceState, reason: str, needs: bool) -> None:
    found = findings(LatestRebalances([run(state, reason)]), NOON)
    assert [(each.id, each.state, each.reason, each.message) for each in found] == (
        [("r1", state.value, reason, "why")] if needs else []
    )


def test_one_whose_orders_were_refused_is_done_and_needs_a_person_all_the_same() -> None:
    turned_away = report(("Filled", ""), ("Refused", "DailyOrderLimit: 5"), ("Rejected", "201"))
    done = run(RebalanceState.COMPLETED, "NotAllFilled", report=turned_away)
    (found,) = findings(LatestRebalances([done]), NOON)
    assert (found.reason, found.message) == (
        "OrdersRefused",
        "2 of its orders were refused, first BUY AAPL: DailyOrderLimit: 5",
    )
    assert (
        findings(LatestRebalances([replace(done, report=report(("Cancelled", "late")))]), NOON)
        == ()
    )
    assert findings(LatestRebalances([replace(done, state=RebalanceState.CANCELLED)]), NOON) == ()


@pytest.mark.parametrize(
    ("since", "late"),
    [(NOON, NOON + 2 * DAY), (FRIDAY, FRIDAY + 4 * DAY)],
)
def test_what_is_not_settled_after_two_working_days_is_late(
    since: datetime, late: datetime
) -> None:
    waits = run(RebalanceState.AWAITING_SETTLEMENT, "AwaitingSettlement", state_since=since)
    assert findings(LatestRebalances([waits]), late - timedelta(seconds=1)) == ()
    (found,) = findings(LatestRebalances([waits]), late)
    assert "not settled after two working days" in found.message


def test_a_doubt_stands_while_the_gate_is_closed_and_while_it_looks_whether_it_may_begin() -> None:
    latest = LatestRebalances()
    steps = [
        (RebalanceState.WAITING, "UnknownOrder", 1),
        (RebalanceState.CLEARING, "", 1),
        (RebalanceState.WAITING, "NightlyRestart", 1),
        (RebalanceState.SELLING, "", 0),
        (RebalanceState.SELLING, "UnknownOrder", 1),
        (RebalanceState.SELLING, "NoNews", 1),
        (RebalanceState.SELLING, "", 0),
        (RebalanceState.BUYING, "UnknownOrder", 1),
        (RebalanceState.CANCELLED, "CancelledByClient", 0),
    ]
    for state, reason, count in steps:
        latest.put(replace(run(state, reason), message=f"of {reason}"))
        found = findings(latest, NOON)
        assert [(each.reason, each.message) for each in found] == (
            [("UnknownOrder", "of UnknownOrder")] * count
        )
    latest.put(run(RebalanceState.BUYING, "UnknownOrder"))
    latest.put(replace(run(RebalanceState.ACCEPTED), id="r2", sequence=2))
    assert latest.doubts == {}


def test_cash_that_is_late_is_one_finding_whatever_else_holds_it() -> None:
    waits = [
        run(RebalanceState.AWAITING_SETTLEMENT, reason)
        for reason in ("AwaitingSettlement", "NightlyRestart")
    ]
    found = [findings(LatestRebalances([each]), NOON + 2 * DAY) for each in waits]
    assert [each.reason for (each,) in found] == ["AwaitingSettlement"] * 2


def test_an_end_is_told_of_for_a_day_or_until_the_account_has_another_rebalance() -> None:
    stopped = run(RebalanceState.STOPPED, "SessionEnded")
    assert len(findings(LatestRebalances([stopped]), NOON + DAY - timedelta(seconds=1))) == 1
    assert findings(LatestRebalances([stopped]), NOON + DAY) == ()
    last = LatestRebalances([stopped])
    assert len(findings(last, NOON)) == 1
    last.put(replace(run(RebalanceState.ACCEPTED), id="r2", sequence=2))
    assert findings(last, NOON) == ()
    assert [each.id for each in last.active] == ["r2"]
    last.put(stopped)
    assert [each.id for each in last.active] == ["r2"]


def test_accounts_have_one_each_in_the_order_of_their_ids() -> None:
    runs = [
        replace(run(RebalanceState.STOPPED, "Refused"), id=name, account=f"DU123456{number}")
        for number, name in enumerate(("b", "a"))
    ]
    assert [found.id for found in findings(LatestRebalances(runs), NOON)] == ["a", "b"]
