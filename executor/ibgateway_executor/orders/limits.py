"""Limits on what one order and one day may be. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal

from ibgateway_api.week import NEW_YORK
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, OrderTerms, move


def value(terms: OrderTerms, price: Decimal) -> Decimal:
    """What the order is worth at `price`, in the contract's currency."""
    return terms.quantity * price


def exceeds(terms: OrderTerms, price: Decimal, limit: Decimal) -> bool:
    """Whether the order's value at `price` is above `limit`."""
    return value(terms, price) > limit


def reject_value(order: Order, price: Decimal, limit: Decimal) -> Order:
    """Rejected because of the value limit."""
    return move(
        order,
        OrderState.REJECTED,
        reason=OrderReason.ORDER_VALUE_LIMIT,
        message=f"worth {value(order.terms, price)} at {price}, "
        f"above spec.executor.limits.maxOrderValue {limit}",
    )


def day_start(now: datetime) -> datetime:
    """The midnight in New York from which the day's orders are counted."""
    return now.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)


def day_end(now: datetime) -> datetime:
    """The next midnight in New York."""
    return day_start(now) + timedelta(days=1)
