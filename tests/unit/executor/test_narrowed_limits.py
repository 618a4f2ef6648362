"""A limit that is lowered, or an account that is taken away, holds for what was accepted before."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import AAPL, NOON, TERMS, DispatchWorld, entry
from ibgateway_api.gate import Closed, Open
from ibgateway_api.login import LoginState
from ibgateway_executor.ledger.sqlite import open_sqlite
from ibgateway_executor.orders.order import Contract, OrderType, unsend

CLOSED = Closed(LoginState.AWAITING_APPROVAL, "a push waits")
MSFT = Contract(272093, "MSFT", primary_exchange="NASDAQ")
HELD = ("Waiting", "DailyOrderLimit")


async def day_of_five(dispatch: DispatchWorld) -> None:
    """Five orders that wait for the gate, each for a lane of its own."""
    contracts = [replace(AAPL, con_id=number, symbol=f"S{number}") for number in range(1, 6)]
    dispatch.broker.known = tuple(contracts)
    for contract in contracts:
        await dispatch.order(contract.symbol, replace(TERMS, contract=contract))


async def send_all(dispatch: DispatchWorld) -> None:
    """Fill each order as soon as it is sent."""
    before = -1
    while before != len(dispatch.placed):
        before = len(dispatch.placed)
        await dispatch.dispatch()
        if dispatch.placed:
            await dispatch.fill(dispatch.placed[-1])


def limit(dispatch: DispatchWorld, orders: int | None) -> None:
    dispatch.settings = dispatch.settings.model_copy(update={"max_orders_per_day": orders})


async def test_the_first_orders_of_the_day_go_and_the_others_wait(dispatch: DispatchWorld) -> None:
    await day_of_five(dispatch)
    limit(dispatch, 2)
    await send_all(dispatch)
    assert dispatch.placed == ["S1", "S2"]
    assert await dispatch.states("S3", "S5") == [HELD, HELD]
    assert "raise the limit, or cancel" in (await dispatch.stored("S3")).message
    limit(dispatch, 4)
    await send_all(dispatch)
    assert dispatch.placed == ["S1", "S2", "S3", "S4"]
    limit(dispatch, None)
    await send_all(dispatch)
    assert dispatch.placed == ["S1", "S2", "S3", "S4", "S5"]


async def test_what_has_left_counts_also_where_it_was_accepted_later(
    dispatch: DispatchWorld,
) -> None:
    await day_of_five(dispatch)
    dispatch.broker.mute = {"S1", "S2", "S3"}
    await send_all(dispatch)
    assert dispatch.placed == ["S4", "S5"]
    limit(dispatch, 2)
    dispatch.broker.give_up()
    dispatch.broker.mute = set()
    dispatch.time.advance(5)
    await send_all(dispatch)
    assert dispatch.placed == ["S4", "S5"]
    assert set(await dispatch.states("S1", "S2", "S3")) == {HELD}


async def test_each_day_in_new_york_has_its_own_orders(dispatch: DispatchWorld) -> None:
    dispatch.time.set(NOON - timedelta(hours=23))
    dispatch.gate = CLOSED
    await dispatch.order("yesterday")
    await dispatch.order("too many")
    dispatch.time.set(NOON)
    await dispatch.order("today", replace(TERMS, contract=MSFT))
    dispatch.broker.known = (AAPL, MSFT)
    limit(dispatch, 1)
    dispatch.gate = Open()
    await send_all(dispatch)
    assert dispatch.placed == ["yesterday", "today"]
    assert await dispatch.states("too many") == [HELD]


async def test_a_limit_lowered_during_the_commit_keeps_the_order_back(
    dispatch: DispatchWorld,
) -> None:
    await day_of_five(dispatch)
    limit(dispatch, 5)
    dispatch.store.after_reserve = lambda: limit(dispatch, 1)
    await dispatch.dispatcher.dispatch()
    await dispatch.answers()
    await dispatch.dispatcher.dispatch()
    assert dispatch.placed == []
    assert await dispatch.states("S1") == [HELD]
    dispatch.store.after_reserve = lambda: None
    await send_all(dispatch)
    assert dispatch.placed == ["S1"]


@pytest.mark.parametrize(
    ("narrower", "state"),
    [
        ({"max_orders_per_day": 1}, HELD),
        ({"max_order_value": "1999.99"}, ("Rejected", "OrderValueLimit")),
        ({"accounts": ("DU7654321",)}, ("Rejected", "UnknownAccount")),
    ],
)
async def test_what_waits_is_held_to_the_limits_of_now(
    dispatch: DispatchWorld, narrower: dict[str, object], state: tuple[str, str]
) -> None:
    terms = replace(TERMS, order_type=OrderType.LIMIT, limit_price=Decimal(200))
    dispatch.gate = CLOSED
    await dispatch.order("first")
    await dispatch.ledger.reserve("first", client_id=17, next_valid_id=1)
    await dispatch.fill("first")
    await dispatch.order("a", terms)
    await dispatch.dispatch()
    dispatch.settings = dispatch.settings.model_copy(update=narrower)
    dispatch.accounts = dispatch.settings.accounts or dispatch.accounts
    dispatch.gate = Open()
    await dispatch.dispatch()
    assert "a" not in dispatch.placed
    assert await dispatch.states("a") == [state]


async def test_an_order_that_came_back_unsent_has_not_left(dispatch: DispatchWorld) -> None:
    day = NOON - timedelta(hours=12), NOON + timedelta(hours=12)
    for name in ("a", "b"):
        await dispatch.ledger.accept(entry(name))
    await dispatch.ledger.reserve("a", client_id=17, next_valid_id=1)
    await dispatch.ledger.count_day(*day, 1)
    tally, second = dispatch.ledger.tallies[day[0]], await dispatch.stored("b")
    assert (tally.left, tally.allows(second)) == (1, False)
    await dispatch.ledger.advance("a", lambda order: unsend(order, reason="x", message=""))
    assert (tally.left, tally.allows(await dispatch.stored("a")), tally.allows(second)) == (
        *(0, True),
        False,
    )
    await dispatch.ledger.count_day(*day, 2)
    assert dispatch.ledger.tallies[day[0]].allows(second)


def test_the_days_orders_are_counted_by_an_index(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "ledger.db")
    with store._file.engine.connect() as connection:
        text = "SELECT count(*) FROM jobs WHERE accepted_at >= '2026'"
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
    store.close()
    assert "jobs_by_acceptance" in str(plan)
