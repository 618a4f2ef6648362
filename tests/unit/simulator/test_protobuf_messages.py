"""What a client of the protobuf protocol is told, read back from the bytes."""

import datetime as dt
from decimal import Decimal
from typing import Any

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
from ibgateway_simulator.tws.messages import WireMessage
from ibgateway_simulator.tws.protobuf import schema
from ibgateway_simulator.tws.protobuf.messages import ProtobufMessages

AT = dt.datetime(2026, 11, 20, 17, 0, 5, 250_000, tzinfo=dt.UTC)
TICKET = OrderTicket(
    "DU1", 17, 4, 265598, "AAPL", OrderAction.SELL, Decimal("10.50"), "LMT", Decimal("190.5"),
    tif="GTC", order_ref="ref", outside_rth=True,
)  # fmt: skip
ORDER = BookedOrder(
    TICKET, 5_000_000_000, OrderStatus.SUBMITTED, AT, filled=Decimal(4), average_price=Decimal("190.6")
)  # fmt: skip
FILL = Execution(
    7, TICKET, 99, Decimal(4), Decimal("190.6"), Decimal(4), Decimal("190.6"), Decimal(1), None, AT
)
SAY = ProtobufMessages()
AAPL = {
    "conId": 265598,
    "symbol": "AAPL",
    "secType": "STK",
    "currency": "USD",
    "localSymbol": "AAPL",
    "tradingClass": "NMS",
}


def read(message: WireMessage, name: str) -> Any:
    """The values in a message's bytes, its number first; what is recorded must be the same."""
    number = int.from_bytes(message.body[:4], "big")
    values = schema.shown(schema.parse(name, message.body[4:]))
    assert message.fields == (str(number - 200),)
    assert message.content == values
    return number, values


def test_an_error_carries_its_time_in_milliseconds() -> None:
    assert read(SAY.error(-1, 326, "in use", AT), "ErrorMessage") == (
        204,
        {"id": -1, "errorTime": "1795194005250", "errorCode": 326, "errorMsg": "in use"},
    )


def test_start_up_and_time_are_told_in_numbers() -> None:
    assert read(SAY.managed_accounts("DU1,DU2"), "ManagedAccounts")[1]["accountsList"] == "DU1,DU2"
    assert read(SAY.next_valid_id(4), "NextValidId") == (209, {"orderId": 4})
    assert read(SAY.current_time(AT), "CurrentTime") == (249, {"currentTime": "1795194005"})
    millis = read(SAY.current_time_in_millis(AT), "CurrentTimeInMillis")
    assert millis == (309, {"currentTimeInMillis": "1795194005250"})


def test_an_open_order_has_its_terms_by_name() -> None:
    number, values = read(SAY.open_order(ORDER), "OpenOrder")
    assert number == 205
    assert values == {
        "orderId": 4,
        "contract": {**AAPL, "exchange": "SMART"},
        "order": {
            "clientId": 17,
            "orderId": 4,
            "permId": "5000000000",
            "action": "SELL",
            "totalQuantity": "10.5",
            "orderType": "LMT",
            "lmtPrice": 190.5,
            "auxPrice": 0.0,
            "tif": "GTC",
            "account": "DU1",
            "clearingIntent": "IB",
            "outsideRth": True,
            "orderRef": "ref",
            "ocaType": 3,
            "whatIf": False,
            "transmit": True,
        },
        "orderState": {"status": "Submitted"},
    }


def test_a_what_if_answer_carries_margins_or_none_at_all() -> None:
    quoted = WhatIfMessage(ORDER, margin=Decimal(1900), equity=Decimal(100_000))
    values = read(SAY.open_order(ORDER, quoted), "OpenOrder")[1]
    assert values["order"]["whatIf"] is True
    assert values["orderState"] == {
        "status": "PreSubmitted",
        "initMarginBefore": 0.0,
        "maintMarginBefore": 0.0,
        "equityWithLoanBefore": 100000.0,
        "initMarginChange": 1900.0,
        "maintMarginChange": 1900.0,
        "equityWithLoanChange": 0.0,
        "initMarginAfter": 1900.0,
        "maintMarginAfter": 1900.0,
        "equityWithLoanAfter": 100000.0,
        "commissionAndFees": 0.0,
        "commissionAndFeesCurrency": "USD",
    }
    unset = WhatIfMessage(ORDER, margin=None, equity=Decimal(0))
    values = read(SAY.open_order(ORDER, unset), "OpenOrder")[1]
    assert values["orderState"] == {"status": "PreSubmitted"}


def test_a_completed_order_has_no_order_id_and_no_client_id() -> None:
    done = ORDER.with_fill(Decimal("6.5"), Decimal(190), AT)
    number, values = read(SAY.completed_order(done), "CompletedOrder")
    assert number == 301
    assert {"orderId", "clientId"}.isdisjoint(values["order"])
    assert [values["order"][key] for key in ("permId", "filledQuantity", "orderRef")] == [
        "5000000000",
        "10.5",
        "ref",
    ]
    assert values["orderState"] == {
        "status": "Filled",
        "completedTime": "20261120 12:00:05 US/Eastern",
        "completedStatus": "Filled Size: 10.5",
    }


def test_a_status_says_zero_in_so_many_words() -> None:
    fresh = BookedOrder(TICKET, 99, OrderStatus.SUBMITTED, AT)
    assert read(SAY.order_status(fresh), "OrderStatus") == (
        203,
        {
            "orderId": 4,
            "status": "Submitted",
            "filled": "0",
            "remaining": "10.5",
            "avgFillPrice": 0.0,
            "permId": "99",
            "parentId": 0,
            "lastFillPrice": 0.0,
            "clientId": 17,
            "whyHeld": "",
            "mktCapPrice": 0.0,
        },
    )


def test_an_execution_tells_the_fill_in_the_exchanges_time() -> None:
    number, values = read(SAY.exec_details(FILL, -1), "ExecutionDetails")
    assert (number, values["reqId"]) == (211, -1)
    assert values["contract"] == {**AAPL, "exchange": "NASDAQ"}
    assert values["execution"] == {
        "orderId": 4,
        "execId": "0000e0d5.00000007.01.01",
        "time": "20261120 12:00:05 US/Eastern",
        "acctNumber": "DU1",
        "exchange": "NASDAQ",
        "side": "SLD",
        "shares": "4",
        "price": 190.6,
        "permId": "99",
        "clientId": 17,
        "cumQty": "4",
        "avgPrice": 190.6,
        "orderRef": "ref",
        "lastLiquidity": 2,
    }


def test_a_commission_without_a_profit_has_the_number_that_means_none() -> None:
    number, values = read(SAY.commission_report(FILL), "CommissionAndFeesReport")
    assert number == 259
    assert (values["commissionAndFees"], values["currency"]) == (1.0, "USD")
    assert values["realizedPNL"] == values["bondYield"] == 1.7976931348623157e308


def test_positions_and_values_name_their_account() -> None:
    held, value = Position(Decimal("-10"), Decimal(180)), AccountValue("NetLiquidation", "1", "USD")
    home = {**AAPL, "primaryExch": "NASDAQ"}
    assert read(SAY.position(265598, held, "DU1"), "Position") == (
        261,
        {"account": "DU1", "contract": home, "position": "-10", "avgCost": 180.0},
    )
    portfolio = read(SAY.portfolio(265598, held, Decimal(190), "DU1"), "PortfolioValue")[1]
    assert (portfolio["marketValue"], portfolio["unrealizedPNL"]) == (-1900.0, -100.0)
    assert (portfolio["accountName"], portfolio["position"]) == ("DU1", "-10")
    told = [
        read(SAY.account_value(value, "DU1"), "AccountValue"),
        read(SAY.account_value_multi(value, "DU1", 3), "AccountUpdateMulti"),
        read(SAY.account_summary(value, "DU1", 3), "AccountSummary"),
    ]
    assert told == [
        (206, {"key": "NetLiquidation", "value": "1", "currency": "USD", "accountName": "DU1"}),
        (
            273,
            {
                "reqId": 3,
                "account": "DU1",
                "key": "NetLiquidation",
                "value": "1",
                "currency": "USD",
            },
        ),
        (
            263,
            {
                "reqId": 3,
                "account": "DU1",
                "tag": "NetLiquidation",
                "value": "1",
                "currency": "USD",
            },
        ),
    ]


def test_contract_details_have_hours_and_sizes() -> None:
    spy = BY_SYMBOL["SPY"]
    number, values = read(
        SAY.contract_details(spy, 3, hours=("trading", "liquid"), zone="Nowhere"), "ContractData"
    )
    details = values["contractDetails"]
    assert (number, values["reqId"]) == (210, 3)
    assert (values["contract"]["exchange"], values["contract"]["primaryExch"]) == ("SMART", "ARCA")
    assert [details[key] for key in ("tradingHours", "liquidHours", "timeZoneId")] == [
        "trading",
        "liquid",
        "Nowhere",
    ]
    assert [details[key] for key in ("minTick", "minSize", "stockType", "marketName")] == [
        "0.01",
        "1",
        "ETF",
        "SPY",
    ]


@pytest.mark.parametrize(
    ("message", "number", "name", "values"),
    [
        (
            SAY.tick_price(1, 4, Decimal("190.01"), 100),
            201,
            "TickPrice",
            {"reqId": 1, "tickType": 4, "price": 190.01, "size": "100", "attrMask": 1},
        ),
        (SAY.tick_size(1, 8, 7), 202, "TickSize", {"reqId": 1, "tickType": 8, "size": "7"}),
        (SAY.account_update_time(AT), 208, "AccountUpdateTime", {"timeStamp": "17:00"}),
        (SAY.market_data_type(1), 258, "MarketDataType", {"reqId": 1, "marketDataType": 1}),
        (SAY.contract_details_end(1), 252, "ContractDataEnd", {"reqId": 1}),
        (SAY.account_download_end("DU1"), 254, "AccountDataEnd", {"accountName": "DU1"}),
        (SAY.exec_details_end(1), 255, "ExecutionDetailsEnd", {"reqId": 1}),
        (SAY.tick_snapshot_end(1), 257, "TickSnapshotEnd", {"reqId": 1}),
        (SAY.account_summary_end(1), 264, "AccountSummaryEnd", {"reqId": 1}),
        (SAY.account_update_multi_end(1), 274, "AccountUpdateMultiEnd", {"reqId": 1}),
        (SAY.open_order_end(), 253, "OpenOrdersEnd", {}),
        (SAY.position_end(), 262, "PositionEnd", {}),
        (SAY.completed_orders_end(), 302, "CompletedOrdersEnd", {}),
    ],
)
def test_prices_and_ends(
    message: WireMessage, number: int, name: str, values: dict[str, Any]
) -> None:
    assert read(message, name) == (number, values)
