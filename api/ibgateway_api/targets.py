"""Where targets are fetched and when: a URL, and days of the week with a time of day in a zone. Pure."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field

from ibgateway_api.document import Document
from ibgateway_api.fields import Clock, ZoneName


class ScheduleDay(StrEnum):
    """A day of the week."""

    MONDAY = "Mon"
    TUESDAY = "Tue"
    WEDNESDAY = "Wed"
    THURSDAY = "Thu"
    FRIDAY = "Fri"
    SATURDAY = "Sat"
    SUNDAY = "Sun"


WORKING_DAYS: Final = list(ScheduleDay)[:5]
CLUSTER: Final = (".svc", ".cluster.local")


class TargetSchedule(Document):
    """Days and a time of day. What a change of the clocks leaves out is an hour later; what it doubles is the first one."""

    days: list[ScheduleDay] = Field(
        default=WORKING_DAYS,
        min_length=1,
        max_length=7,
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    """Mon to Sun; Mon to Fri by default."""
    at: Clock = "10:00"
    """hh:mm."""
    time_zone: ZoneName = "America/New_York"
    """The zone of `at` and of the days."""


def moment(schedule: TargetSchedule, day: date) -> datetime | None:
    """The schedule's moment of a day in its zone, aware; None where the day is none of it."""
    if list(ScheduleDay)[day.weekday()] not in schedule.days:
        return None
    return datetime.combine(day, time.fromisoformat(schedule.at), ZoneInfo(schedule.time_zone))


def last_moment(schedule: TargetSchedule, now: datetime) -> datetime:
    """The latest moment at or before `now`."""
    return _first(schedule, now, -1)


def next_moment(schedule: TargetSchedule, now: datetime) -> datetime:
    """The first moment after `now`."""
    return _first(schedule, now, 1)


def _first(schedule: TargetSchedule, now: datetime, way: int) -> datetime:
    """Within nine days there is one, whatever the days are."""
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    for distance in range(9):
        at = moment(schedule, today + timedelta(days=way * distance))
        if at is not None and (at <= now if way < 0 else at > now):
            return at
    raise ValueError("a schedule has at least one day")


def plain_http_allowed(url: str) -> bool:
    """Whether a URL may go without TLS: to this machine, or to a Service of the cluster."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(CLUSTER):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host and bool(host)


def port_of(url: str) -> int:
    """The port that a URL leads to."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def shown(url: str) -> str:
    """The URL without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
