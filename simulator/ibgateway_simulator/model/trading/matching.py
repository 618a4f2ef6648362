"""What happens to a working order by itself at a moment: pure.

One step at a time, by the clock, the hours, the quote and what the control API holds up.
"""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from ibgateway_simulator.model.faults import Faults
from ibgateway_simulator.model.trading import fills
from ibgateway_simulator.model.trading.hours import Hours
from ibgateway_simulator.model.trading.market import Quote
from ibgateway_simulator.model.trading.market_rules import MarketRules
from ibgateway_simulator.model.trading.orders import PRICED, STOPS, BookedOrder
from ibgateway_simulator.model.trading.replies import EXPIRED


@dataclass(frozen=True, slots=True)
class MarketMoment:
    """What an order meets now."""

    now: dt.datetime
    hours: Hours
    quote: Quote
    rules: MarketRules
    faults: Faults

    def fills(self, order: BookedOrder) -> bool:
        """Whether the market is open for this order."""
        if self.hours.is_open(self.now):
            return True
        limited = order.ticket.outside_rth and order.acting_type in PRICED
        return limited and self.hours.is_trading(self.now)


@dataclass(frozen=True, slots=True)
class OrderEnds:
    """The order is cancelled: `reason` is empty where the market could not fill it at once."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderStarts:
    """The order begins to work."""


@dataclass(frozen=True, slots=True)
class OrderTriggers:
    """The price has come to the stop."""


@dataclass(frozen=True, slots=True)
class OrderFills:
    """So much at this price; `order` is what is left to do, without the fill itself."""

    order: BookedOrder
    quantity: Decimal
    price: Decimal


OrderStep = OrderEnds | OrderStarts | OrderTriggers | OrderFills


def next_step(order: BookedOrder, here: MarketMoment) -> OrderStep | None:
    """What happens to it now, if anything."""
    if order.auction is not None and here.now >= order.auction:
        return _in_auction(order, here)
    if order.expires is not None and here.now >= order.expires:
        return OrderEnds(EXPIRED)
    return _while_open(order, here) if here.fills(order) else None


def _while_open(order: BookedOrder, here: MarketMoment) -> OrderStep | None:
    if order.due is None:
        return OrderStarts()
    if here.now < order.due or order.auction is not None:
        return None
    if order.ticket.order_type in STOPS and not order.triggered:
        return OrderTriggers() if fills.triggered(order.ticket, here.quote) else _at_once(order)
    if order.held or here.faults.hold_fills or not fills.marketable(order, here.quote):
        return _at_once(order)
    return _fill(order, here)


def _at_once(order: BookedOrder) -> OrderEnds | None:
    return OrderEnds() if order.ticket.tif in ("IOC", "FOK") else None


def _in_auction(order: BookedOrder, here: MarketMoment) -> OrderStep | None:
    """All of it at the last price, if the limit allows that; else it ends."""
    if here.faults.hold_fills:
        return None
    last = here.quote.last
    limited = order.ticket.order_type in PRICED
    if limited and not fills.within_limit(order.ticket, last, last):
        return OrderEnds("the auction's price was beyond its limit")
    return OrderFills(order, order.remaining, last)


def _fill(order: BookedOrder, here: MarketMoment) -> OrderFills:
    rules = here.rules
    lot = order.slices[0] if order.slices else rules.lot or order.remaining
    pause = rules.lot_seconds if rules.lot and not order.slices else here.faults.fill_delay
    left = order.slices[1:]
    after = replace(
        order,
        slices=left,
        held=bool(order.slices) and not left,
        due=here.now + dt.timedelta(seconds=pause),
    )
    price = fills.fill_price(order, here.quote, rules)
    return OrderFills(after, min(lot, order.remaining), price)
