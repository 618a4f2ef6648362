"""Which part of its market's hours an order needs, and whether that part runs now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from ibgateway_executor.orders.cut_offs import cut_off
from ibgateway_executor.orders.market_hours import (
    CLOSE_MARGIN,
    CutOffPassed,
    HoursUnknown,
    Market,
    MarketOpen,
    TradingSession,
    market,
)
from ibgateway_executor.orders.order import OrderTerms, OrderType, TimeInForce

OPENING_LEAD: Final = timedelta(hours=2)
"""An on-open order is sent within so long before the open: until then it can be cancelled without asking the broker."""
BREAK: Final = timedelta(hours=3)
"""Sessions of one day that are less apart, as around a lunch break, have one open and one close."""

Hours = tuple[TradingSession, ...] | HoursUnknown


class Window(StrEnum):
    """When an order may be sent."""

    REGULAR = "regular"
    EXTENDED = "extended"
    OPENING = "opening"
    CLOSING = "closing"


@dataclass(frozen=True)
class ContractHours:
    """A contract's regular sessions (IBKR's liquidHours) and all its sessions (tradingHours)."""

    liquid: Hours
    trading: Hours

    def of(self, window: Window) -> Hours:
        """The sessions by which an order of this window lives."""
        return self.trading if window is Window.EXTENDED else self.liquid


def window(terms: OrderTerms) -> Window:
    """The window of an order with these terms."""
    if terms.time_in_force is TimeInForce.OPG:
        return Window.OPENING
    if terms.order_type in (OrderType.MARKET_ON_CLOSE, OrderType.LIMIT_ON_CLOSE):
        return Window.CLOSING
    return Window.EXTENDED if terms.outside_regular_hours else Window.REGULAR


def market_for(terms: OrderTerms, hours: ContractHours, now: datetime) -> Market:
    """Whether an order with these terms may be sent at `now`, with the margin before the end of its window."""
    wanted = window(terms)
    known = hours.of(wanted)
    if isinstance(known, HoursUnknown):
        return known
    if wanted is Window.CLOSING:
        before = cut_off(terms.contract).close
        return _auction(_days(known), [(d.start, d.end - before) for d in _days(known)], now)
    if wanted is Window.OPENING:
        before = cut_off(terms.contract).open
        spans = [(d.start - OPENING_LEAD, d.start - before) for d in _days(known)]
        return _auction(_days(known), spans, now)
    return market(known, now)


def _auction(
    days: Sequence[TradingSession], spans: Sequence[tuple[datetime, datetime]], now: datetime
) -> Market:
    found = market([TradingSession(*span) for span in spans], now)
    if isinstance(found, MarketOpen):
        return found
    for day, (_, until) in zip(days, spans, strict=True):
        if until - CLOSE_MARGIN <= now < day.end:
            return CutOffPassed(until, found.opens)
    return found


def _days(known: Sequence[TradingSession]) -> list[TradingSession]:
    """Sessions of one day as one."""
    days: list[TradingSession] = []
    for session in known:
        last = days[-1] if days else None
        if last and _same_day(last, session):
            days[-1] = TradingSession(last.start, max(last.end, session.end))
        else:
            days.append(session)
    return days


def _same_day(one: TradingSession, next_one: TradingSession) -> bool:
    day = one.start.astimezone(UTC).date()
    return next_one.start.astimezone(UTC).date() == day and next_one.start - one.end < BREAK
