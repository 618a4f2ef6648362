"""Rebalances in a ledger that may be a copy of an earlier one: the broker knows them by no name, so none of them begins."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from executor_fakes import NOON, ConnectionWorld, entry
from ibgateway_executor.ledger.facts import STAGED, set_fact
from ibgateway_executor.orders.order import OrderState, Side
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import (
    RebalanceRun,
    RebalanceState,
    RebalanceView,
    ending,
    next_step,
)

BEGINS = RebalanceRun(
    "r", 0, "DU1234567", '{"targets":[]}', NOON, valid_until=NOON + timedelta(days=3)
)


@pytest.mark.parametrize(
    ("state", "away", "after"),
    [
        ("Accepted", timedelta(minutes=6), "Stopped"),
        ("Waiting", timedelta(hours=20), "Stopped"),
        ("Clearing", timedelta(minutes=6), "Stopped"),
        ("Waiting", timedelta(minutes=4), "Waiting"),
    ],
)
async def test_what_has_not_begun_in_a_ledger_that_may_be_a_copy_does_not_begin(
    gateway: ConnectionWorld, state: str, away: timedelta, after: str
) -> None:
    ledger = gateway.ledger
    await ledger.rebalances.accept("k", "h", replace(BEGINS, state=RebalanceState(state)))
    await ledger.mark_written()
    gateway.time.advance(away.total_seconds())
    await ledger.recover()
    found = await ledger.rebalances.find("r")
    assert found is not None
    assert found.state == after
    assert (found.reason == "LedgerMayBeRestored") is (after == "Stopped")


async def test_what_came_after_that_start_is_no_copys(gateway: ConnectionWorld) -> None:
    await gateway.ledger.mark_written()
    gateway.time.advance(360)
    await gateway.ledger.recover()
    gateway.time.advance(1)
    begins = replace(BEGINS, accepted_at=gateway.time.now)
    await gateway.ledger.rebalances.accept("k", "h", begins)
    await gateway.ledger.mark_written()
    gateway.time.advance(60)
    await gateway.ledger.recover()
    found = await gateway.ledger.rebalances.find("r")
    assert found is not None
    assert found.state is RebalanceState.ACCEPTED


@pytest.mark.parametrize(
    ("state", "away", "restored", "given_up"),
    [
        ("Selling", timedelta(minutes=6), False, False),
        ("Buying", timedelta(hours=20), False, False),
        ("AwaitingSettlement", timedelta(hours=6), False, False),
        ("AwaitingSettlement", timedelta(hours=20), False, True),
        ("Selling", timedelta(minutes=1), True, True),
        ("Buying", timedelta(minutes=1), True, True),
        ("AwaitingSettlement", timedelta(minutes=1), True, True),
    ],
)
async def test_what_has_begun_in_a_copy_ends_where_nobody_can_tell_what_came_of_it(
    gateway: ConnectionWorld, state: str, away: timedelta, restored: bool, given_up: bool
) -> None:
    ledger = gateway.ledger
    await ledger.rebalances.accept("k", "h", replace(BEGINS, state=RebalanceState(state)))
    await ledger.mark_written()
    if restored:
        with gateway.store._database.direct() as file:
            set_fact(file, STAGED, "2026-11-23T17:00:00+00:00")
    gateway.time.advance(away.total_seconds())
    await ledger.recover()
    found = await ledger.rebalances.find("r")
    assert found is not None
    assert (found.state, found.given_up) == (state, given_up)


async def test_a_start_that_was_killed_before_it_gave_them_up_does_so_the_next_time(
    gateway: ConnectionWorld,
) -> None:
    ledger = gateway.ledger
    await ledger.rebalances.accept("k", "h", BEGINS)
    await ledger.mark_written()
    gateway.time.advance(360)
    gateway.store.opened(gateway.time.now)
    gateway.store.mark_written(gateway.time.now)
    gateway.time.advance(10)
    await ledger.recover()
    found = await ledger.rebalances.find("r")
    assert found is not None
    assert found.state is RebalanceState.STOPPED


VIEW = RebalanceView(NOON, gate_open=False, late=False)
BUY = PlannedTrade(1, "AAA", Side.BUY, 5, Decimal(10))


@pytest.mark.parametrize(
    ("state", "order", "step"),
    [
        ("Buying", OrderState.WAITING, "cancelOrders"),
        ("Buying", OrderState.UNKNOWN, "doubt"),
        ("Buying", None, "finish"),
        ("Selling", None, "finish"),
        ("AwaitingSettlement", None, "finish"),
    ],
)
def test_one_that_is_given_up_cancels_its_orders_and_sends_nothing(
    state: str, order: OrderState | None, step: str
) -> None:
    run = replace(BEGINS, state=RebalanceState(state), buys=(BUY,), given_up=True)
    orders = {} if order is None else {run.key(BUY): replace(entry("o").order, state=order)}
    assert next_step(run, orders, VIEW) == step
    assert next_step(run, orders, replace(VIEW, gate_open=True)) == step
    ended = ending(run, {}, NOON)
    assert ended[:2] == (RebalanceState.STOPPED, "LedgerMayBeRestored")
    assert "ask for another one" in ended[2]
