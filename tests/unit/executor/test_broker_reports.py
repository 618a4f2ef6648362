"""The broker's words folded into an order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibgateway_executor.orders.broker_reports import (
    FillReport,
    OrderError,
    OrderEvent,
    OrderStatusReport,
    apply,
    concerns,
)
from ibgateway_executor.orders.order import Contract, Order, OrderState, OrderTerms, OrderType, Side

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TERMS = OrderTerms("DU1234567", Contract(265598, "AAPL"), Side.BUY, 10, OrderType.MARKET)
SENDING = Order(
    "a1",
    1,
    TERMS,
    accepted_at=NOON,
    valid_until=NOON,
    state=OrderState.SENDING,
    client_id=17,
    order_id=5,
    sent_at=NOON,
)


def opened(status: str, perm_id: int = 900) -> OrderStatusReport:
    return OrderStatusReport(5, 17, perm_id, status, order_ref="ibg-a1")


def status(word: str, filled: int = 0) -> OrderStatusReport:
    price = Decimal("190.01") if filled else None
    return OrderStatusReport(5, 17, 900, word, filled=Decimal(filled), average_price=price)


def ended(word: str, text: str = "") -> OrderStatusReport:
    return OrderStatusReport(0, 0, 900, word, order_ref="ibg-a1", ended=True, text=text)


def fill(cumulative: int) -> FillReport:
    return FillReport(5, 17, 900, "ibg-a1", "e1", Decimal(cumulative), Decimal("190.01"))


def told(code: int, text: str = "text") -> OrderError:
    return OrderError(5, 17, code, text)


def after(events: Sequence[OrderEvent], order: Order = SENDING) -> Order:
    for event in events:
        order = apply(order, event)
    return order


@pytest.mark.parametrize(
    ("events", "state", "filled"),
    [
        pytest.param([opened("PendingSubmit", perm_id=0)], "Sending", 0, id="not yet acknowledged"),
        pytest.param([opened("PreSubmitted")], "Working", 0, id="acknowledged"),
        pytest.param([opened("Submitted"), status("Submitted", 4)], "Working", 4, id="partial"),
        pytest.param([fill(4), fill(10)], "Filled", 10, id="executions alone"),
        pytest.param([status("Filled", 10), fill(10)], "Filled", 10, id="status first"),
        pytest.param(
            [fill(10), status("Submitted", 4), opened("Submitted")],
            "Filled",
            10,
            id="an older word afterwards",
        ),
        pytest.param([fill(6), fill(4)], "Working", 6, id="quantities never shrink"),
        pytest.param(
            [opened("PreSubmitted"), told(399), opened("Submitted")],
            "Working",
            0,
            id="399 is a notice",
        ),
        pytest.param([told(10349), opened("Submitted")], "Working", 0, id="10349 is a notice"),
        pytest.param([opened("Submitted"), told(10349)], "Working", 0, id="10349 late"),
        pytest.param([opened("Submitted"), told(321)], "Working", 0, id="321 on a live order"),
        pytest.param([told(321)], "Rejected", 0, id="321 on a new order"),
        pytest.param([told(201), opened("Inactive")], "Rejected", 0, id="201 first"),
        pytest.param([opened("Inactive"), told(201)], "Rejected", 0, id="Inactive first"),
        pytest.param([opened("Inactive")], "Working", 0, id="Inactive alone may wake up"),
        pytest.param([opened("Submitted"), status("Cancelled")], "Cancelled", 0, id="cancelled"),
        pytest.param([opened("Submitted"), told(202)], "Cancelled", 0, id="202"),
        pytest.param(
            [opened("Submitted"), status("Cancelled", 4)], "Cancelled", 4, id="cancelled half way"
        ),
        pytest.param([status("Cancelled"), fill(10)], "Filled", 10, id="a fill crosses the cancel"),
        pytest.param([told(103)], "Unknown", 0, id="duplicate id says nothing"),
        pytest.param([told(100)], "Unknown", 0, id="too many messages says nothing"),
        pytest.param([told(504)], "Unknown", 0, id="not connected says nothing"),
        pytest.param([told(163)], "Rejected", 0, id="outside of the price precaution"),
        pytest.param([told(383)], "Rejected", 0, id="outside of the size precaution"),
        pytest.param([told(435)], "Rejected", 0, id="no account named"),
        pytest.param([told(478)], "Rejected", 0, id="conId contradicts symbol"),
        pytest.param([told(10311)], "Rejected", 0, id="direct routing precaution"),
        pytest.param([opened("Submitted"), told(163)], "Working", 0, id="163 on a live order"),
        pytest.param([told(103), told(383)], "Rejected", 0, id="a refusal after a doubt"),
        pytest.param(
            [opened("Submitted"), ended("Inactive", "Rejected: no margin")],
            "Rejected",
            0,
            id="rejected while nobody listened",
        ),
        pytest.param([opened("Submitted"), ended("Cancelled")], "Cancelled", 0, id="ended"),
        pytest.param([told(103), fill(10)], "Filled", 10, id="found after a doubt"),
        pytest.param([told(10148)], "Sending", 0, id="a cancel that came too late"),
        pytest.param([told(99999)], "Sending", 0, id="a code nobody knows decides nothing"),
    ],
)
def test_the_brokers_words_decide(events: list[OrderEvent], state: str, filled: int) -> None:
    order = after(events)
    assert (order.state, order.filled) == (OrderState(state), Decimal(filled))


def test_the_average_price_comes_with_the_cumulative_quantity() -> None:
    order = after([fill(4), replace(fill(10), average_price=Decimal("190.05"))])
    assert (order.filled, order.average_price) == (Decimal(10), Decimal("190.05"))


def test_a_cancel_we_asked_for_is_called_ours() -> None:
    ours = after([status("Cancelled")], replace(SENDING, cancel_requested=True))
    theirs = after([told(202, "Order Canceled - reason:margin")])
    assert (ours.reason, theirs.reason) == ("CancelledByClient", "CancelledByBroker")
    assert theirs.message == "Order Canceled - reason:margin"


@pytest.mark.parametrize(
    ("event", "ours"),
    [
        (opened("Submitted"), True),
        (status("Submitted"), True),
        (told(201), True),
        (OrderStatusReport(5, 17, 900, "Submitted", order_ref="somebody-else"), False),
        (OrderStatusReport(5, 18, 900, "Submitted"), False),
        (OrderStatusReport(6, 17, 900, "Submitted"), False),
        (OrderStatusReport(0, 0, 900, "Filled", order_ref="ibg-a1"), True),
        (OrderStatusReport(0, 0, 900, "Filled"), False),
        (OrderError(5, 18, 201, ""), False),
    ],
)
def test_an_event_finds_its_order_by_reference_and_else_by_ids(
    event: OrderEvent, ours: bool
) -> None:
    assert concerns(SENDING, event) is ours


def test_a_permanent_id_tells_orders_with_the_same_number_apart() -> None:
    known = replace(SENDING, perm_id=900)
    assert concerns(known, OrderStatusReport(5, 17, 900, "Filled"))
    assert not concerns(known, OrderStatusReport(5, 17, 901, "Filled"))


UNSENT = replace(SENDING, state=OrderState.WAITING, order_id=0, client_id=0, sent_at=None)


def test_an_order_that_was_never_sent_hears_nothing_but_its_own_reference() -> None:
    assert not concerns(UNSENT, OrderStatusReport(0, 0, 900, "Filled"))
    assert not concerns(UNSENT, OrderError(0, 0, 201, ""))
    assert not concerns(UNSENT, OrderStatusReport(0, 0, 900, "Filled", order_ref="ibg-a2"))
    assert concerns(UNSENT, OrderStatusReport(0, 0, 900, "Filled", order_ref="ibg-a1"))


@pytest.mark.parametrize(
    "before", ["Accepted", "Waiting", "Expired", "Cancelled", "Rejected", "Unverified"]
)
@pytest.mark.parametrize(
    ("event", "state"),
    [
        (opened("Submitted"), "Working"),
        (opened("PendingSubmit", perm_id=0), "Unknown"),
        (fill(10), "Filled"),
        (ended("Cancelled"), "Cancelled"),
        (ended("Inactive", "no margin"), "Rejected"),
    ],
)
def test_what_the_broker_has_of_an_order_that_was_never_sent_from_here_is_adopted(
    before: str, event: OrderEvent, state: str
) -> None:
    order = apply(replace(UNSENT, state=OrderState(before)), event)
    assert order.state == state
    assert order.perm_id or order.order_id == 5


def test_a_cancel_in_a_restored_ledger_is_a_wish_to_cancel_what_the_broker_has() -> None:
    gone = replace(UNSENT, state=OrderState.CANCELLED, reason="CancelledByClient")
    order = apply(gone, opened("Submitted"))
    assert (order.state, order.cancel_requested, order.order_id) == (OrderState.WORKING, True, 5)


def test_a_rejection_while_nobody_listened_keeps_the_brokers_text() -> None:
    order = after([opened("Submitted"), ended("Inactive", "Rejected: no margin")])
    assert (order.reason, order.message) == ("RejectedByBroker", "Rejected: no margin")


def test_the_brokers_words_outlive_what_we_say_about_an_order() -> None:
    order = after([told(103, "Duplicate order id"), told(10148, "can't be cancelled")])
    assert order.broker_message == "10148: can't be cancelled"
    assert order.message == "103: Duplicate order id"


WORDS = st.sampled_from(
    [
        opened("PreSubmitted"),
        opened("Submitted"),
        opened("Inactive"),
        status("Submitted", 4),
        status("Cancelled"),
        status("Filled", 10),
        fill(4),
        fill(10),
        told(201),
        told(202),
        told(399),
        told(10349),
        told(103),
        told(321),
    ]
)


@given(st.lists(WORDS, max_size=15))
def test_no_order_of_words_unfills_shrinks_or_resends(events: list[OrderEvent]) -> None:
    order = SENDING
    for event in events:
        then = apply(order, event)
        assert then.filled >= order.filled
        assert then.state not in (OrderState.ACCEPTED, OrderState.WAITING)
        assert order.state is not OrderState.FILLED or then.state is OrderState.FILLED
        assert apply(then, event).state in (then.state, OrderState.FILLED)
        order = then
    if fill(10) in events:
        assert order.state is OrderState.FILLED
