"""When the week's restart is, and whether anybody has planned it: a time that was past when it was chosen asks. Pure.

What the spec said before an edit is in the status, and so is what came of it: no restart of the operator makes a push of it.
"""

from datetime import datetime, timedelta

from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar, RestartTime, Window, is_time_zone, window
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.model.times import rfc3339


def restart_time(snapshot: Snapshot, calendar: Calendar) -> RestartTime:
    """The user's choice, with the moment of this week that it came too late for."""
    chosen = _chosen(snapshot.gateway.spec)
    passed = _passed(snapshot, chosen, calendar)
    return chosen if passed is None else chosen.model_copy(update={"passed": passed})


def full_login(snapshot: Snapshot) -> datetime | None:
    """The last full login; the one that status remembers while nobody is heard."""
    report = snapshot.report
    return report.full_auth_time if report else snapshot.gateway.status.login.full_auth_time


def restart_id(week: Window) -> str:
    """What names this week's restart: the boundary it answers."""
    return rfc3339(week.boundary)


def _chosen(spec: IBGatewaySpec | None) -> RestartTime:
    """The default while the spec's can't be used."""
    if spec is None or not is_time_zone(spec.weekly_restart.time_zone):
        return RestartTime()
    return spec.weekly_restart.as_restart_time()


def _passed(snapshot: Snapshot, chosen: RestartTime, calendar: Calendar) -> datetime | None:
    """This week's moment where no operator has seen it ahead, because the spec named another one until now.

    An edit that makes nothing due is none: the moment before it had passed as well, and this one is too late. But what
    nobody has planned is not planned by one more edit into the past.
    """
    week, accepted = _week(snapshot, chosen, calendar), snapshot.gateway.accepted
    if not week.open or snapshot.now < week.restart:
        return None
    noted = snapshot.gateway.status.window.passed
    if noted is not None and noted >= week.boundary:
        return week.restart
    if accepted is None:
        return None
    before = _week(snapshot, _chosen(accepted), calendar).restart
    if before == week.restart:
        return None
    brought_forward = snapshot.now < before
    return week.restart if brought_forward or _would_be_due(snapshot, week, calendar) else None


def _would_be_due(snapshot: Snapshot, week: Window, calendar: Calendar) -> bool:
    """Whether the week's restart would begin now; one that has begun already goes on."""
    begun = snapshot.report is not None and snapshot.report.taken_restart == restart_id(week)
    late = week.restart + timedelta(seconds=calendar.lateness_seconds)
    return not begun and snapshot.now < late


def _week(snapshot: Snapshot, restart: RestartTime, calendar: Calendar) -> Window:
    full = full_login(snapshot)
    return window(calendar, restart, full_auth_time=full, now=snapshot.now)
