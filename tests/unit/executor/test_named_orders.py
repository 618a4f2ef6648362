"""Orders that name one contract differently: which goes first while the broker has not told all of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from executor_fakes import AAPL, NOON, TERMS, DispatchWorld
from ibgateway_executor.orders.active import ActiveOrders
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    cancel,
)
from ibgateway_executor.orders.queue import LaneHeads, Waiting

LATER = NOON + timedelta(hours=4)
PRICE = Waiting("NoPrice", "no price")
MSFT = Contract(272093, "MSFT", primary_exchange="NASDAQ")
ELSEWHERE = Contract(0, "AAPL", exchange="NASDAQ")


def made(number: int) -> Order:
    terms = OrderTerms("DU1", Contract(1, "X"), Side.BUY, 1, OrderType.MARKET)
    return Order(
        str(number), number, terms, accepted_at=NOON, valid_until=LATER, state=OrderState.WAITING
    )


def chosen(orders: list[Order], held: Mapping[int, Waiting]) -> int:
    """The sequence of the next one, 0 for none."""
    active, heads = ActiveOrders(orders), LaneHeads()
    heads.put_all(active)
    found = heads.next(active, wait=lambda o: held.get(o.sequence))
    return found.sequence if found else 0


def named(number: int, contract: Contract, account: str = "DU1") -> Order:
    one = made(number)
    return replace(one, terms=replace(one.terms, account=account, contract=contract))


@pytest.mark.parametrize(
    ("earlier", "account", "next_one"),
    [
        (Contract(0, "x"), "DU1", 0),
        (Contract(0, "X", exchange="NYSE"), "DU1", 0),
        (Contract(0, "X", sec_type="", currency=""), "DU1", 0),
        (Contract(0, "X"), "", 0),
        (Contract(1), "", 0),
        (Contract(1, "SAID OTHERWISE"), "", 0),
        (Contract(0, "X"), "DU2", 2),
        (Contract(2, "X"), "", 2),
        (Contract(0, "Y"), "DU1", 2),
        (Contract(0, "X", currency="EUR"), "DU1", 2),
        (Contract(0, "X", sec_type="CFD"), "DU1", 2),
    ],
)
def test_an_order_waits_behind_an_earlier_one_that_may_be_for_its_contract(
    earlier: Contract, account: str, next_one: int
) -> None:
    first, second = named(1, earlier, account), made(2)
    assert chosen([first, second], {1: PRICE}) == next_one
    assert chosen([second, replace(first, sequence=3)], {3: PRICE}) == 2
    assert chosen([replace(first, not_before=LATER), second], {1: PRICE}) == 2
    other_hours = replace(second, terms=replace(second.terms, outside_regular_hours=True))
    assert chosen([first, other_hours], {1: PRICE}) == next_one


def test_a_contract_of_which_no_symbol_is_told_may_be_that_of_any_name() -> None:
    assert chosen([named(1, Contract(0, "Y")), named(2, Contract(1))], {1: PRICE}) == 0


def test_an_earlier_order_takes_its_place_once_its_contract_is_told() -> None:
    first, second = named(1, Contract(0, "X")), made(2)
    active, heads = ActiveOrders([first, second]), LaneHeads()
    heads.put_all(active)
    held = {1: PRICE}

    def next_one() -> int:
        for of in active.news()[1]:
            heads.put(active, of)
        found = heads.next(active, wait=lambda o: held.get(o.sequence))
        return found.sequence if found else 0

    assert next_one() == 0
    held.clear()
    active.put(made(1))
    assert next_one() == 1
    active.put(replace(made(1), state=OrderState.FILLED))
    assert next_one() == 2


async def aapl_is_known_and_nothing_else_is_told(world: DispatchWorld) -> None:
    world.broker.known = (AAPL, MSFT)
    for name, contract in (("known", AAPL), ("other", MSFT)):
        await world.order(name, replace(TERMS, contract=contract))
        await world.dispatch()
        await world.fill(name)
    await world.dispatch()
    world.broker.placed.clear()
    world.broker.mute = {"AAPL"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (ELSEWHERE, Contract(265598)),
        (ELSEWHERE, Contract(265598, "AAPL", currency="")),
        (replace(ELSEWHERE, currency="", sec_type=""), AAPL),
    ],
)
async def test_orders_that_name_one_contract_differently_go_in_their_order(
    dispatch: DispatchWorld, earlier: Contract, later: Contract
) -> None:
    await aapl_is_known_and_nothing_else_is_told(dispatch)
    await dispatch.order("a", replace(TERMS, contract=earlier))
    await dispatch.dispatch()
    await dispatch.order("b", replace(TERMS, contract=later))
    await dispatch.order("c", replace(TERMS, contract=MSFT))
    await dispatch.dispatch()
    assert dispatch.placed == ["c"]
    await dispatch.fill("c")
    await dispatch.dispatch()
    assert await dispatch.states("b") == [("Waiting", "BehindEarlierOrder")]
    assert "has not been told" in (await dispatch.stored("b")).message
    dispatch.broker.mute = set()
    dispatch.broker.give_up()
    for _ in range(3):
        await dispatch.dispatch()
        dispatch.time.advance(6)
    assert dispatch.placed == ["c", "a"]
    await dispatch.fill("a")
    await dispatch.dispatch()
    assert dispatch.placed == ["c", "a", "b"]


async def test_an_order_without_an_account_may_be_for_the_account_of_a_later_one(
    dispatch: DispatchWorld,
) -> None:
    await aapl_is_known_and_nothing_else_is_told(dispatch)
    await dispatch.order("a", replace(TERMS, account="", contract=Contract(265598, exchange="X")))
    await dispatch.dispatch()
    await dispatch.order("b")
    await dispatch.dispatch()
    assert dispatch.placed == []


async def test_what_ends_unresolved_holds_up_nobody_any_more(dispatch: DispatchWorld) -> None:
    await aapl_is_known_and_nothing_else_is_told(dispatch)
    await dispatch.order("a", replace(TERMS, contract=ELSEWHERE))
    await dispatch.dispatch()
    await dispatch.order("b")
    await dispatch.dispatch()
    assert dispatch.placed == []
    await dispatch.ledger.advance("a", cancel)
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.placed == ["b"]
