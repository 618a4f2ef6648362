"""When the market is open, pure.

Hours are text in IBKR's form (`20261123:0930-20261123:1600;20261124:CLOSED`) in US/Eastern. `always` shows
one session from today's midnight to three days later, so that a test may run at any hour of any day.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
TIME_ZONE_ID = "US/Eastern"
DAYS_AHEAD = 6
REGULAR = (dt.time(9, 30), dt.time(16))
HALF_DAY = (dt.time(9, 30), dt.time(13))
EXTENDED = (dt.time(4), dt.time(20))
EXTENDED_HALF_DAY = (dt.time(4), dt.time(17))
OVERNIGHT = (dt.time(20), dt.time(3, 50))
"""From the evening before a market day to its morning."""

Session = tuple[dt.datetime, dt.datetime]


class HoursMode(StrEnum):
    """When the simulated market is open."""

    ALWAYS = "always"
    REGULAR = "regular"
    CLOSED = "closed"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Hours:
    """When the market is open.

    `sessions` are the liquid hours of mode `custom` (start, end, aware). `holidays` and `half_days` are dates
    in New York; half days end at 13:00. `overnight`: mode `regular` trades from 20:00 to 03:50 as well.
    """

    mode: HoursMode = HoursMode.ALWAYS
    sessions: tuple[Session, ...] = ()
    holidays: frozenset[dt.date] = frozenset()
    half_days: frozenset[dt.date] = frozenset()
    overnight: bool = False

    def liquid(self, now: dt.datetime) -> tuple[Session, ...]:
        """The regular sessions around `now`, in order."""
        midnight = _midnight(now)
        if self.mode is HoursMode.ALWAYS:
            return ((midnight, midnight + dt.timedelta(days=3)),)
        if self.mode is HoursMode.CUSTOM:
            return self.sessions
        if self.mode is HoursMode.CLOSED:
            return ()
        days = (_day_after(midnight, n) for n in range(DAYS_AHEAD))
        return tuple(
            _on(day, HALF_DAY if day.date() in self.half_days else REGULAR)
            for day in days
            if self.market_day(day.date())
        )

    def trading(self, now: dt.datetime) -> tuple[Session, ...]:
        """The sessions in which orders with outsideRth fill; as `liquid` but in mode `regular`."""
        if self.mode is not HoursMode.REGULAR:
            return self.liquid(now)
        midnight = _midnight(now)
        days = [_day_after(midnight, n) for n in range(DAYS_AHEAD)]
        return tuple(
            session for day in days if self.market_day(day.date()) for session in self._trading(day)
        )

    def market_day(self, day: dt.date) -> bool:
        """Whether trades are made and settle on this date."""
        return day.weekday() < 5 and day not in self.holidays

    def settles(self, at: dt.datetime) -> dt.date:
        """When a trade of this moment settles: the next market day (T+1), by the date in New York."""
        day = at.astimezone(EASTERN).date() + dt.timedelta(days=1)
        while not self.market_day(day):
            day += dt.timedelta(days=1)
        return day

    def is_open(self, now: dt.datetime) -> bool:
        """Whether any order may fill now."""
        return _within(now, self.liquid(now))

    def is_trading(self, now: dt.datetime) -> bool:
        """Whether an order with outsideRth may fill now."""
        return _within(now, self.trading(now))

    def next_open(self, now: dt.datetime) -> dt.datetime:
        """The next session's start, a day ahead when none is known."""
        starts = [start for start, _ in self.liquid(now) if start > now]
        return min(starts, default=now + dt.timedelta(days=1)).astimezone(EASTERN)

    def next_close(self, now: dt.datetime) -> dt.datetime | None:
        """The end of this session or the next; None when none is known."""
        return next((end for _, end in self.liquid(now) if end > now), None)

    def text(self, now: dt.datetime) -> str:
        """The liquid hours in IBKR's form, with CLOSED for days without any."""
        return _text(self.liquid(now), now)

    def trading_text(self, now: dt.datetime) -> str:
        """The trading hours in IBKR's form."""
        return _text(self.trading(now), now)

    def _trading(self, day: dt.datetime) -> Iterable[Session]:
        if self.overnight:
            evening = _day_after(day, -1)
            yield _on(evening, (OVERNIGHT[0], OVERNIGHT[0]))[0], _on(day, OVERNIGHT)[1]
        yield _on(day, EXTENDED_HALF_DAY if day.date() in self.half_days else EXTENDED)


def _midnight(now: dt.datetime) -> dt.datetime:
    return now.astimezone(EASTERN).replace(hour=0, minute=0, second=0, microsecond=0)


def _day_after(midnight: dt.datetime, days: int) -> dt.datetime:
    """Midnight so many days later by the wall clock."""
    return midnight + dt.timedelta(days=days)


def _on(midnight: dt.datetime, times: tuple[dt.time, dt.time]) -> Session:
    day = midnight.date()
    start, end = (dt.datetime.combine(day, time, EASTERN) for time in times)
    return start, end


def _within(now: dt.datetime, sessions: Iterable[Session]) -> bool:
    return any(start <= now < end for start, end in sessions)


def _text(sessions: tuple[Session, ...], now: dt.datetime) -> str:
    today = now.astimezone(EASTERN).date()
    parts: dict[dt.date, list[str]] = {}
    for start, end in sessions:
        parts.setdefault(start.astimezone(EASTERN).date(), []).append(_part(start, end))
    covered = {
        start.astimezone(EASTERN).date() + dt.timedelta(days=n)
        for start, end in sessions
        for n in range((end - start).days + 1)
    }
    for n in range(DAYS_AHEAD):
        day = today + dt.timedelta(days=n)
        if day not in covered:
            parts[day] = [f"{day:%Y%m%d}:CLOSED"]
    return ";".join(part for day in sorted(parts) for part in parts[day])


def _part(start: dt.datetime, end: dt.datetime) -> str:
    first, last = start.astimezone(EASTERN), end.astimezone(EASTERN)
    return f"{first:%Y%m%d:%H%M}-{last:%Y%m%d:%H%M}"
