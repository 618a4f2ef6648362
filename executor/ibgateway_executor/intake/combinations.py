"""Which fields of an order go together, in IBKR's words, and what to do where they do not. Pure.

On-open orders are IBKR's `MKT` and `LMT` with the time in force `OPG`; on-close orders are types of their own.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ibgateway_executor.orders.order import OrderType, TimeInForce

LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_ON_CLOSE})
"""Types that have a limit price."""
STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
"""Types that have a stop price."""
ON_CLOSE: Final = frozenset({OrderType.MARKET_ON_CLOSE, OrderType.LIMIT_ON_CLOSE})
AT_ONCE: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})
"""Types that can be for the opening auction, or immediate-or-cancel."""


def price_problems(
    order_type: OrderType, limit_price: Decimal | None, stop_price: Decimal | None
) -> Iterator[str]:
    """What is missing of the prices, or too much."""
    if order_type in LIMITED and limit_price is None:
        yield f"orderType {order_type} needs limitPrice"
    if order_type not in LIMITED and limit_price is not None:
        yield f"orderType {order_type} takes no limitPrice: use {_limited(order_type)}, or leave it out"
    if order_type in STOPPED and stop_price is None:
        yield f"orderType {order_type} needs stopPrice"
    if order_type not in STOPPED and stop_price is not None:
        yield f"orderType {order_type} takes no stopPrice: use STP or STP LMT, or leave it out"


def time_problems(
    order_type: OrderType, time_in_force: TimeInForce, *, outside_regular_hours: bool
) -> Iterator[str]:
    """What does not go with the time in force, or with trading outside regular hours."""
    if time_in_force is TimeInForce.OPG and order_type not in AT_ONCE:
        yield f"timeInForce OPG is for orderType MKT (market-on-open) and LMT (limit-on-open), not {order_type}"
    if time_in_force is TimeInForce.IOC and order_type not in AT_ONCE:
        yield f"timeInForce IOC is for orderType MKT and LMT, not {order_type}"
    if time_in_force is TimeInForce.GTC and order_type in ON_CLOSE:
        yield f"orderType {order_type} is for one close: use timeInForce DAY"
    limited = order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    if outside_regular_hours and (not limited or time_in_force is TimeInForce.OPG):
        yield "outsideRegularHours is for orderType LMT and STP LMT without OPG: leave it out, or name a limit price"


def _limited(order_type: OrderType) -> OrderType:
    other = {
        OrderType.STOP: OrderType.STOP_LIMIT,
        OrderType.MARKET_ON_CLOSE: OrderType.LIMIT_ON_CLOSE,
    }
    return other.get(order_type, OrderType.LIMIT)
