"""A person's word about an order in doubt."""

from dataclasses import replace
from decimal import Decimal

import pytest

from executor_fakes import entry
from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport, apply
from ibgateway_executor.orders.order import OrderState
from ibgateway_executor.orders.resolution import Resolution, resolve

LOST = replace(
    entry("a1").order,
    state=OrderState.UNKNOWN,
    reason="NotFoundAtBroker",
    broker_message="103: Duplicate order id",
    client_id=17,
    order_id=5,
)


@pytest.mark.parametrize("before", ["Unknown", "Unverified"])
@pytest.mark.parametrize(
    ("resolution", "filled", "state", "quantity"),
    [
        ("found", 10, "Filled", 10),
        ("found", 4, "Cancelled", 4),
        ("found", 0, "Cancelled", 0),
        ("notAtBroker", 0, "Cancelled", 0),
        ("giveUp", 0, "Unverified", 0),
    ],
)
def test_a_persons_word_ends_the_doubt_and_keeps_the_brokers(
    before: str, resolution: str, filled: int, state: str, quantity: int
) -> None:
    doubted = replace(LOST, state=OrderState(before))
    order = resolve(doubted, Resolution(resolution), note="seen in TWS", filled=filled)
    assert (order.state.value, int(order.filled)) == (state, quantity)
    assert (order.reason, order.resolution) == ("ResolvedByPerson", resolution)
    assert (order.note, order.broker_message) == ("seen in TWS", "103: Duplicate order id")
    assert resolve(order, Resolution(resolution), note="again") == order


@pytest.mark.parametrize(
    "state", ["Accepted", "Waiting", "Sending", "Working", "Filled", "Expired"]
)
def test_an_order_that_is_not_in_doubt_is_not_resolved(state: str) -> None:
    with pytest.raises(IllegalMoveError, match="not in doubt"):
        resolve(replace(LOST, state=OrderState(state)), Resolution.GIVE_UP, note="n")


def test_what_the_broker_reported_fills_of_was_there() -> None:
    with pytest.raises(IllegalMoveError, match="3 filled"):
        resolve(replace(LOST, filled=Decimal(3)), Resolution.NOT_AT_BROKER, note="n")


def test_what_was_given_up_may_still_be_found() -> None:
    order = resolve(
        resolve(LOST, Resolution.GIVE_UP, note="n"), Resolution.FOUND, note="m", filled=10
    )
    assert (order.state, order.note) == (OrderState.FILLED, "m")


@pytest.mark.parametrize("resolution", ["notAtBroker", "giveUp"])
def test_the_brokers_word_outranks_a_persons(resolution: str) -> None:
    order = resolve(LOST, Resolution(resolution), note="n")
    working = apply(order, OrderStatusReport(5, 17, 900, "Submitted", order_ref="ibg-a1"))
    assert (working.state, working.note) == (OrderState.WORKING, "n")
    fill = FillReport(5, 17, 900, "ibg-a1", "e1", Decimal(10), Decimal("190.01"))
    assert apply(working, fill).state is OrderState.FILLED
    late = apply(
        apply(working, fill), OrderStatusReport(5, 17, 900, "Submitted", order_ref="ibg-a1")
    )
    assert late.state is OrderState.FILLED
