"""Is the spec one that this operator can serve? Pure.

What is found here makes SpecAccepted False: the last accepted spec goes on being served.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ibgateway_api.names import Key
from ibgateway_api.permits import QuietHours
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.targets import plain_http_allowed, shown
from ibgateway_api.week import Calendar, RestartTime, Weekday, is_time_zone
from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.errors import UnbuildableSpecError
from ibgateway_operator.model.snapshot import Finding, IBGateway, Snapshot
from ibgateway_operator.settings import Images

A_YEAR_OF_WEEKS: Final = 53
RESTART_DAYS: Final = frozenset({Weekday.SUNDAY.number, Weekday.MONDAY.number})
"""The first restartAt an hour after Sunday 01:00 New York, as a local day of any zone."""
LATEST_MINUTES: Final = 16
"""A restart begins within a quarter of an hour, or asks."""

_A_DAY: Final = timedelta(days=1)

SpecCheck = Callable[[IBGatewaySpec, datetime], Finding | None]
Span = tuple[str, time, int, str]
"""Of each day: its name, when it begins, how many seconds it lasts, and the zone."""


def refusal(snapshot: Snapshot) -> Finding | None:
    """The first reason for which the spec is not served; None where it is."""
    gateway = snapshot.gateway
    return gateway.refusal if gateway.checked else spec_refusal(gateway, snapshot.now, Calendar())


def spec_refusal(gateway: IBGateway, now: datetime, calendar: Calendar) -> Finding | None:
    """The same, of a resource alone; `calendar` has IBKR's times."""
    if gateway.spec is None:
        return Finding(ConditionReason.INVALID_SPEC, f"{gateway.problem}: correct the field")
    return next(_found(gateway.spec, now, calendar), None)


def _found(spec: IBGatewaySpec, now: datetime, calendar: Calendar) -> Iterator[Finding]:
    yield from (finding for check in SPEC_CHECKS if (finding := check(spec, now)))
    if finding := _auto_restart(spec, now, calendar):
        yield finding


def _targets(spec: IBGatewaySpec, now: datetime) -> Finding | None:
    """The token of a source of targets is not sent where others could read it."""
    targets = spec.executor.targets
    if targets is None or targets.url.startswith("https://") or plain_http_allowed(targets.url):
        return None
    return Finding(
        ConditionReason.INVALID_SPEC,
        f"spec.executor.targets.url {shown(targets.url)}: use https, or a Service of the cluster",
    )


def _zones(spec: IBGatewaySpec, now: datetime) -> Finding | None:
    """Every time zone must be one the database knows."""
    quiet, targets = spec.login.quiet_hours, spec.executor.targets
    zones = {
        "gateway.timeZone": spec.gateway.time_zone,
        "weeklyRestart.timeZone": spec.weekly_restart.time_zone,
        "executor.targets.schedule.timeZone": targets.schedule.time_zone
        if targets
        else "America/New_York",
        "login.quietHours.timeZone": quiet.time_zone if quiet else "America/New_York",
    }
    for field, zone in zones.items():
        if not is_time_zone(zone):
            return Finding(
                ConditionReason.UNKNOWN_TIME_ZONE,
                f"spec.{field}: {zone} is no time zone: use a name such as Europe/Berlin",
            )
    return None


def _auto_restart(spec: IBGatewaySpec, now: datetime, calendar: Calendar) -> Finding | None:
    """The nightly restart must not fall into a reset or an outage of IBKR's, on any day of the year and of whatever weekday."""
    gateway, spans = spec.gateway, _spans(calendar)
    met = _met(gateway.auto_restart_time, gateway.time_zone, now.date(), spans)
    if met is None:
        return None
    name, start, seconds, zone = met
    end = (datetime.combine(now.date(), start) + timedelta(seconds=seconds)).time()
    return Finding(
        ConditionReason.AUTO_RESTART_IN_RESET,
        f"spec.gateway.autoRestartTime {spec.gateway.auto_restart_time} ({spec.gateway.time_zone})"
        " falls, at least in a part of the year, into IBKR's nightly reset or an outage"
        f" ({name}: {start:%I:%M %p} to {end:%I:%M %p} {zone}): choose another time",
    )


def _spans(calendar: Calendar) -> tuple[Span, ...]:
    """When IBKR may drop a login, as times of any day; what lasts a day or longer leaves no time of the day to choose."""
    weekly = ((o.name, o.start.at, o.seconds, o.start.time_zone) for o in calendar.outages)
    daily = ((r.name, r.start, r.seconds, r.time_zone) for r in calendar.resets)
    return tuple(span for span in (*weekly, *daily) if timedelta(seconds=span[2]) < _A_DAY)


def _quiet_restart(spec: IBGatewaySpec, now: datetime) -> Finding | None:
    """The weekly restart pushes, so it must not fall into the hours in which nothing may.

    A restart that waited for their end would end the gateway then, long after its drain.
    """
    quiet, restart = spec.login.quiet_hours, spec.weekly_restart
    if quiet is None or not _meets_quiet_hours(
        restart.as_restart_time(), quiet.as_quiet_hours(), now.date()
    ):
        return None
    return Finding(
        ConditionReason.RESTART_IN_QUIET_HOURS,
        f"spec.weeklyRestart.restartAt {restart.restart_at} ({restart.time_zone}), or the quarter of"
        " an hour after it, falls, at least in a part of the year, into spec.login.quietHours"
        f" {quiet.start} to {quiet.end} ({quiet.time_zone}): the weekly restart pushes, so choose a"
        " restartAt outside them, or other quiet hours",
    )


def _buildable(spec: IBGatewaySpec, now: datetime) -> Finding | None:
    """Every value must be one that the builders of the children know what to do with."""
    given = DesiredInput(
        key=Key("any", "any"),
        uid="",
        spec=spec,
        images=Images("any", "any"),
        calendar=Calendar(),
        scripts=Scripts("", "", ""),
    )
    try:
        desired(given)
    except UnbuildableSpecError as error:
        message = f"the spec can't be turned into Kubernetes objects: {error}: correct the field"
        return Finding(ConditionReason.INVALID_SPEC, message)
    return None


@lru_cache(maxsize=4096)
def _met(
    auto_restart_time: str, time_zone: str, first: date, spans: tuple[Span, ...]
) -> Span | None:
    """Looked at a year ahead, in several places of each reconcile: computed once a day and time."""
    zone = ZoneInfo(time_zone)
    at = datetime.strptime(auto_restart_time, "%I:%M %p").time()  # noqa: DTZ007
    days = (first + timedelta(weeks=week) for week in range(A_YEAR_OF_WEEKS))
    moments = [datetime.combine(day, at, zone) for day in days]
    return next((span for span in spans if any(_covers(span, moment) for moment in moments)), None)


def _covers(span: Span, moment: datetime) -> bool:
    _, start, seconds, zone = span
    local = datetime.combine(date.min, moment.astimezone(ZoneInfo(zone)).time())
    return (local - datetime.combine(date.min, start)) % _A_DAY < timedelta(seconds=seconds)


@lru_cache(maxsize=4096)
def _meets_quiet_hours(restart: RestartTime, quiet: QuietHours, first: date) -> bool:
    """Looked at on every day of a year ahead, for as long as a restart may be late."""
    zone = ZoneInfo(restart.time_zone)
    days = (first + timedelta(days=day) for day in range(7 * A_YEAR_OF_WEEKS))
    begins = (datetime.combine(day, restart.restart_at, zone).astimezone(UTC) for day in days)
    return any(
        quiet.covers(begin + timedelta(minutes=late))
        for begin in begins
        if begin.astimezone(zone).weekday() in RESTART_DAYS
        for late in range(LATEST_MINUTES)
    )


SPEC_CHECKS: Final[tuple[SpecCheck, ...]] = (
    _targets,
    _zones,
    _quiet_restart,
    _buildable,
)
