"""Limits on what one order and one day may be. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ibgateway_api.week import NEW_YORK
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, OrderTerms, move


def value(terms: OrderTerms, price: Decimal) -> Decimal:
    """What the order is worth at `price`, in the contract's currency."""
    return terms.quantity * price * Decimal(terms.contract.multiplier or 1)


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


@dataclass
class DayTally:
    """How many orders of a day were accepted and how many have left, under a limit; `last` is the limit-th one."""

    start: datetime
    end: datetime
    limit: int
    accepted: int = 0
    left: int = 0
    last: int | None = None

    def count(self, before: Order | None, after: Order) -> None:
        """An order has moved; `before` is None for one that was just accepted."""
        if not self.start <= after.accepted_at < self.end:
            return
        if before is None:
            self.accepted += 1
            if self.accepted == self.limit:
                self.last = after.sequence
        self.left += (not after.never_sent) - (before is not None and not before.never_sent)

    def allows(self, order: Order) -> bool:
        """Whether an unsent order of the day may leave: one of the first, while not as many have left already."""
        if self.last is None or self.accepted <= self.limit:
            return True
        return self.left < self.limit and order.sequence <= self.last
