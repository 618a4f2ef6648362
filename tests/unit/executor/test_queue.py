"""Which order goes next."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibgateway_api.gate import Closed, Gate, GateReason, Open
from ibgateway_api.login import LoginState
from ibgateway_executor.orders.market_hours import HoursUnknown, Market, MarketClosed, MarketOpen
from ibgateway_executor.orders.order import Contract, Order, OrderState, OrderTerms, OrderType, Side
from ibgateway_executor.orders.queue import QueueChoice, Waiting, choose

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
MARKETS: dict[int, Market] = {
    1: MarketOpen(LATER),
    2: MarketOpen(LATER),
    3: MarketClosed(LATER),
    4: HoursUnknown("not told"),
}


def order(name: str, con_id: int = 1, state: str = "Waiting", account: str = "DU1") -> Order:
    terms = OrderTerms(account, Contract(con_id, "X"), Side.BUY, 1, OrderType.MARKET)
    return Order(name, 1, terms, accepted_at=NOON, valid_until=LATER, state=OrderState(state))


def chosen(
    orders: list[Order], gate: Gate | None = None, **delays: Waiting
) -> tuple[str, dict[str, str]]:
    choice: QueueChoice = choose(orders, gate=gate or Open(), markets=MARKETS, delays=delays)
    return choice.next.id if choice.next else "", {k: w.reason for k, w in choice.waits.items()}


def test_the_oldest_order_goes_first() -> None:
    assert chosen([order("a", state="Accepted"), order("b", con_id=2)]) == (
        "a",
        {"b": "OneAtATime"},
    )


def test_orders_for_one_contract_keep_their_order() -> None:
    price = Waiting("NoPrice", "no price")
    assert chosen([order("a"), order("b"), order("c", con_id=2)], a=price) == (
        "c",
        {"a": "NoPrice", "b": "BehindEarlierOrder"},
    )


def test_an_order_that_waits_for_its_market_leaves_the_head_of_its_lane() -> None:
    assert chosen([order("a", con_id=3), order("b", con_id=3), order("c")]) == (
        "c",
        {"a": "MarketClosed", "b": "MarketClosed"},
    )


def test_unknown_hours_never_send() -> None:
    assert chosen([order("a", con_id=4), order("b", con_id=5)]) == (
        "",
        {"a": "HoursUnknown", "b": "HoursUnknown"},
    )


def test_only_one_submission_is_unacknowledged() -> None:
    assert chosen([order("a", state="Sending"), order("b", con_id=2)]) == ("", {"b": "OneAtATime"})


def test_a_working_order_holds_nobody() -> None:
    assert chosen([order("a", state="Working"), order("b")]) == ("b", {})


def test_an_unknown_order_blocks_its_own_lane_only() -> None:
    orders = [
        order("a", state="Unknown"),
        order("b"),
        order("c", account="DU2"),
        order("d", con_id=2),
    ]
    assert chosen(orders) == ("c", {"b": "BehindUnknownOrder", "d": "OneAtATime"})


def test_behind_a_closed_gate_everyone_waits_for_the_gates_reason() -> None:
    closed = Closed(LoginState.SESSION_CONFLICT, "somebody else is logged in", LATER)
    assert chosen([order("a"), order("b", con_id=3)], closed) == (
        "",
        {"a": "SessionConflict", "b": "SessionConflict"},
    )


JOBS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(["Accepted", "Waiting", "Sending", "Working", "Unknown"]),
        st.sampled_from(["DU1", "DU2"]),
    ),
    max_size=12,
)


@given(JOBS)
def test_the_chosen_order_is_unsent_first_in_its_lane_and_alone(
    drawn: list[tuple[int, str, str]],
) -> None:
    orders = [order(str(n), con, state, account) for n, (con, state, account) in enumerate(drawn)]
    choice = choose(orders, gate=Open(), markets=MARKETS, delays={})
    unsent = {j.id for j in orders if j.state in (OrderState.ACCEPTED, OrderState.WAITING)}
    next_id = {choice.next.id} if choice.next else set()
    assert set(choice.waits) | next_id == unsent
    assert not set(choice.waits) & next_id
    if choice.next is not None:
        lane = [j for j in orders if j.terms == choice.next.terms]
        assert not any(j.state is OrderState.SENDING for j in orders)
        assert not any(j.state is OrderState.UNKNOWN for j in lane)
        assert next(j for j in lane if j.id in unsent) is choice.next


@pytest.mark.parametrize("gate", [Closed(GateReason.NO_NEWS, "silence")])
def test_a_closed_gate_never_chooses(gate: Gate) -> None:
    assert choose([order("a")], gate=gate, markets=MARKETS, delays={}).next is None
