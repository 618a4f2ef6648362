"""The week: IBKR's token boundary, the restart window it opens, and IBKR's outages.

All comparisons are in UTC. Of a local time that exists twice (November) a span starts at the earlier
and ends at the later instant; a week is never "+7 days". The times are configuration (`Calendar`),
because IBKR publishes more than one version of them and tests put them where they like.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field

from ibgateway_api.document import Document

NEW_YORK: Final = ZoneInfo("America/New_York")
"""The zone of IBKR's day, resets and token boundary."""

LOST_TOO_LONG: Final = timedelta(minutes=15)
"""IBKR's resets cut the connection for seconds to minutes."""


def is_time_zone(name: str) -> bool:
    """Whether the time zone database knows the name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def time_zones() -> list[str]:
    """The names that the pinned time zone database has, sorted; what a machine has beside it is left out."""
    listed = files("tzdata").joinpath("zones").read_text().split()
    return sorted(set(listed) - {"Factory", "localtime"})


class Weekday(StrEnum):
    """Days by name, Monday first as in `date.weekday()`."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"

    @property
    def number(self) -> int:
        """0 for Monday to 6 for Sunday."""
        return list(Weekday).index(self)


class WeekTime(Document):
    """A moment of every week in a time zone, such as Sunday 01:00 New York."""

    weekday: Weekday
    at: time
    time_zone: str = "America/New_York"

    def instants(self, day: date) -> tuple[datetime, datetime]:
        """The earlier and the later UTC instant of this local time on `day`."""
        return local_instants(day, self.at, ZoneInfo(self.time_zone))

    def last(self, now: datetime) -> tuple[datetime, datetime]:
        """The latest occurrence that has begun by `now`, as (earlier, later) instants."""
        return next(c for c in reversed(self._around(now)) if c[0] <= now)

    def next(self, now: datetime) -> tuple[datetime, datetime]:
        """The first occurrence that has not begun by `now`."""
        return next(c for c in self._around(now) if c[0] > now)

    def last_and_next(
        self, now: datetime
    ) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
        """Both of them, for one look at the calendar."""
        found = self._around(now)
        ahead = next(place for place, (begins, _) in enumerate(found) if begins > now)
        return found[ahead - 1], found[ahead]

    def _around(self, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """Occurrences from two weeks before to two weeks after `now`, by time.

        Where clocks move at midnight a local time is of the day before it, or after: the date tells little.
        """
        zone = ZoneInfo(self.time_zone)
        return _occurrences(self.weekday, self.at, zone, now.astimezone(zone).date())


@lru_cache(maxsize=1024)
def _occurrences(
    weekday: Weekday, at: time, zone: ZoneInfo, day: date
) -> tuple[tuple[datetime, datetime], ...]:
    """Kept, because the gate is asked several times for each order and the day is mostly the same."""
    this_week = day + timedelta(days=weekday.number - day.weekday())
    return tuple(local_instants(this_week + timedelta(weeks=n), at, zone) for n in range(-2, 3))


class WeekSpan(Document):
    """A recurring span of the week in which IBKR answers no login."""

    start: WeekTime
    seconds: int = Field(ge=1)
    name: str

    def end_if_inside(self, now: datetime) -> datetime | None:
        """When the span that covers `now` ends; None outside of it."""
        begun, begun_late = self.start.last(now)
        end = begun_late + timedelta(seconds=self.seconds)
        return end if begun <= now < end else None

    def begins_between(self, start: datetime, end: datetime) -> bool:
        """Whether one begins after `start` and not after `end`."""
        return self.start.next(start)[0] <= end


class DailySpan(Document):
    """A recurring span of every day in which IBKR may drop connections and logins for seconds."""

    start: time
    seconds: int = Field(ge=1, le=86400)
    name: str
    time_zone: str = "America/New_York"

    def end_if_inside(self, now: datetime) -> datetime | None:
        """When the span that covers `now` ends; None outside of it."""
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        for day in (today, today - timedelta(days=1)):
            begun, begun_late = local_instants(day, self.start, zone)
            end = begun_late + timedelta(seconds=self.seconds)
            if begun <= now < end:
                return end
        return None

    def begins_between(self, start: datetime, end: datetime) -> bool:
        """Whether one begins after `start` and not after `end`."""
        zone = ZoneInfo(self.time_zone)
        first = start.astimezone(zone).date()
        days = (end.astimezone(zone).date() - first).days + 1
        begun = (local_instants(first + timedelta(n), self.start, zone)[0] for n in range(days))
        return any(start < at <= end for at in begun)


class DatedOutage(Document):
    """A span that IBKR has announced for once, in which it answers no login."""

    start: AwareDatetime
    end: AwareDatetime
    name: str

    def end_if_inside(self, now: datetime) -> datetime | None:
        """When it ends, where it covers `now`."""
        return self.end if self.start <= now < self.end else None

    def begins_between(self, start: datetime, end: datetime) -> bool:
        """Whether it begins after `start` and not after `end`."""
        return start < self.start <= end


class Calendar(Document):
    """IBKR's times. The defaults are IBKR's published ones; all of them are configuration."""

    token_boundary: WeekTime = WeekTime(weekday=Weekday.SUNDAY, at=time(1, 0))
    """The week's security tokens die here: Sunday 01:00 New York by IBKR's user guide."""
    restart_delay_seconds: int = Field(default=3600, ge=0)
    """No restart of ours earlier than this after the boundary: the nightly reset lies around it."""
    margin_seconds: int = Field(default=300, ge=0)
    """A login counts for the new week only this long after the boundary: clocks differ."""
    lateness_seconds: int = Field(default=900, ge=1)
    """A restart that is later than this is not done by itself any more: it asks."""
    outages: tuple[WeekSpan, ...] = (
        WeekSpan(
            start=WeekTime(weekday=Weekday.FRIDAY, at=time(23, 0)), seconds=4 * 3600, name="Friday"
        ),
    )
    """Weekly spans without login: Friday 23:00 to Saturday 03:00 New York."""
    dated_outages: tuple[DatedOutage, ...] = ()
    """Spans without login that IBKR has announced for once."""
    resets: tuple[DailySpan, ...] = (
        DailySpan(start=time(23, 45), seconds=2 * 3600, name="nightly"),
    )
    """IBKR's nightly reset: 23:45 to 00:45 New York by an older page of IBKR's, 00:15 to 01:45 by a newer."""

    def outage_end(self, now: datetime) -> datetime | None:
        """The end of the outage that covers `now`, the latest where several do."""
        return _latest_end((*self.outages, *self.dated_outages), now)

    def reset_end(self, now: datetime) -> datetime | None:
        """The end of the nightly reset that covers `now`: logins may be answered, and may be dropped."""
        return _latest_end(self.resets, now)

    def announced_end(self, now: datetime) -> datetime | None:
        """Until when IBKR has said that a connection may be lost; None where it has not."""
        return _latest_end(self._announced, now)

    def announced_between(self, start: datetime, end: datetime) -> bool:
        """Whether IBKR has said of any moment from `start` to `end` that a connection may be lost then."""
        if self.announced_end(start) is not None:
            return True
        return any(span.begins_between(start, end) for span in self._announced)

    @property
    def _announced(self) -> tuple[WeekSpan | DailySpan | DatedOutage, ...]:
        return (*self.outages, *self.dated_outages, *self.resets)


def regular_hours(now: datetime) -> bool:
    """Whether New York's exchanges trade as on every working day: 09:30 to 16:00. Holidays are not known."""
    local = now.astimezone(NEW_YORK)
    return local.weekday() < 5 and time(9, 30) <= local.time() < time(16, 0)


def _latest_end(
    spans: Iterable[WeekSpan | DailySpan | DatedOutage], now: datetime
) -> datetime | None:
    return max((end for span in spans if (end := span.end_if_inside(now))), default=None)


class RestartTime(Document):
    """The user's choice of the weekly restart: a local time of day and its zone."""

    restart_at: time = time(9, 0)
    time_zone: str = "America/New_York"
    passed: AwareDatetime | None = None
    """The moment of this week that was past already when it was chosen: that restart asks."""


@dataclass(frozen=True)
class Window:
    """The weekly restart window as seen at one moment; times are aware UTC.

    `open` from the boundary until a full login at `counts_from` or later. `boundary` is the week's own,
    `restart` the moment of its planned restart, `opens` the next boundary. `asks`: that moment was past
    when it was chosen, so nobody has planned it.
    """

    open: bool
    boundary: datetime
    counts_from: datetime
    restart: datetime
    opens: datetime
    asks: bool = False


@lru_cache(maxsize=1024)
def local_instants(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The smaller and the larger UTC instant of a local time: equal but for the hours clocks move."""
    naive = datetime.combine(day, at)
    both = [naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(both), max(both)


def window(
    calendar: Calendar, restart: RestartTime, *, full_auth_time: datetime | None, now: datetime
) -> Window:
    """The window at `now`. Without any full login it is open: the week is not authenticated."""
    (earlier, later), (opens, _) = calendar.token_boundary.last_and_next(now)
    counts_from = later + timedelta(seconds=calendar.margin_seconds)
    authenticated = full_auth_time is not None and full_auth_time >= counts_from
    at = _restart_after(
        later + timedelta(seconds=max(calendar.restart_delay_seconds, calendar.margin_seconds)),
        restart.restart_at,
        ZoneInfo(restart.time_zone),
    )
    return Window(
        open=not authenticated,
        boundary=earlier,
        counts_from=counts_from,
        restart=at,
        opens=opens,
        asks=not authenticated and restart.passed == at,
    )


@lru_cache(maxsize=1024)
def _restart_after(earliest: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The first such local time that is not before the delay after the boundary, nor before the login margin."""
    first_day = earliest.astimezone(zone).date() - timedelta(days=1)
    days = (first_day + timedelta(days=k) for k in range(4))
    instants = (local_instants(day, at, zone)[1] for day in days)
    return next(instant for instant in instants if instant >= earliest)


def lost_too_long(since: datetime, calendar: Calendar) -> datetime:
    """From when on a connection that is lost `since` then deserves a look.

    An outage or a reset that IBKR has announced does not count: the time begins with its end.
    """
    at = since + LOST_TOO_LONG
    outage = calendar.announced_end(at) or calendar.announced_end(since)
    return outage + LOST_TOO_LONG if outage else at


def token_lives_until(week: Window, calendar: Calendar, until: datetime) -> bool:
    """Whether this week's token still logs in at `until`, or as soon after that as IBKR answers."""
    answers = calendar.announced_end(until) or until
    return not week.open and answers < week.opens


def next_restart(week: Window, calendar: Calendar, restart: RestartTime, now: datetime) -> datetime:
    """This week's restart while it may still come, else the one after the next boundary."""
    may_come = week.open and not week.asks
    if may_come and now < week.restart + timedelta(seconds=calendar.lateness_seconds):
        return week.restart
    return window(calendar, restart, full_auth_time=None, now=week.opens).restart


class RestartStep(StrEnum):
    """What the weekly restart wants now."""

    NOTHING = "Nothing"
    WAIT = "Wait"
    RESTART = "Restart"
    ASK = "Ask"


QUEUED_LATENESS: Final = timedelta(hours=2)
"""How late a restart may be that waits for the pushes of the same person's other gateways."""


def restart_step(
    week: Window, calendar: Calendar, now: datetime, *, queued: bool = False
) -> RestartStep:
    """What to do about the week's restart; a late moment asks instead of pushing.

    `queued`: it was in time, and waits for others.
    """
    if not week.open:
        return RestartStep.NOTHING
    if week.asks:
        return RestartStep.ASK
    if now < week.restart:
        return RestartStep.WAIT
    patience = timedelta(seconds=calendar.lateness_seconds)
    if now < week.restart + (max(patience, QUEUED_LATENESS) if queued else patience):
        return RestartStep.RESTART
    return RestartStep.ASK
