"""Limits on what one order and one day may be. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibgateway_api.settings import ExecutorSettings
from ibgateway_api.week import NEW_YORK
from ibgateway_executor.orders.order import (
    Order,
    OrderReason,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    move,
)

LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.LIMIT_ON_CLOSE})
"""Types whose limit price is compared with the price of now; a stop-limit order's is compared with its stop price."""


@dataclass(frozen=True)
class TradingLimits:
    """What an order may be, by the settings of now; None and empty limit nothing. `collar` in percent."""

    value: Decimal | None = None
    collar: Decimal | None = None
    symbols: frozenset[str] = frozenset()
    short_selling: bool = False

    def needs_price(self, terms: OrderTerms) -> bool:
        """Whether an order can be held against them only with the contract's price of now."""
        if self.value is not None and not _bounded(terms):
            return True
        return self.collar is not None and terms.order_type in LIMITED


def trading_limits(settings: ExecutorSettings) -> TradingLimits:
    """The limits on single orders."""
    value, collar = settings.max_order_value, settings.price_collar_percent
    return TradingLimits(
        value=None if value is None else Decimal(value),
        collar=None if collar is None else Decimal(collar),
        symbols=frozenset(settings.allowed_symbols),
        short_selling=settings.short_selling,
    )


@dataclass(frozen=True)
class LimitBreach:
    """Why an order is above a limit, and what to do."""

    reason: OrderReason
    message: str


def own_price(terms: OrderTerms) -> Decimal | None:
    """The price that the order names itself."""
    return terms.limit_price or terms.stop_price


def _bounded(terms: OrderTerms) -> bool:
    """Whether nothing can be executed at more than the limit price. A sale is executed at the price of now, however low its limit
    is, and so is a stop order that is beyond its stop price already.
    """
    return terms.side is Side.BUY and terms.limit_price is not None


def _worth(terms: OrderTerms, market_price: Decimal | None) -> Decimal | None:
    """The price by which an order counts: the larger one of its own and that of now, where its own bounds nothing."""
    own = own_price(terms)
    if _bounded(terms) or market_price is None:
        return own
    return market_price if own is None else max(own, market_price)


def value(terms: OrderTerms, price: Decimal) -> Decimal:
    """What the order is worth at `price`, in the contract's currency."""
    return terms.quantity * price * Decimal(terms.contract.multiplier or 1)


def breach(
    terms: OrderTerms, limits: TradingLimits, market_price: Decimal | None
) -> LimitBreach | None:
    """The first limit that the order is above, as far as that can be told; `market_price` None where it is not known."""
    return (
        _symbol_breach(terms, limits)
        or _value_breach(terms, limits, _worth(terms, market_price))
        or _collar_breach(terms, limits, market_price)
    )


def _symbol_breach(terms: OrderTerms, limits: TradingLimits) -> LimitBreach | None:
    symbol = terms.contract.symbol.upper()
    if not limits.symbols or not symbol or symbol in limits.symbols:
        return None
    return LimitBreach(
        OrderReason.SYMBOL_NOT_ALLOWED,
        f"{symbol} is not among spec.executor.limits.allowedSymbols: add it there, or leave the order",
    )


def _value_breach(
    terms: OrderTerms, limits: TradingLimits, price: Decimal | None
) -> LimitBreach | None:
    if limits.value is None or price is None or value(terms, price) <= limits.value:
        return None
    return LimitBreach(
        OrderReason.ORDER_VALUE_LIMIT,
        f"worth {value(terms, price)} at {price}, above spec.executor.limits.maxOrderValue {limits.value}: "
        "make it smaller or raise the limit",
    )


def _collar_breach(
    terms: OrderTerms, limits: TradingLimits, market_price: Decimal | None
) -> LimitBreach | None:
    """Too high for a buy, too low for a sale. A price that is too good for anybody is none of its business."""
    of_now = terms.order_type in LIMITED
    reference = market_price if of_now else terms.stop_price
    if limits.collar is None or reference is None or terms.limit_price is None:
        return None
    sign = 1 if terms.side is Side.BUY else -1
    worst = reference * (100 + sign * limits.collar) / 100
    if sign * terms.limit_price <= sign * worst:
        return None
    return LimitBreach(
        OrderReason.PRICE_COLLAR,
        f"limitPrice {terms.limit_price} is more than {limits.collar} % (spec.executor.limits.priceCollarPercent) "
        f"beyond the {'price of now' if of_now else 'stop price'}, {reference}: check it, or raise the limit",
    )


def never_short(order: Order, limits: TradingLimits) -> bool:
    """Whether it may sell no more than is held: any sale without `shortSelling`, and one of a rebalance always."""
    return order.terms.side is Side.SELL and not (limits.short_selling and not order.rebalance)


def short_sale(order: Order, held: Decimal, others: Iterable[Order]) -> LimitBreach | None:
    """Whether a sale would sell more than the account holds and nobody else is selling already.

    `held` is the position, `others` are the orders for the same account and contract that the broker has or may have. Where
    one of them may yet make room, the order waits (`POSITION_TOO_SMALL`), and else it is refused. One of a rebalance never waits:
    what it was to sell was decided by what was held then.
    """
    beside = [other for other in others if other.id != order.id]
    promised, coming = _rest(beside, Side.SELL), _rest(beside, Side.BUY)
    quantity = order.terms.quantity
    if order.terms.side is Side.BUY or quantity + promised <= held:
        return None
    text = f"{order.terms.account} holds {held} of {order.terms.contract}"
    if promised:
        text = f"{text}, and {promised} are being sold"
    if order.rebalance:
        return LimitBreach(
            OrderReason.SHORT_SALE,
            f"{text}: rebalance {order.rebalance} was to sell {quantity}, and sells nothing short. Ask for another "
            "rebalance: it begins with what is held",
        )
    if quantity <= held + coming:
        return LimitBreach(
            OrderReason.POSITION_TOO_SMALL, f"{text}: it waits for the orders that IBKR has"
        )
    return LimitBreach(
        OrderReason.SHORT_SALE,
        f"{text}: sell no more than that, or allow spec.executor.limits.shortSelling",
    )


def _rest(orders: Iterable[Order], side: Side) -> Decimal:
    """What is not filled yet of the orders of one side."""
    mine = (order for order in orders if order.terms.side is side)
    return sum((order.terms.quantity - order.filled for order in mine), Decimal(0))


def refuse(order: Order, found: LimitBreach) -> Order:
    """Rejected because of a limit."""
    return move(order, OrderState.REJECTED, reason=found.reason, message=found.message)


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
