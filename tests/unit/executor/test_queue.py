"""Which order goes next."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_executor.orders.active import ActiveOrders, Lane, lane
from ibgateway_executor.orders.market_hours import HoursUnknown, Market, MarketClosed, MarketOpen
from ibgateway_executor.orders.order import (
    UNSENT,
    Contract,
    Order,
    OrderReason,
    OrderState,
    OrderTerms,
    OrderType,
    Priority,
    Side,
)
from ibgateway_executor.orders.queue import LaneHeads, Waiting, gate_wait, market_wait

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
PRICE = Waiting("NoPrice", "no price")


def order(number: int, con_id: int = 1, state: str = "Waiting", account: str = "DU1") -> Order:
    terms = OrderTerms(account, Contract(con_id, "X"), Side.BUY, 1, OrderType.MARKET)
    return Order(
        str(number), number, terms, accepted_at=NOON, valid_until=LATER, state=OrderState(state)
    )


def chosen(
    orders: list[Order], held: Mapping[int, Waiting] | None = None, before: int | None = None
) -> int:
    """The sequence of the next one, 0 for none."""
    active, heads = ActiveOrders(orders), LaneHeads()
    heads.put_all(active)
    found = heads.next(active, wait=lambda o: (held or {}).get(o.sequence), before=before)
    return found.sequence if found else 0


def test_the_oldest_order_goes_first() -> None:
    assert chosen([order(2, con_id=2), order(1, state="Accepted")]) == 1


def test_orders_for_one_contract_keep_their_order() -> None:
    orders = [order(1), order(2), order(3, con_id=2)]
    assert chosen(orders, {1: PRICE}) == 3
    assert chosen(orders[:2], {1: PRICE}) == 0


def test_a_working_order_holds_nobody() -> None:
    assert chosen([order(1, state="Working"), order(2)]) == 2


def test_an_unknown_order_blocks_its_own_lane_only() -> None:
    orders = [order(1, state="Unknown"), order(2), order(3, account="DU2"), order(4, con_id=2)]
    assert chosen(orders) == 3


def test_nobody_overtakes_an_order_that_has_not_been_looked_at() -> None:
    assert chosen([order(1, con_id=0), order(2)], {1: PRICE}, before=2) == 0
    assert chosen([order(1), order(2)], before=2) == 1


def test_a_lane_that_was_held_is_looked_at_again_when_something_about_it_has_changed() -> None:
    active, heads = ActiveOrders([order(1), order(2, con_id=2)]), LaneHeads()
    heads.put_all(active)
    held = {1: PRICE, 2: PRICE}
    assert heads.next(active, wait=lambda o: held.get(o.sequence)) is None
    held.clear()
    assert heads.next(active, wait=lambda o: held.get(o.sequence)) is None
    heads.put(active, lane(order(2, con_id=2)))
    assert heads.next(active, wait=lambda o: held.get(o.sequence)) == order(2, con_id=2)
    heads.put_all(active)
    assert heads.next(active, wait=lambda o: held.get(o.sequence)) == order(1)


def test_high_priority_goes_first_and_overtakes_nobody_in_its_lane() -> None:
    urgent = replace(order(3, con_id=2), priority=Priority.HIGH)
    assert chosen([order(1), urgent]) == 3
    assert chosen([order(1), order(2, con_id=2), urgent]) == 1
    assert chosen([order(2, con_id=2), urgent]) == 2
    assert chosen([order(1), urgent], before=3) == 1
    assert chosen([order(1), urgent], {3: PRICE}) == 1


@pytest.mark.parametrize(
    ("held", "next_one"),
    [
        ({}, 1),
        ({1: Waiting(OrderReason.MARKET_CLOSED, "")}, 2),
        ({1: Waiting(OrderReason.HOURS_UNKNOWN, "")}, 2),
        ({1: Waiting(OrderReason.CUT_OFF_PASSED, "")}, 2),
        ({1: PRICE}, 0),
    ],
)
def test_an_order_is_overtaken_by_one_for_other_hours_only_while_it_waits_for_its_own(
    held: dict[int, Waiting], next_one: int
) -> None:
    first, other = order(1), order(2)
    terms = replace(other.terms, order_type=OrderType.LIMIT, limit_price=Decimal(1))
    other = replace(other, terms=replace(terms, outside_regular_hours=True))
    assert chosen([first, other], held) == next_one
    assert chosen([replace(first, state=OrderState.UNKNOWN), other], held) == 0


def test_an_order_takes_its_place_in_the_lane_when_its_time_has_come() -> None:
    first, second = replace(order(1), not_before=LATER), order(2)
    active, heads = ActiveOrders([first, second, order(3)]), LaneHeads()

    def next_one() -> int:
        active.begin(now)
        for of in active.news()[1]:
            heads.put(active, of)
        found = heads.next(active, wait=lambda _: None)
        return found.sequence if found else 0

    now = NOON
    assert next_one() == 2
    active.put(replace(second, state=OrderState.SENDING))
    assert next_one() == 3
    now = LATER
    assert next_one() == 1
    active.put(replace(first, state=OrderState.SENDING))
    assert next_one() == 3
    active.put(replace(first, state=OrderState.WAITING))
    assert next_one() == 1


def drawn_orders(
    numbers: st.SearchStrategy[int], accounts: list[str]
) -> st.SearchStrategy[list[tuple[int, str, str, bool]]]:
    """Contract number, state, account and whether it is held."""
    states = st.sampled_from(["Accepted", "Waiting", "Working", "Unknown"])
    one = st.tuples(numbers, states, st.sampled_from(accounts), st.booleans())
    return st.lists(one, max_size=12)


ORDERS = drawn_orders(st.integers(1, 4), ["DU1", "DU2"])
NAMED = drawn_orders(st.integers(0, 4), ["DU1", "DU2", ""])
MOVES = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(OrderState)), max_size=8)


def settled(one: Order) -> bool:
    return one.terms.account != "" and one.terms.contract.con_id != 0


def may_be_one(unsettled: Order, other: Order) -> bool:
    account, number = unsettled.terms.account, unsettled.terms.contract.con_id
    return account in ("", other.terms.account) and number in (0, other.terms.contract.con_id)


def searched(orders: Sequence[Order], held: Mapping[int, Waiting]) -> int:
    """The same by looking at every order: first in its lane, not held, nothing of unknown fate beside it, and none before
    it that may be for the same account and contract.
    """
    lost = {lane(o) for o in orders if o.state is OrderState.UNKNOWN}
    heads: dict[Lane, Order] = {}
    for one in orders:
        if one.state in UNSENT:
            heads.setdefault(lane(one), one)
    unsettled = [o for o in orders if o.state in UNSENT and not settled(o)]
    free = [
        o
        for of, o in heads.items()
        if of not in lost
        and o.sequence not in held
        and not any(u.sequence < o.sequence and may_be_one(u, o) for u in unsettled)
    ]
    return min((o.sequence for o in free), default=0)


@given(ORDERS, MOVES)
def test_the_choice_is_that_of_a_search_through_all_orders(
    drawn: list[tuple[int, str, str, bool]], moves: list[tuple[int, OrderState]]
) -> None:
    compared(drawn, moves, anew=False)


@given(NAMED, MOVES)
def test_so_it_is_where_accounts_and_contracts_are_not_known_yet(
    drawn: list[tuple[int, str, str, bool]], moves: list[tuple[int, OrderState]]
) -> None:
    compared(drawn, moves, anew=True)


def compared(
    drawn: list[tuple[int, str, str, bool]], moves: list[tuple[int, OrderState]], *, anew: bool
) -> None:
    """After each move. `anew`: every lane is looked at, as the dispatcher does that now and then."""
    orders = {
        n: order(n, con_id, state, account)
        for n, (con_id, state, account, _) in enumerate(drawn, start=1)
    }
    held = {
        n: PRICE
        for n, (*_, is_held) in enumerate(drawn, start=1)
        if is_held or not settled(orders[n])
    }
    active, heads = ActiveOrders(orders.values()), LaneHeads()
    for step in [None, *moves]:
        if step is not None and step[0] in orders:
            orders[step[0]] = replace(orders[step[0]], state=step[1])
            active.put(orders[step[0]])
        for of in active.news()[1]:
            heads.put(active, of)
        if anew:
            heads.put_all(active)
        found = heads.next(active, wait=lambda o: held.get(o.sequence))
        kept = sorted(orders.values(), key=lambda o: o.sequence)
        assert (found.sequence if found else 0) == searched(kept, held)


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (MarketOpen(LATER), ""),
        (MarketClosed(LATER), "MarketClosed"),
        (MarketClosed(None), "MarketClosed"),
        (HoursUnknown("not told"), "HoursUnknown"),
    ],
)
def test_only_a_market_that_is_known_to_be_open_takes_orders(market: Market, reason: str) -> None:
    wait = market_wait(market)
    assert (wait.reason if wait else "") == reason


def test_a_closed_gate_says_why_to_everybody_and_a_ledger_that_cannot_be_written_only_briefly() -> (
    None
):
    closed = gate_wait(Closed(GateReason.NO_NEWS, "silence", LATER))
    assert closed == Waiting("NoNews", "silence", LATER)
    full = gate_wait(Closed(GateReason.LEDGER_UNAVAILABLE, "full"))
    assert full is not None
    assert full.brief
    assert gate_wait(Open()) is None
