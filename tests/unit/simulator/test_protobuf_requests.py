"""What a client of the protobuf protocol asks for, read from its bytes."""

from decimal import Decimal
from typing import Any

import pytest

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.model.trading.orders import ZERO, OrderAction, OrderTicket
from ibgateway_simulator.tws.protobuf import schema
from ibgateway_simulator.tws.protobuf.fields import REQUESTS
from ibgateway_simulator.tws.protobuf.requests import NAMES, ProtobufRequest, read
from ibgateway_simulator.tws.requests import ApiRequest, ContractQuery, ExecutionFilter


def asked(number: int, name: str, **values: Any) -> ProtobufRequest:
    """A request as it comes from the wire."""
    content = schema.make(name, **values).SerializeToString()
    return read((200 + number).to_bytes(4, "big") + content)


def placed(**changes: Any) -> ProtobufRequest:
    """placeOrder of a limit order, but for the changes of its Order."""
    order = {
        "action": "BUY",
        "totalQuantity": "10",
        "orderType": "LMT",
        "lmtPrice": 190.5,
        "tif": "DAY",
        "account": "DU1",
        "orderRef": "my-ref",
        "outsideRth": True,
        **changes,
    }
    contract = schema.make("Contract", conId=265598, exchange="SMART")
    made = schema.make("Order", **order)
    return asked(3, "PlaceOrderRequest", orderId=7, contract=contract, order=made)


def test_a_ticket_has_what_the_client_sent() -> None:
    assert placed().ticket(("DU9",), 17) == OrderTicket(
        "DU1", 17, 7, 265598, "AAPL", OrderAction.BUY, Decimal(10), "LMT", Decimal("190.5"), tif="DAY",
        order_ref="my-ref", outside_rth=True, login="DU9",
    )  # fmt: skip


def test_what_an_order_leaves_out_is_nothing() -> None:
    ticket = placed(account=None, lmtPrice=None, totalQuantity=None, tif=None).ticket(("DU9",), 1)
    assert (ticket.account, ticket.limit_price, ticket.quantity, ticket.tif) == (
        "DU9",
        ZERO,
        ZERO,
        "",
    )
    assert placed(account=None).ticket(("DU8", "DU9"), 1).account == ""


def test_a_price_that_is_unset_is_none() -> None:
    ticket = placed(lmtPrice=1.7976931348623157e308, auxPrice=189.99).ticket(("DU9",), 1)
    assert (ticket.limit_price, ticket.aux_price) == (ZERO, Decimal("189.99"))


def test_only_buy_buys() -> None:
    assert placed(action="SELL").ticket(("DU9",), 1).action is OrderAction.SELL


def test_a_what_if_is_one() -> None:
    assert placed(whatIf=True).ticket(("DU9",), 1).what_if
    assert not placed().ticket(("DU9",), 1).what_if


def test_an_unknown_contract_has_number_zero() -> None:
    nope = schema.make("Contract", symbol="NOPE", secType="STK", currency="USD")
    order = schema.make("Order", action="BUY")
    ticket = asked(3, "PlaceOrderRequest", orderId=7, contract=nope, order=order).ticket(
        ("DU9",), 1
    )
    assert (ticket.con_id, ticket.symbol) == (0, "NOPE")


@pytest.mark.parametrize("part", ["order", "contract"])
def test_half_an_order_is_none(part: str) -> None:
    whole = {
        "order": schema.make("Order", action="BUY"),
        "contract": schema.make("Contract", conId=1),
    }
    half = asked(3, "PlaceOrderRequest", orderId=7, **{part: whole[part]})
    with pytest.raises(WireError):
        half.ticket(("DU9",), 1)


def test_requests_name_what_they_are_about() -> None:
    assert asked(71, "StartApiRequest", clientId=17).client_id == 17
    assert asked(4, "CancelOrderRequest", orderId=8).req_id == 8
    updates = asked(6, "AccountDataRequest", subscribe=True, acctCode="DU1")
    assert (updates.subscribes, updates.account) == (True, "DU1")
    assert not asked(6, "AccountDataRequest", subscribe=False).subscribes
    multi = asked(76, "AccountUpdatesMultiRequest", reqId=3, account="DU2")
    assert (multi.req_id, multi.account) == (3, "DU2")
    summary = asked(
        62, "AccountSummaryRequest", reqId=4, group="All", tags="SettledCash,BuyingPower"
    )
    assert (summary.req_id, summary.tags) == (4, "SettledCash,BuyingPower")
    wanted = schema.make("Contract", conId=8314, symbol="IBM", secType="STK", currency="USD")
    prices = asked(1, "MarketDataRequest", reqId=5, contract=wanted, snapshot=True)
    assert (prices.req_id, prices.snapshot) == (5, True)
    assert prices.contract_query() == ContractQuery(8314, "IBM", "STK", "USD")


def test_a_filter_of_executions_may_be_there_or_not() -> None:
    wanted = schema.make("ExecutionFilter", clientId=17, acctCode="DU1", symbol="AAPL", side="BUY")
    request = asked(7, "ExecutionRequest", reqId=1, executionFilter=wanted)
    assert request.execution_filter() == ExecutionFilter(1, 17, "DU1", "", "AAPL", "BUY")
    plain = asked(7, "ExecutionRequest", reqId=2)
    assert plain.execution_filter() == ExecutionFilter(2, 0, "", "", "", "")


def test_what_is_recorded_has_names() -> None:
    request = asked(4, "CancelOrderRequest", orderId=8)
    assert (request.kind, request.fields, request.content) == ("4", ("4",), {"orderId": 8})


def test_what_the_client_says_beyond_is_passed_over() -> None:
    assert read(b"\0\0\0\xcc" + b"\x08\x08" + b"\x82\x7d\x03abc").req_id == 8


def test_every_request_that_has_an_answer_has_a_message() -> None:
    for request in ApiRequest:
        assert NAMES[request] in REQUESTS, request


@pytest.mark.parametrize(
    ("body", "kind", "refused"),
    [
        (b"\0\0\x01\x00", "56", -1),
        (b"\0\0\0\xdc\x08\x07\x12\x02\x08\x01", "20", 7),
        (b"\0\0\0\xdc\x0a\x01\x07", "20", -1),
        (b"\xff\xff\xff\xff", "4294967095", -1),
        (b"\0\0\0\x03\x31\0", "3 in text", -1),
    ],
)
def test_an_unknown_message_is_known_as_such(body: bytes, kind: str, refused: int) -> None:
    request = read(body)
    assert (request.kind, request.refused_id) == (kind, refused)
    assert request.kind not in set(ApiRequest)


@pytest.mark.parametrize(
    "body",
    [b"", b"\0\0\0", b"\0\0\0\xcb\xff", b"\0\0\0\xcb\x0a\xff\x01", b"\0\0\0\xce\x12\x02\xff\xfe"],
)
def test_what_is_no_message_is_an_error_of_the_wire(body: bytes) -> None:
    with pytest.raises(WireError):
        read(body)
