"""Rebalances in the ledger: stored once, one at a time for each account, and read again as they were."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from executor_fakes import NOON
from ibgateway_executor.errors import IllegalMoveError, OrderRefusedError
from ibgateway_executor.ledger.sqlite import OrderStore
from ibgateway_executor.orders.order import Contract, Side
from ibgateway_executor.rebalance.plan import (
    Omission,
    OmissionReason,
    PlannedTrade,
    PlannedWeight,
    RebalancePlan,
)
from ibgateway_executor.rebalance.progress import (
    RebalanceReport,
    RebalanceRun,
    RebalanceState,
    TradeOutcome,
    cancel,
    move,
)

TRADE = PlannedTrade(265598, "AAPL", Side.BUY, 10, Decimal("190.25"))
WEIGHT = PlannedWeight(265598, "AAPL", Decimal(1) / 3, Decimal(0), Decimal("0.3"))
PLAN = RebalancePlan(
    (TRADE,),
    (Omission(8314, "IBM", OmissionReason.LOCKED, "it is locked"),),
    (WEIGHT,),
    Decimal("1000.10"),
    Decimal("10.00"),
    Decimal("0.01"),
    {265598: Decimal("190.25")},
)
REPORT = RebalanceReport(
    (TradeOutcome(TRADE, "o1", "Filled", "", Decimal(10), Decimal("190.3"), Decimal("0.5"), None),),
    (WEIGHT,),
    Decimal("0.1"),
    Decimal(0),
    Decimal(1000),
    Decimal(5),
    Decimal("0.5"),
    None,
)


def run(name: str, account: str = "DU1234567", **changes: object) -> RebalanceRun:
    made = RebalanceRun(name, 0, account, '{"targets":[]}', NOON, NOON + timedelta(days=1))
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name


def test_everything_about_one_is_read_again_as_it_was(store: OrderStore) -> None:
    whole = run(
        "r1",
        state=RebalanceState.BUYING,
        reason="Paused",
        message="by R.",
        until=NOON,
        began_at=NOON,
        session_end=NOON,
        cash_before=Decimal("0.10"),
        plan=PLAN,
        contracts={265598: Contract(265598, "AAPL")},
        held_before={265598: Decimal("1.5")},
        buys=(TRADE,),
        refused={"k": "no"},
        cancel_requested=True,
        report=REPORT,
    )
    stored, new = store.add_rebalance("k1", "h", whole, NOON)
    assert (new, stored) == (True, replace(whole, sequence=stored.sequence, updated_at=NOON))
    assert store.rebalance("r1") == stored
    assert store.rebalance("r2") is None


def test_a_key_is_one_rebalance_and_an_account_has_one_at_a_time(store: OrderStore) -> None:
    first, _ = store.add_rebalance("k1", "h1", run("r1"), NOON)
    assert store.add_rebalance("k1", "h1", run("r1"), NOON) == (first, False)
    with pytest.raises(OrderRefusedError, match="another rebalance"):
        store.add_rebalance("k1", "h2", run("r1"), NOON)
    assert store.add_rebalance("k2", "h2", run("r2"), NOON) == (first, False)
    other, new = store.add_rebalance("k3", "h3", run("r3", "DU7654321"), NOON)
    assert (new, [each.id for each in store.active_rebalances()]) == (True, ["r1", "r3"])
    ended = store.advance_rebalance("r1", cancel, NOON).after
    assert [each.id for each in store.active_rebalances()] == ["r3"]
    assert store.add_rebalance("k1", "h1", run("r1"), NOON) == (ended, False)
    assert store.add_rebalance("k2", "h2", run("r2"), NOON)[1] is True
    assert [each.id for each in store.rebalances(after=first.sequence, limit=1)] == [other.id]


def test_a_step_is_taken_from_where_it_stands_or_not_at_all(store: OrderStore) -> None:
    stored, _ = store.add_rebalance("k1", "h", run("r1"), NOON)
    later = NOON + timedelta(minutes=1)
    moved = store.advance_rebalance("r1", lambda r: move(r, RebalanceState.CLEARING), later)
    assert (moved.before, moved.after.state, moved.after.updated_at) == (stored, "Clearing", later)
    forbidden = store.advance_rebalance("r1", lambda r: move(r, RebalanceState.BUYING), later)
    assert forbidden == (moved.after, moved.after)
    assert store.advance_rebalance("r1", lambda r: r, NOON).after == moved.after
    with pytest.raises(IllegalMoveError, match="no rebalance r9"):
        store.advance_rebalance("r9", lambda r: r, NOON)
