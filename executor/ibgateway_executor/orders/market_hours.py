"""Trading sessions from IBKR's `liquidHours` text. Pure.

`20261123:0930-20261123:1600;20261124:CLOSED` in the contract's own time zone, a few days ahead only.
What can't be read is unknown, and unknown hours never send an order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ibgateway_api.week import NEW_YORK

WHOLE_DAY: Final = timedelta(hours=24)
SATURDAY: Final = 5
CLOSE_MARGIN: Final = timedelta(seconds=30)
"""No order this close before the end of a session: it might arrive after it."""


@dataclass(frozen=True)
class TradingSession:
    """One liquid session, aware UTC, end exclusive."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class MarketOpen:
    """An order may be sent; `end` of the running session."""

    end: datetime


@dataclass(frozen=True)
class MarketClosed:
    """Closed; `opens` where the next session is known."""

    opens: datetime | None


@dataclass(frozen=True)
class CutOffPassed:
    """Too late for the auction of the session that runs or comes next; `opens` when the next one takes orders."""

    cut_off: datetime
    opens: datetime | None


@dataclass(frozen=True)
class HoursUnknown:
    """The hours are not known, or can't be read."""

    message: str


Market = MarketOpen | MarketClosed | CutOffPassed | HoursUnknown


def sessions(liquid_hours: str, time_zone_id: str) -> tuple[TradingSession, ...] | HoursUnknown:
    """The sessions in order; `HoursUnknown` for an unknown zone or text that can't be read."""
    try:
        zone = ZoneInfo(time_zone_id)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return HoursUnknown(f"the contract's time zone {time_zone_id!r} is not known")
    parts = [part.strip() for part in liquid_hours.split(";") if part.strip()]
    if not parts:
        return HoursUnknown("the broker told no trading hours for the contract")
    try:
        found = [_session(part, zone) for part in parts if not part.endswith(":CLOSED")]
        first_day(liquid_hours, time_zone_id)
    except (ValueError, OverflowError):
        return HoursUnknown(f"the contract's trading hours can't be read: {liquid_hours!r}")
    return tuple(sorted(found, key=lambda session: session.start))


def market(known: Sequence[TradingSession], now: datetime) -> MarketOpen | MarketClosed:
    """Whether an order may be sent at `now`, with the margin before the close."""
    for session in known:
        if session.start <= now < session.end - CLOSE_MARGIN:
            return MarketOpen(session.end)
    return MarketClosed(min((s.start for s in known if s.start > now), default=None))


def session_end(known: Sequence[TradingSession], accepted_at: datetime) -> datetime | None:
    """End of the session that runs at `accepted_at`, else of the next one; None when not known."""
    return min((s.end for s in known if s.end - CLOSE_MARGIN > accepted_at), default=None)


def first_day(liquid_hours: str, time_zone_id: str) -> datetime:
    """The midnight from which on the text names every session; of a text that `sessions` can read."""
    days = [part.strip()[:8] for part in liquid_hours.split(";") if part.strip()]
    return _instant(f"{min(days)}:0000", ZoneInfo(time_zone_id))


def default_validity(accepted_at: datetime) -> datetime:
    """How long an order may be sent while its market's hours are not known: 24 hours.

    Saturdays and Sundays in New York do not count, so a weekend's order lives until its first session.
    """
    end, left = accepted_at.astimezone(NEW_YORK), WHOLE_DAY
    while True:
        midnight = datetime.combine(end.date() + timedelta(days=1), time(), NEW_YORK)
        today = midnight.astimezone(UTC) - end.astimezone(UTC)
        if end.weekday() < SATURDAY:
            if left <= today:
                return end.astimezone(UTC) + left
            left -= today
        end = midnight


def _session(part: str, zone: ZoneInfo) -> TradingSession:
    start, end = part.split("-")
    if ":" not in end:
        end = f"{start[:8]}:{end}"
    session = TradingSession(_instant(start, zone), _instant(end, zone))
    if session.end <= session.start:
        raise ValueError(part)
    return session


def _instant(text: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(text, "%Y%m%d:%H%M").replace(tzinfo=zone).astimezone(UTC)
