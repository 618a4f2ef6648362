"""Rebalances in the ledger: stored once, one at a time for each account, and read again as they were."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from executor_fakes import NOON, accept, entry
from executor_fakes.revisions import taken_back
from ibgateway_executor.errors import IllegalMoveError, OrderRefusedError
from ibgateway_executor.ledger.sqlite import OrderStore
from ibgateway_executor.orders.history import ChangeCause
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
    wait,
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
    assert (new, stored) == (
        True,
        replace(whole, sequence=stored.sequence, updated_at=NOON, state_since=NOON),
    )
    assert store.rebalance("r1") == stored
    assert store.rebalance("r2") is None


def test_a_key_is_one_rebalance_and_an_account_has_one_at_a_time(store: OrderStore) -> None:
    first, _ = store.add_rebalance("k1", "h1", run("r1"), NOON)
    assert store.add_rebalance("k1", "h1", run("r1"), NOON) == (first, False)
    with pytest.raises(OrderRefusedError, match="another rebalance"):
        store.add_rebalance("k1", "h2", run("r1"), NOON)
    with pytest.raises(OrderRefusedError, match="r1") as refused:
        store.add_rebalance("k2", "h2", run("r2"), NOON)
    assert (refused.value.code, refused.value.rebalance) == ("RebalanceActive", "r1")
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


def told(store: OrderStore, after: int = 0) -> list[tuple[object, ...]]:
    lines = store.lines(after=after, limit=99)
    return [
        (at, subject.value, uid, line.number, line.before, line.state, line.reason, line.cause)
        for at, subject, uid, line in lines
    ]


def test_its_changes_are_lines_among_those_of_the_orders(store: OrderStore) -> None:
    accept(store, entry("o1"))
    store.add_rebalance("k1", "h", run("r1"), NOON)
    store.add_rebalance("k2", "h", run("r2", "DU7654321"), NOON)
    store.advance_rebalance("r1", lambda r: move(r, RebalanceState.CLEARING), NOON)
    accept(store, entry("o2"))
    store.advance_rebalance("r1", cancel, NOON, ChangeCause.CLIENT)
    assert told(store) == [
        (1, "order", "o1", 1, "", "Accepted", "", "client"),
        (2, "rebalance", "r1", 1, "", "Accepted", "", "client"),
        (3, "rebalance", "r2", 1, "", "Accepted", "", "client"),
        (4, "rebalance", "r1", 2, "Accepted", "Clearing", "", "executor"),
        (5, "order", "o2", 1, "", "Accepted", "", "client"),
        (6, "rebalance", "r1", 3, "Clearing", "Cancelled", "CancelledByClient", "client"),
    ]
    assert store.newest_line() == 6
    assert [line.state for line in store.history(1, after=0, limit=9)] == ["Accepted"]


def test_a_repeated_request_and_a_forbidden_step_are_no_lines(store: OrderStore) -> None:
    store.add_rebalance("k1", "h", run("r1"), NOON)
    store.add_rebalance("k1", "h", run("r1"), NOON)
    with pytest.raises(OrderRefusedError):
        store.add_rebalance("k2", "h2", run("r2"), NOON)
    store.advance_rebalance("r1", lambda r: move(r, RebalanceState.BUYING), NOON)
    store.advance_rebalance("r1", lambda r: replace(r, session_end=NOON), NOON)
    assert len(told(store)) == 1


def test_each_reason_to_wait_is_one_line_however_often_it_comes_back(store: OrderStore) -> None:
    store.add_rebalance("k1", "h", run("r1"), NOON)
    for reason in ("NoNews", "MarketClosed", "NoNews", "MarketClosed"):
        store.advance_rebalance("r1", partial(wait, reason=reason, message="m"), NOON)
    assert [row[5:7] for row in told(store, after=1)] == [
        ("Waiting", "NoNews"),
        ("Waiting", "MarketClosed"),
    ]
    store.advance_rebalance("r1", lambda r: move(r, RebalanceState.CLEARING), NOON)
    store.advance_rebalance("r1", partial(wait, reason="NoNews", message="m"), NOON)
    assert [row[5:7] for row in told(store, after=3)] == [("Clearing", ""), ("Waiting", "NoNews")]


def test_what_changed_stands_beside_the_state(store: OrderStore) -> None:
    start = run("r1", state=RebalanceState.CLEARING)
    store.add_rebalance("k1", "h", start, NOON)
    for step in (
        lambda r: move(replace(r, plan=PLAN), RebalanceState.SELLING),
        lambda r: replace(r, refused={"k": "no"}),
        lambda r: move(replace(r, buys=(TRADE,)), RebalanceState.BUYING),
        cancel,
        lambda r: move(replace(r, report=REPORT), RebalanceState.CANCELLED, reason="x"),
    ):
        store.advance_rebalance("r1", step, NOON)
    assert [dict(line.evidence) for *_, line in store.lines(after=0, limit=9)] == [
        {"account": "DU1234567"},
        {"driftBefore": "0.166667", "plannedOrders": 1},
        {"refusedOrders": 1},
        {"buys": 1},
        {"cancelRequested": True},
        {"driftAfter": "0.000000"},
    ]


@pytest.mark.parametrize(
    ("key", "rebalance"),
    [
        ("rebalance-r1-BUY-265598", "r1"),
        ("rebalance-r2-BUY-265598", ""),
        ("rebalance-r1-SELL-265598", ""),
        ("rebalance-r1-BUY-1", ""),
        ("rebalance-r1", ""),
        ("r1", ""),
    ],
)
def test_orders_that_a_rebalance_placed_before_they_were_marked_are_known_by_their_keys(
    store: OrderStore, key: str, rebalance: str
) -> None:
    store.add_rebalance("k", "h", run("r1"), NOON)
    accept(store, replace(entry("a"), key=key))
    with store._database.writing() as connection:
        taken_back(connection, "0009")
    store.stamp("paper")
    found = store.find("a")
    assert found is not None
    assert found.rebalance == rebalance


def test_it_is_known_since_when_it_is_in_its_state(store: OrderStore) -> None:
    minute = timedelta(minutes=1)
    store.add_rebalance("k1", "h", run("r1"), NOON)
    for number, step in enumerate(
        (
            partial(wait, reason="NoNews", message="m"),
            partial(wait, reason="MarketClosed", message="m"),
            partial(move, state=RebalanceState.CLEARING),
        ),
        start=1,
    ):
        store.advance_rebalance("r1", step, NOON + number * minute)
    since = [line.at for *_, line in store.lines(after=0, limit=9)]
    assert since == [NOON, NOON + minute, NOON + 2 * minute, NOON + 3 * minute]
    found = store.rebalance("r1")
    assert found is not None
    assert found.state_since == NOON + 3 * minute
    store.advance_rebalance("r1", lambda r: replace(r, session_end=NOON), NOON + 4 * minute)
    found = store.rebalance("r1")
    assert found is not None
    assert (found.state_since, found.updated_at) == (NOON + 3 * minute, NOON + 4 * minute)


def test_the_last_one_of_each_account_is_found_ended_or_not(store: OrderStore) -> None:
    assert store.last_rebalances() == []
    store.add_rebalance("k1", "h", run("r1"), NOON)
    store.add_rebalance("k2", "h", run("r2", "DU7654321"), NOON)
    store.advance_rebalance("r1", cancel, NOON)
    assert {each.id for each in store.last_rebalances()} == {"r1", "r2"}
    store.add_rebalance("k3", "h", run("r3"), NOON)
    assert {each.id for each in store.last_rebalances()} == {"r2", "r3"}
