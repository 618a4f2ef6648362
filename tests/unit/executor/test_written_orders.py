"""What an order's terms become on the wire, in IBKR's fields."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from executor_fakes import TERMS, entry
from ibgateway_executor.broker.ib.translation import order_of
from ibgateway_executor.orders.order import OrderType, TimeInForce

PRICES = {"limit_price": Decimal("190.25"), "stop_price": Decimal("189.5")}
UNSET = 1.7976931348623157e308


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({}, ("MKT", "DAY", UNSET, UNSET, False)),
        ({"time_in_force": TimeInForce.OPG}, ("MKT", "OPG", UNSET, UNSET, False)),
        (
            {"order_type": OrderType.LIMIT, "limit_price": Decimal("190.25")}
            | {"outside_regular_hours": True, "time_in_force": TimeInForce.IOC},
            ("LMT", "IOC", 190.25, UNSET, True),
        ),
        (
            {"order_type": OrderType.STOP, "stop_price": Decimal("189.5")}
            | {"time_in_force": TimeInForce.GTC},
            ("STP", "GTC", UNSET, 189.5, False),
        ),
        ({"order_type": OrderType.STOP_LIMIT} | PRICES, ("STP LMT", "DAY", 190.25, 189.5, False)),
        ({"order_type": OrderType.MARKET_ON_CLOSE}, ("MOC", "DAY", UNSET, UNSET, False)),
        (
            {"order_type": OrderType.LIMIT_ON_CLOSE, "limit_price": Decimal("190.25")},
            ("LOC", "DAY", 190.25, UNSET, False),
        ),
    ],
)
def test_every_order_type_is_written_in_ibkrs_words(
    changes: dict[str, Any], written: tuple[object, ...]
) -> None:
    order = order_of(entry("a", replace(TERMS, **changes)).order)
    told = (order.orderType, order.tif, order.lmtPrice, order.auxPrice, order.outsideRth)
    assert told == written
    assert (order.account, order.orderRef, order.totalQuantity) == ("DU1234567", "ibg-a", 10)
