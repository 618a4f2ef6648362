"""The state machine of an order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibgateway_api.order_ids import order_uid
from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import (
    MOVES,
    TERMINAL,
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    cancel,
    expire,
    move,
    order_ref,
    reserve,
    unsend,
)

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TERMS = OrderTerms("DU1234567", Contract(265598, "AAPL"), Side.BUY, 10, OrderType.MARKET)
ORDER = Order("a1", 1, TERMS, accepted_at=NOON, valid_until=NOON + timedelta(hours=4))


def at(state: OrderState) -> Order:
    return replace(ORDER, state=state)


def test_an_order_ref_is_derived_from_the_id_and_fits_ibkrs_field() -> None:
    assert order_ref("0123456789abcdef01234567") == "ibg-0123456789abcdef01234567"
    assert len(order_ref("x" * 100)) == 32
    assert order_ref("a1").isascii()


def test_an_id_is_derived_from_the_key_and_the_gateway() -> None:
    made = order_uid("k1", gateway="paper", namespace="trading")
    assert made == order_uid("k1", gateway="paper", namespace="trading")
    assert len(order_ref(made)) == 28
    others = {
        order_uid("k2", gateway="paper", namespace="trading"),
        order_uid("k1", gateway="live", namespace="trading"),
        order_uid("k1", gateway="paper", namespace="other"),
    }
    assert len(others | {made}) == 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Accepted", "Working"),
        ("Waiting", "Filled"),
        ("Waiting", "Unknown"),
        ("Sending", "Expired"),
        ("Sending", "Accepted"),
        ("Working", "Waiting"),
        ("Working", "Sending"),
        ("Working", "Expired"),
        ("Unknown", "Sending"),
        ("Unknown", "Waiting"),
        ("Unverified", "Sending"),
        ("Filled", "Cancelled"),
        ("Cancelled", "Working"),
        ("Rejected", "Sending"),
        ("Expired", "Sending"),
        ("Expired", "Filled"),
    ],
)
def test_steps_that_would_lose_or_repeat_an_order_are_refused(before: str, after: str) -> None:
    with pytest.raises(IllegalMoveError, match=f"can't go from {before} to {after}"):
        move(at(OrderState(before)), OrderState(after))


def test_only_an_unsent_order_can_come_to_sending() -> None:
    assert [state.value for state in OrderState if OrderState.SENDING in MOVES[state]] == [
        "Accepted",
        "Waiting",
    ]


@given(st.lists(st.sampled_from(OrderState), max_size=12))
def test_once_a_byte_may_have_left_only_the_writer_can_take_it_back(path: list[OrderState]) -> None:
    """Every way through the machine that reaches Sending again passes Waiting straight after it."""
    state, taken = OrderState.ACCEPTED, [OrderState.ACCEPTED]
    for wanted in path:
        if wanted in MOVES[state]:
            state = wanted
            taken.append(state)
    for before, after in pairwise(taken):
        if after is OrderState.WAITING:
            assert before in (OrderState.ACCEPTED, OrderState.WAITING, OrderState.SENDING)
        if before in TERMINAL:
            assert after in (
                OrderState.FILLED,
                OrderState.CANCELLED,
                OrderState.REJECTED,
                OrderState.WORKING,
            )


def test_sending_carries_the_reserved_ids_and_taking_it_back_drops_them() -> None:
    sending = reserve(ORDER, order_id=7, client_id=17, at=NOON)
    assert (sending.state, sending.order_id, sending.sent_at) == (OrderState.SENDING, 7, NOON)
    back = unsend(sending, reason="NoNews", message="silence")
    assert (back.state, back.order_id, back.client_id, back.sent_at) == (
        OrderState.WAITING,
        0,
        0,
        None,
    )


@pytest.mark.parametrize(
    ("state", "after", "noted"),
    [
        ("Accepted", "Cancelled", False),
        ("Waiting", "Cancelled", False),
        ("Sending", "Sending", True),
        ("Working", "Working", True),
        ("Unknown", "Unknown", False),
        ("Filled", "Filled", False),
        ("Expired", "Expired", False),
    ],
)
def test_a_cancel_ends_what_is_unsent_and_is_noted_for_the_rest(
    state: str, after: str, noted: bool
) -> None:
    cancelled = cancel(at(OrderState(state)))
    assert (cancelled.state, cancelled.cancel_requested) == (OrderState(after), noted)


@pytest.mark.parametrize(
    ("state", "hours", "after"),
    [
        ("Accepted", 3, "Accepted"),
        ("Waiting", 4, "Expired"),
        ("Accepted", 5, "Expired"),
        ("Sending", 5, "Sending"),
        ("Working", 5, "Working"),
        ("Unknown", 5, "Unknown"),
    ],
)
def test_validity_ends_only_unsent_orders(state: str, hours: int, after: str) -> None:
    assert expire(at(OrderState(state)), NOON + timedelta(hours=hours)).state == OrderState(after)


@pytest.mark.parametrize(
    ("state", "reason", "open_question"),
    [
        ("Sending", "", True),
        ("Unknown", "ConnectionLost", True),
        ("Unknown", "NotFoundAtBroker", False),
        ("Working", "", False),
        ("Waiting", "NoNews", False),
    ],
)
def test_a_drain_waits_for_what_the_broker_has_not_answered(
    state: str, reason: str, open_question: bool
) -> None:
    assert replace(at(OrderState(state)), reason=reason).unacknowledged is open_question
