"""Field counts and positions of what the server sends: one field more or less breaks a client."""

import datetime as dt
from decimal import Decimal

import pytest

from ibgateway_simulator.model.trading.accounts import AccountValue, Position
from ibgateway_simulator.model.trading.market import BY_SYMBOL
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    Execution,
    OrderAction,
    OrderStatus,
    OrderTicket,
    WhatIfMessage,
)
from ibgateway_simulator.tws.text.messages import TextMessages

AT = dt.datetime(2026, 11, 20, 17, 0, 5, tzinfo=dt.UTC)
TICKET = OrderTicket(
    "DU1", 17, 4, 265598, "AAPL", OrderAction.SELL, Decimal(10), "LMT", Decimal("190.5"), tif="GTC",
    order_ref="ref",
)  # fmt: skip
ORDER = BookedOrder(
    TICKET, 99, OrderStatus.SUBMITTED, AT, filled=Decimal(4), average_price=Decimal("190.6")
)
FILL = Execution(
    7, TICKET, 99, Decimal(4), Decimal("190.6"), Decimal(4), Decimal("190.6"), Decimal(1), None, AT
)


@pytest.mark.parametrize(
    ("version", "open_fields", "completed_fields"),
    [(157, 128, 96), (164, 131, 96), (176, 136, 101), (177, 135, 100), (178, 135, 100)],
)
def test_orders_have_as_many_fields_as_the_version_wants(
    version: int, open_fields: int, completed_fields: int
) -> None:
    assert len(TextMessages(version).open_order(ORDER).fields) == open_fields
    assert len(TextMessages(version).completed_order(ORDER).fields) == completed_fields


def test_an_open_order_has_its_terms_where_clients_look() -> None:
    sent = TextMessages(178).open_order(ORDER).fields
    assert sent[0:5] == ("5", "4", "265598", "AAPL", "STK")
    assert sent[13:17] == (OrderAction.SELL, "10", "LMT", "190.5")
    assert [sent[18], sent[20], sent[23], sent[24], sent[25]] == ["GTC", "DU1", "ref", "17", "99"]
    assert [sent[92], sent[93]] == ["0", "Submitted"]


def test_a_what_if_answer_carries_margins_instead_of_sentinels() -> None:
    quoted = WhatIfMessage(ORDER, margin=Decimal(1900), equity=Decimal(100_000))
    sent = TextMessages(176).open_order(ORDER, quoted).fields
    assert sent[93] == "1"
    assert sent[95:104] == ("0", "0", "100000", "1900", "1900", "0", "1900", "1900", "100000")
    assert sent[107] == "USD"


def test_order_status_has_no_version() -> None:
    sent = TextMessages(178).order_status(ORDER).fields
    assert list(sent) == ["3", "4", "Submitted", "4", "6", "190.6", "99", "0", "0", "17", "", "0"]


@pytest.mark.parametrize(("version", "count"), [(157, 31), (176, 31), (178, 32)])
def test_an_execution_has_one_field_more_at_178(version: int, count: int) -> None:
    sent = TextMessages(version).exec_details(FILL, -1).fields
    assert len(sent) == count
    assert sent[:4] == ("11", "-1", "4", "265598")
    assert sent[14:19] == (
        "0000e0d5.00000007.01.01",
        "20261120 12:00:05 US/Eastern",
        "DU1",
        "NASDAQ",
        "SLD",
    )
    assert sent[26] == "ref"


def test_an_error_has_the_advanced_field_from_166() -> None:
    old, new = TextMessages(157), TextMessages(178)
    assert old.error(-1, 326, "in use", AT).fields == ("4", "2", "-1", "326", "in use")
    assert new.error(-1, 326, "in use", AT).fields == ("4", "2", "-1", "326", "in use", "")


@pytest.mark.parametrize(("version", "count"), [(157, 39), (178, 40)])
def test_contract_details_differ_by_version(version: int, count: int) -> None:
    sent = (
        TextMessages(version)
        .contract_details(BY_SYMBOL["SPY"], 3, hours=("trading", "liquid"))
        .fields
    )
    assert len(sent) == count
    assert "liquid" in sent


def test_the_other_messages_have_exactly_their_fields() -> None:
    held = Position(Decimal(10), Decimal(180))
    value = AccountValue("NetLiquidation", "1", "USD")
    say = TextMessages(178)
    counts = {
        "portfolio": len(say.portfolio(265598, held, Decimal(190), "DU1").fields),
        "position": len(say.position(265598, held, "DU1").fields),
        "commission": len(say.commission_report(FILL).fields),
        "value": len(say.account_value(value, "DU1").fields),
        "multi": len(say.account_value_multi(value, "DU1", 1).fields),
        "summary": len(say.account_summary(value, "DU1", 1).fields),
        "tick price": len(say.tick_price(1, 1, Decimal(190), 100).fields),
        "tick size": len(say.tick_size(1, 8, 100).fields),
    }
    assert counts == {
        "portfolio": 20,
        "position": 16,
        "commission": 8,
        "value": 6,
        "multi": 8,
        "summary": 7,
        "tick price": 7,
        "tick size": 5,
    }
