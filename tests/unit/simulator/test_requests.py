"""Reading what clients send."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.model.trading.orders import Execution, OrderAction, OrderTicket
from ibgateway_simulator.tws.text.requests import TextRequest, what_if

HEAD = (
    "3|7|265598|AAPL|STK||0.0|||SMART|NASDAQ|USD|AAPL|NMS|||BUY|10|LMT|190.5||DAY||DU1||0|my-ref|"
    "1|0|0|0|0|0|1|0"
)
AFTER = ["", "0", "", "", "", "", ""]
MIDDLE = [*[""] * 22, "", ""]
UNSET = "1.7976931348623157E308"


def place_order(
    *,
    version: int = 178,
    what_if: str = "0",
    delta_neutral: str = "",
    increment: str = "",
    hedge: str = "",
    algo: str = "",
) -> list[str]:
    fields = HEAD.split("|") + AFTER + ([""] if version < 177 else [])
    fields += [*[""] * 22, delta_neutral, "", *([""] * 8 if delta_neutral else [])]
    fields += [*[""] * 6, increment, *([""] * 7 if increment not in ("", UNSET) else [])]
    fields += ["", "", "", hedge, *(["x"] if hedge else []), "0", "", "", "0", "0"]
    fields += [algo, *(["1", "tag", "value"] if algo else []), "", what_if]
    return fields


def test_a_plain_order_has_what_if_at_index_84() -> None:
    assert place_order(what_if="1").index("1", 40) == 84
    assert place_order(version=176, what_if="1").index("1", 40) == 85


@pytest.mark.parametrize("version", [157, 176, 178])
@pytest.mark.parametrize(
    "groups",
    [
        {},
        {"delta_neutral": "LMT"},
        {"increment": "0.5"},
        {"increment": UNSET},
        {"hedge": "D"},
        {"algo": "Adaptive"},
        {"delta_neutral": "MKT", "increment": "1", "hedge": "B", "algo": "Vwap"},
    ],
)
def test_the_what_if_flag_is_found_behind_optional_groups(
    version: int, groups: dict[str, str]
) -> None:
    asked = place_order(version=version, what_if="1", **groups)
    plain = place_order(version=version, what_if="0", **groups)
    assert what_if(asked, version)
    assert not what_if(plain, version)


def test_a_ticket_has_what_the_client_sent() -> None:
    ticket = TextRequest(tuple(place_order()), 178).ticket(("DU9",), 17)
    assert ticket == OrderTicket(
        "DU1", 17, 7, 265598, "AAPL", OrderAction.BUY, Decimal(10), "LMT", Decimal("190.5"), tif="DAY",
        order_ref="my-ref", outside_rth=True, login="DU9",
    )  # fmt: skip


def test_an_order_without_account_is_the_sessions() -> None:
    fields = place_order()
    fields[23] = ""
    assert TextRequest(tuple(fields), 178).ticket(("DU9",), 1).account == "DU9"


def test_an_unknown_contract_has_number_zero() -> None:
    fields = place_order()
    fields[2], fields[3] = "0", "NOPE"
    assert TextRequest(tuple(fields), 178).ticket(("DU9",), 1).con_id == 0


def test_a_short_order_is_an_error_of_the_wire() -> None:
    with pytest.raises(WireError):
        TextRequest(("3", "1"), 178).ticket(("DU1",), 1)


AT = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
TICKET = OrderTicket("DU1", 17, 7, 265598, "AAPL", OrderAction.BUY, Decimal(10), "MKT")
FILL = Execution(
    1, TICKET, 9, Decimal(10), Decimal(190), Decimal(10), Decimal(190), Decimal(1), None, AT
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("7|3|1|0|||||||", True),
        ("7|3|1|17|DU1||AAPL|STK|SMART|BUY", True),
        ("7|3|1|18||||||", False),
        ("7|3|1|0|DU2|||||", False),
        ("7|3|1|0|||MSFT|||", False),
        ("7|3|1|0||||||SELL", False),
        ("7|3|1|0||20261120-14:59:00||||", True),
        ("7|3|1|0||20261120-15:01:00||||", False),
        ("7|3|1|0||20261120 09:59:00||||", True),
        ("7|3|1|0||20261120 10:01:00 US/Eastern||||", False),
    ],
)
def test_executions_are_filtered(words: str, expected: bool) -> None:
    assert TextRequest(tuple(words.split("|")), 178).execution_filter().matches(FILL) is expected


def test_a_filter_keeps_sales_apart() -> None:
    sale = replace(FILL, ticket=replace(TICKET, action=OrderAction.SELL))
    asked = TextRequest(("7", "3", "1", "0", "", "", "", "", "", "SLD"), 178)
    assert asked.execution_filter().matches(sale)
