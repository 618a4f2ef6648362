"""A broker that answers with nonsense, twice, or with ids of its own: nothing ends, nothing is sent wrongly."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor_fakes import AAPL, NOON, TERMS, DispatchWorld, entry
from ibgateway_api.clock_skew import HALF_A_SECOND
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.ib import translation
from ibgateway_executor.broker.ib.answers import RequestAnswers
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.protocol import BrokerEvent
from ibgateway_executor.broker.reconciliation import AnswerIndex, ask
from ibgateway_executor.orders.broker_reports import OrderError, OrderStatusReport
from ibgateway_executor.orders.order import Contract, OrderState

MSFT = Contract(272093, "MSFT", primary_exchange="NASDAQ")


@pytest.mark.parametrize(
    "hours",
    [
        ":CLOSED",
        "2026:CLOSED",
        "CLOSED",
        "99991231:0930-99991231:2359",
        "20261123:0930",
        "20261332:0930-20261332:1600",
        ";;;",
        "\x00",
    ],
)
async def test_hours_that_make_no_sense_send_nothing_and_end_nothing(
    dispatch: DispatchWorld, hours: str
) -> None:
    dispatch.broker.hours = hours
    await dispatch.order("a")
    await dispatch.dispatch()
    await dispatch.dispatch()
    assert dispatch.placed == []
    assert await dispatch.states("a") == [("Waiting", "HoursUnknown")]


async def test_a_contract_that_is_told_twice_is_one(dispatch: DispatchWorld) -> None:
    dispatch.broker.known = (AAPL, AAPL)
    await dispatch.order("a", replace(TERMS, contract=Contract(0, "AAPL")))
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_an_order_past_its_validity_by_our_clock_alone_holds_nothing_up(
    dispatch: DispatchWorld,
) -> None:
    late = replace(entry("late").order, valid_until=NOON + timedelta(seconds=1))
    await dispatch.ledger.accept(replace(entry("late"), order=late))
    dispatch.broker.known = (AAPL, MSFT)
    await dispatch.order("good", replace(TERMS, contract=MSFT))
    dispatch.time.advance(2)
    dispatch.connection.clock_compared(timedelta(seconds=4) + HALF_A_SECOND)
    for _ in range(5):
        await dispatch.dispatcher.dispatch()
        await dispatch.answers()
    assert [(order.id, order.order_id) for order in dispatch.broker.placed] == [("good", 1)]
    dispatch.time.advance(3)
    await dispatch.dispatch()
    assert await dispatch.states("late") == [("Expired", "ValidityEnded")]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 0.0, 1.7976931348623157e308])
async def test_a_price_that_is_no_price_is_none(number: float) -> None:
    answers = RequestAnswers()
    asked = answers.expect(1)
    answers.handle("priceSizeTick", (1, 2, 190.01, 100))
    answers.handle("priceSizeTick", (1, 4, number, 100))
    answers.handle("tickSnapshotEnd", (1,))
    assert [row for row in await asked if row[1] > 0] == [(2, Decimal("190.01"))]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1.7976931348623157e308])
def test_a_quantity_that_is_no_quantity_tells_none(number: float) -> None:
    report = translation.order_status((1, "Submitted", number, 0, number, 5, 0, 0, 17))
    assert (report.filled, report.average_price, report.status) == (None, None, "Submitted")


class Wire:
    """A connection that hears callbacks from a test."""

    def __init__(self) -> None:
        self.heard: list[BrokerEvent] = []
        address = ib.GatewayAddress("127.0.0.1", 1, 17)
        pacer = MessagePacer(time.monotonic)
        self.broker = ib.IbBroker(address, self.heard.append, pacer, ib.RequestLimits())

    def tell(self, name: str, *args: Any) -> None:
        self.broker._on_callback(name, args)


async def test_an_id_that_the_broker_has_shown_is_never_offered_again() -> None:
    wire = Wire()
    wire.tell("nextValidId", 1)
    wire.tell("orderStatus", 41, "Submitted", 0.0, 10.0, 0.0, 900, 0, 0.0, 17)
    wire.tell("orderStatus", 99, "Submitted", 0.0, 10.0, 0.0, 901, 0, 0.0, 18)
    assert wire.broker.next_valid_id == 42


@pytest.mark.parametrize("first", [1, 1_700_000_000])
async def test_an_error_about_an_order_is_heard_whatever_its_id(first: int) -> None:
    wire = Wire()
    wire.tell("nextValidId", first)
    wire.tell("error", first, 201, "no margin", "", None)
    requested = wire.broker._new_id()
    wire.tell("error", requested, 200, "late answer about a contract", "", None)
    assert wire.heard == [OrderError(first, 17, 201, "no margin")]
    assert requested not in range(first, first + 1_000_000)


async def test_a_thousand_orders_are_missed_among_many_reports_in_a_moment(
    dispatch: DispatchWorld,
) -> None:
    orders = [
        replace(
            entry(f"o{n}").order, state=OrderState.WORKING, order_id=n, client_id=17, perm_id=n,
            sent_at=NOON,
        )
        for n in range(1, 1001)
    ]  # fmt: skip
    dispatch.broker.completed = tuple(
        OrderStatusReport(n, 18, 10**6 + n, "Filled", f"x{n}") for n in range(9000)
    )
    at = time.process_time()
    answer = await ask(dispatch.broker, orders, lambda _: asyncio.sleep(0))
    index = AnswerIndex(answer)
    assert [index.shows(order) for order in orders].count(True) == 0
    assert time.process_time() - at < 1
