"""What people are told of a login that somebody has for themselves: that its return sends a push, and when. Pure.

Whoever has the login knows of it from the command; whoever has the phone may be somebody else, and a token that dies
meanwhile is news to both. A return without a push is nobody's business.
"""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.permits.week_ahead import push_barred_until
from ibgateway_api import names
from ibgateway_api.advice import why_refused
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import Concern, Fine, Reading, Topic, local_time
from ibgateway_api.permits import Cause, PermitRefusal, PermitRequest, Refused, decide
from ibgateway_api.reports import HandoverReport, SentinelReport
from ibgateway_api.settings import NotificationSettings, SentinelSettings

PATIENCE: Final = timedelta(seconds=15)
"""A process that pauses has its token on the volume by then: what seemed lost between the two is no news."""
_MOST_BARS: Final = 8
"""Quiet hours, a reset, the restart that is ahead: each may end in the next."""


def handover_reading(
    report: SentinelReport, told: NotificationSettings, settings: SentinelSettings, now: datetime
) -> Reading:
    """Told as soon as it is known that a push ends it, once more when that is near, and at its end."""
    stands = report.handover
    if stands is None:
        return _over(report)
    if not stands.costs_push:
        return Fine("The handover ends without a push", "The login comes back by the week's token.")
    near = stands.until - timedelta(seconds=told.reminder_seconds)
    return _pushes(stands, told, settings, report.full_auth_time, near=now >= near)


def push_comes(settings: SentinelSettings, full: datetime | None, until: datetime) -> datetime:
    """When the push of a return at `until` may be sent first, by the week and the budget's hours."""
    at = until
    for _ in range(_MOST_BARS):
        wanted = PermitRequest(
            Cause.START,
            outage_until=settings.calendar.outage_end(at),
            reset_until=settings.calendar.reset_end(at),
            restart_at=push_barred_until(settings, full, at),
        )
        answer = decide((), settings.login, wanted, at)
        if not isinstance(answer, Refused) or answer.until is None:
            break
        at = answer.until
    return at


def _pushes(
    stands: HandoverReport,
    told: NotificationSettings,
    settings: SentinelSettings,
    full: datetime | None,
    *,
    near: bool,
) -> Concern:
    zone = settings.restart.time_zone
    ends, comes = stands.until, push_comes(settings, full, stands.until)
    then = "then" if comes == ends else f"on {local_time(comes, zone)}, as soon as it may"
    return Concern(
        Topic.HANDOVER_PUSHES,
        f"The handover ends on {local_time(ends, zone)} with a push",
        f"Somebody has the login until {local_time(ends, zone)}, and the gateway asks for a push {then}, because"
        f" {stands.why}. Have the phone at hand, and press Approve within {settings.login.approval_seconds} seconds."
        f" Nothing trades before. To have it earlier: kubectl annotate ibgw {told.gateway} -n {told.namespace}"
        f" {names.ANNOTATION_HANDOVER_UNTIL}-",
        instance=f"{ends.isoformat()}{' near' if near else ''}",
        patience=PATIENCE,
        expires=ends,
    )


def _over(report: SentinelReport) -> Fine:
    """The push itself is told when it is sent; taken back early the token may still live."""
    if report.state is LoginState.LOGGED_IN:
        return Fine("The handover is over", "The login is the gateway's again.")
    waiting, text = report.waiting, "The login is the gateway's again"
    if waiting is None or waiting.refusal == PermitRefusal.HANDED_OVER:
        text += ": it logs in now, and a push may follow. Have the phone at hand."
        return Fine("The handover is over", text)
    why = why_refused(waiting.refusal, waiting.until)
    return Fine("The handover is over", f"{text}, and its push waits: {why}.")
