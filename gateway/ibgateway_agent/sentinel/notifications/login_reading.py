"""What people are told of a login. Pure.

A state that comes and goes by itself is told only when it lasts; what waits for a person is told at once.
"""

from datetime import timedelta
from typing import Final

from ibgateway_api import names
from ibgateway_api.advice import CONFLICT_BEFORE_CLOSE, LOGIN_ADVICE, lost_for_long, why_refused
from ibgateway_api.closing_hour import closing_hour_from
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import Concern, Fine, Reading, Topic, local_time
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import NotificationSettings
from ibgateway_api.week import LOST_TOO_LONG, Calendar, lost_too_long

UNRESPONSIVE_TOO_LONG: Final = timedelta(minutes=5)
PARKED_IS_TOLD_AFTER: Final = timedelta(seconds=30)
ON_ITS_WAY: Final = timedelta(minutes=5)
"""An attempt that has begun just now is no news: its push is, or that it comes to nothing."""
NOT_LOGGED_IN_TOO_LONG: Final = timedelta(minutes=20)
"""A start with a push that is answered at the last moment takes four minutes, an interval fifteen."""

WAITS_FOR_A_PERSON: Final = frozenset({PermitRefusal.PARKED, PermitRefusal.LEDGER_LOST})

TOLD_AT_ONCE: Final = {
    LoginState.APPROVAL_MISSED: (Topic.PUSH_MISSED, "The push was not approved"),
    LoginState.REJECTED: (Topic.LOGIN_REJECTED, "IBKR refused user name or password"),
    LoginState.LOCKED_OUT: (Topic.LOCKED_OUT, "IBKR has locked the user name"),
    LoginState.TOKEN_EXPIRED: (Topic.TOKEN_EXPIRED, "The week's token is used up"),
    LoginState.NEEDS_PERSON: (Topic.PERSON_NEEDED, "IB Gateway asks something only you can answer"),
    LoginState.SESSION_CONFLICT: (Topic.SESSION_CONFLICT, "Somebody else uses the login"),
}
_ONCE_EACH: Final = frozenset({Topic.PUSH_MISSED})
"""Of these each one is news; of the others, one in an episode."""


def login_reading(
    report: SentinelReport, told: NotificationSettings, calendar: Calendar, time_zone: str
) -> Reading:
    """How the login stands. `time_zone`: of the person who is told."""
    if report.state is LoginState.LOGGED_IN:
        return Fine("IB Gateway is logged in", "The API answers with the expected accounts.")
    if report.handover is not None:
        return None
    if report.state is LoginState.AWAITING_APPROVAL:
        return _push(report, told, time_zone)
    parked = report.waiting is not None and report.waiting.refusal in WAITS_FOR_A_PERSON
    if report.state in TOLD_AT_ONCE and not (parked and _is_told(report)):
        return _at_once(report, told)
    if parked:
        return Concern(
            Topic.LOGIN_PARKED, "No login is tried until you ask for one", _advice(report, told)
        )
    return _lasting(report, told, calendar)


def _is_told(report: SentinelReport) -> bool:
    """Whether a missed push has been told, so that it can be told that it was the last."""
    missed = report.state is LoginState.APPROVAL_MISSED
    return missed and report.at - report.since >= PARKED_IS_TOLD_AFTER


def _at_once(report: SentinelReport, told: NotificationSettings) -> Concern:
    """What waits for a person."""
    if conflict_before_close(report):
        return Concern(
            Topic.CONFLICT_BEFORE_CLOSE,
            "Somebody else uses the login in the last trading hour",
            f"{CONFLICT_BEFORE_CLOSE[0].upper()}{CONFLICT_BEFORE_CLOSE[1:]}.\n{ask(told)}",
        )
    topic, title = TOLD_AT_ONCE[report.state]
    instance = report.since.isoformat() if topic in _ONCE_EACH else ""
    return Concern(topic, title, _advice(report, told), instance=instance)


def conflict_before_close(report: SentinelReport) -> bool:
    """Whether another session stands, and reaches into the last trading hour."""
    conflict = report.state is LoginState.SESSION_CONFLICT
    return conflict and report.at >= closing_hour_from(report.since, report.closes)


def ask(told: NotificationSettings) -> str:
    """How a person asks for an attempt, ready to be pasted."""
    return (
        f"kubectl annotate ibgw {told.gateway} -n {told.namespace}"
        f" {names.ANNOTATION_LOGIN_REQUESTED_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ) --overwrite"
    )


def _push(report: SentinelReport, told: NotificationSettings, time_zone: str) -> Concern:
    until = f" until {local_time(report.deadline, time_zone)}" if report.deadline else ""
    return Concern(
        Topic.PUSH_WAITS,
        f"Approve IBKR's push{until}",
        f"IBKR's push waits{until}: open IBKR Mobile on your phone, tap the notification and press Approve. Nothing"
        f" trades before. If it is too late, ask for another one: {ask(told)}",
        instance=report.since.isoformat(),
        expires=report.deadline,
    )


def _lasting(report: SentinelReport, told: NotificationSettings, calendar: Calendar) -> Concern:
    """What mostly passes by itself. IBKR's announced outages do not count."""
    if report.state is LoginState.CONNECTION_LOST:
        return Concern(
            Topic.CONNECTION_LOST,
            "The connection to IBKR is lost",
            f"{lost_for_long(report.since)}.",
            told_from=lost_too_long(report.since, calendar),
        )
    if report.state is LoginState.API_UNRESPONSIVE:
        return Concern(
            Topic.API_UNRESPONSIVE,
            "IB Gateway's API does not answer",
            _advice(report, told),
            told_from=report.since + UNRESPONSIVE_TOO_LONG,
        )
    return Concern(
        Topic.NOT_LOGGED_IN,
        f"IB Gateway is not logged in ({report.state})",
        _advice(report, told),
        told_from=max(
            lost_too_long(report.at - LOST_TOO_LONG, calendar), report.since + ON_ITS_WAY
        ),
        patience=NOT_LOGGED_IN_TOO_LONG,
    )


def _advice(report: SentinelReport, told: NotificationSettings) -> str:
    """What it means and what helps; a sentence for a person, and the command where it asks for one."""
    words = LOGIN_ADVICE[report.state]
    if report.why:
        words += f". {report.why}"
    if report.waiting is not None:
        words += (
            f". The next attempt waits: {why_refused(report.waiting.refusal, report.waiting.until)}"
        )
    sentence = f"{words[0].upper()}{words[1:]}."
    if names.ANNOTATION_LOGIN_REQUESTED_AT not in sentence:
        return sentence
    return f"{sentence}\n{ask(told)}"
