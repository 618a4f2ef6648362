"""The order book: what IBKR makes of an order, and what it tells, step by step."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorNotFoundError
from ibgateway_simulator.model.faults import Faults, changed
from ibgateway_simulator.model.trading.accounts import Account, Position
from ibgateway_simulator.model.trading.hours import Hours, HoursMode
from ibgateway_simulator.model.trading.order_book import OrderBook
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    CommissionReportMessage,
    ErrorMessage,
    ExecDetailsMessage,
    OpenOrderMessage,
    OrderAction,
    OrderMessage,
    OrderStatusMessage,
    OrderTicket,
    WhatIfMessage,
)

NOW = dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC)
SOON = NOW + dt.timedelta(seconds=1)
BUY = OrderTicket(
    "DU1", 17, 1, 265598, "AAPL", OrderAction.BUY, Decimal(10), "MKT", tif="DAY", order_ref="r"
)


def ticket(**changes: Any) -> OrderTicket:
    return replace(BUY, **changes)


def broker(**faults: Any) -> OrderBook:
    made = OrderBook()
    made.accounts["DU1"] = Account("DU1", {"USD": Decimal(100_000)})
    made.faults = changed(Faults(), faults)
    return made


def booked(book: OrderBook) -> BookedOrder:
    """What the first order of a test has become."""
    order = book.known(BUY.key)
    assert order is not None
    return order


def told(effects: list[OrderMessage]) -> list[str]:
    rows: list[str] = []
    for effect in effects:
        match effect:
            case OpenOrderMessage(order):
                rows.append(f"order {order.status} {order.filled}")
            case OrderStatusMessage(order):
                rows.append(f"status {order.status}")
            case ExecDetailsMessage(execution):
                rows.append(f"fill {execution.quantity} at {execution.price}")
            case CommissionReportMessage(execution):
                rows.append(f"fee {execution.commission}")
            case ErrorMessage(_, code, _):
                rows.append(f"error {code}")
            case WhatIfMessage(_, margin, _):
                rows.append(f"quote {margin}")
    return rows


def test_a_market_order_is_acknowledged_then_filled_then_charged() -> None:
    book = broker()
    assert told(book.place(BUY, NOW)) == ["order PreSubmitted 0", "order Submitted 0"]
    assert told(book.tick(NOW)) == []
    assert told(book.tick(SOON)) == [
        "fill 10 at 190.01",
        "order Filled 10",
        "order Filled 10",
        "fee 1.00",
    ]
    assert told(book.tick(SOON)) == []
    assert book.accounts["DU1"].position(265598).quantity == 10


def test_a_limit_order_works_until_the_price_comes_to_it() -> None:
    book = broker()
    book.place(ticket(order_type="LMT", limit_price=Decimal(180)), NOW)
    assert told(book.tick(SOON)) == []
    book.prices[265598] = Decimal("179.50")
    assert told(book.tick(SOON))[0] == "fill 10 at 179.51"


def test_a_working_order_is_cancelled_once() -> None:
    book = broker()
    limit = ticket(order_type="LMT", limit_price=Decimal(100))
    book.place(limit, NOW)
    assert told(book.cancel(limit.key, limit, SOON)) == ["status Cancelled", "error 202"]
    assert told(book.cancel(limit.key, limit, SOON)) == ["error 10148"]


def test_cancelling_an_unknown_order_is_10147() -> None:
    assert told(broker().cancel(BUY.key, BUY, NOW)) == ["error 10147"]


def test_a_partial_fill_is_held_until_released() -> None:
    book = broker(partial_next=["3", "2"])
    book.place(BUY, NOW)
    assert told(book.tick(SOON))[:2] == ["fill 3 at 190.01", "order Submitted 3"]
    later = SOON + dt.timedelta(seconds=1)
    assert told(book.tick(later))[:2] == ["fill 2 at 190.01", "order Submitted 5"]
    muchlater = later + dt.timedelta(hours=1)
    assert told(book.tick(muchlater)) == []
    book.release()
    assert told(book.tick(muchlater))[:2] == ["fill 5 at 190.01", "order Filled 10"]


def test_the_control_api_fills_a_held_order() -> None:
    book = broker(hold_fills=True)
    book.place(BUY, NOW)
    assert told(book.tick(SOON)) == []
    perm_id = booked(book).perm_id
    assert told(book.fill(perm_id, Decimal(4), Decimal(191), SOON))[0] == "fill 4 at 191"
    assert told(book.fill(perm_id, None, None, SOON))[0] == "fill 6 at 190.01"
    with pytest.raises(SimulatorConflictError):
        book.fill(perm_id, None, None, SOON)
    with pytest.raises(SimulatorNotFoundError):
        book.fill(1, None, None, SOON)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("error-first", ["error 201", "order Inactive 0"]),
        ("status-first", ["order Inactive 0", "error 201"]),
    ],
)
def test_the_next_order_is_rejected_in_either_order_of_words(
    first: str, expected: list[str]
) -> None:
    book = broker(reject_next="no", reject_order=first)
    assert told(book.place(BUY, NOW)) == expected
    assert told(book.place(ticket(order_id=2), NOW))[0] == "order PreSubmitted 0"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"con_id": 0}, ["error 200"]),
        ({"account": "DU2"}, ["error 321"]),
        ({"order_type": "TRAIL"}, ["error 387"]),
        ({"quantity": Decimal("1.5")}, ["error 10243"]),
        ({"quantity": Decimal(0)}, ["error 321"]),
        ({"order_type": "LMT", "limit_price": Decimal("1.005")}, ["error 110"]),
        ({"order_type": "LMT"}, ["error 201", "order Inactive 0"]),
        ({"quantity": Decimal(1000)}, ["error 201", "order Inactive 0"]),
        ({"action": OrderAction.SELL}, ["error 201", "order Inactive 0"]),
    ],
)
def test_orders_that_ibkr_would_not_take(changes: dict[str, Any], expected: list[str]) -> None:
    assert told(broker().place(ticket(**changes), NOW)) == expected


def test_working_orders_reserve_the_cash_and_the_shares() -> None:
    book = broker(hold_fills=True)
    book.accounts["DU1"] = replace(
        book.accounts["DU1"], positions={265598: Position(Decimal(10), Decimal(1))}
    )
    book.place(ticket(quantity=Decimal(400)), NOW)
    assert told(book.place(ticket(order_id=2, quantity=Decimal(200)), NOW))[0] == "error 201"
    book.place(ticket(order_id=3, action=OrderAction.SELL), NOW)
    assert told(book.place(ticket(order_id=4, action=OrderAction.SELL), NOW))[0] == "error 201"


def test_an_order_id_is_used_once() -> None:
    book = broker()
    book.place(ticket(order_id=5), NOW)
    book.tick(SOON)
    assert book.next_valid_id("DU1", 17) == 6
    assert told(book.place(ticket(order_id=5), SOON)) == ["error 103"]
    assert told(book.place(ticket(order_id=4), SOON)) == ["error 103"]
    assert book.next_valid_id("DU1", 18) == 1


def test_the_same_id_again_changes_a_working_order() -> None:
    book = broker()
    book.place(ticket(order_type="LMT", limit_price=Decimal(100)), NOW)
    perm_id = booked(book).perm_id
    book.place(ticket(order_type="LMT", limit_price=Decimal(195)), NOW)
    assert told(book.tick(SOON))[0] == "fill 10 at 190.01"
    assert booked(book).perm_id == perm_id
    assert len(book.orders) == 1


def test_another_contract_under_the_same_id_is_105() -> None:
    book = broker(hold_fills=True)
    book.place(BUY, NOW)
    assert told(book.place(ticket(con_id=272093, symbol="MSFT"), NOW)) == ["error 105"]


def test_an_empty_time_in_force_becomes_day_with_a_notice() -> None:
    book = broker()
    assert told(book.place(ticket(tif=""), NOW))[0] == "error 10349"
    assert booked(book).ticket.tif == "DAY"


def test_while_the_market_is_closed_an_order_waits_for_the_opening() -> None:
    book = broker()
    book.hours = Hours(HoursMode.REGULAR)
    saturday = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
    effects = book.place(ticket(tif="GTC"), saturday)
    assert told(effects) == ["order PreSubmitted 0", "error 399"]
    assert isinstance(effects[1], ErrorMessage)
    assert effects[1].text.endswith("until 2026-11-23 09:30:00 US/Eastern")
    assert told(book.tick(saturday)) == []
    monday = dt.datetime(2026, 11, 23, 14, 30, tzinfo=dt.UTC)
    assert told(book.tick(monday)) == ["order Submitted 0"]
    assert told(book.tick(monday + dt.timedelta(seconds=1)))[0] == "fill 10 at 190.01"


def test_a_day_order_ends_with_its_session() -> None:
    book = broker(hold_fills=True)
    book.hours = Hours(HoursMode.REGULAR)
    book.place(BUY, NOW)
    close = dt.datetime(2026, 11, 20, 21, tzinfo=dt.UTC)
    assert told(book.tick(close - dt.timedelta(seconds=1))) == []
    assert told(book.tick(close)) == ["status Cancelled"]


def test_an_immediate_order_that_cannot_fill_is_cancelled() -> None:
    book = broker()
    book.place(ticket(order_type="LMT", limit_price=Decimal(100), tif="IOC"), NOW)
    assert told(book.tick(SOON)) == ["status Cancelled", "error 202"]


def test_a_what_if_takes_an_id_and_books_nothing() -> None:
    book = broker()
    assert told(book.place(ticket(what_if=True), NOW)) == ["quote 1900.00"]
    assert book.next_valid_id("DU1", 17) == 2
    assert book.orders == {}


def test_a_loss_is_asked_for_once() -> None:
    book = broker(lose_next="before-booking")
    assert [book.take_loss(), book.take_loss()] == ["before-booking", ""]


def test_unknown_faults_are_named() -> None:
    with pytest.raises(SimulatorConflictError, match="no fault is called 'typo'"):
        changed(Faults(), {"typo": 1})
    with pytest.raises(SimulatorConflictError, match="lose_next is one of"):
        changed(Faults(), {"lose_next": "sometimes"})
