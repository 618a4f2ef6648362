"""What to do about a gateway now: give a permit, end its process, or wait. Pure.

Level-triggered: everything is read from the snapshot, nothing from what happened before it, so a
restarted sentinel goes on where the last one stood.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ibgateway_agent.sentinel.permits.handover import (
    PAUSE_TAKES,
    comes_back,
    handed_back_at,
    handed_over_until,
    pauses,
    pausing,
    wait_for_it,
)
from ibgateway_agent.sentinel.permits.records import NoteKind, Records, RequestKind
from ibgateway_agent.sentinel.permits.requests import is_over, may_stop_for, time_of
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.standstill import may_be_answered_late, starts_over, stuck
from ibgateway_agent.sentinel.permits.token import token_failed
from ibgateway_agent.sentinel.permits.turns import awaits_turn
from ibgateway_agent.sentinel.permits.week_ahead import lost_until, restart_ahead, week_now
from ibgateway_agent.sentinel.permits.yielding import conflict_until
from ibgateway_api.login import LoginState
from ibgateway_api.permits import (
    Cause,
    ExistingSession,
    Granted,
    PermitKind,
    PermitRefusal,
    PermitRequest,
    Refused,
    decide,
)
from ibgateway_api.settings import SentinelSettings


def answer_to_person(now: SentinelSnapshot) -> Granted | Refused:
    """What a person's request for one attempt would get now; an id of its own is not looked at."""
    wants_token = now.waiting and now.token_at_hand and not week_now(now).open
    token = wants_token and not token_failed(now.records, now.login)
    return _decide(now, PermitRequest(Cause.REQUESTED, token_at_hand=token))


def refused_return(now: SentinelSnapshot) -> Refused | None:
    """Why a login that leaves now would not be let in by its token once it has gone; what a handover's end lifts is no reason."""
    gone = replace(now, now=now.now + PAUSE_TAKES)
    answer = _decide(gone, PermitRequest(Cause.START, token_at_hand=True))
    lifted = {PermitRefusal.INTERVAL, PermitRefusal.SESSION_CONFLICT}
    return None if isinstance(answer, Granted) or answer.reason in lifted else answer


def login_is_under_way(now: SentinelSnapshot) -> bool:
    """Whether an attempt is being made, which a request would not end."""
    on_its_way = now.waiting and now.permit_on_its_way
    going = now.running and now.login.state in _UNDER_WAY | {LoginState.RESTARTING}
    return on_its_way or (going and not stuck(now))


class SessionAction(StrEnum):
    """What IBC does when somebody else is logged in: take the session, or give way."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


@dataclass(frozen=True)
class GivePermit:
    """Write a permit."""

    kind: PermitKind
    cause: Cause
    request: str = ""
    session: SessionAction = SessionAction.SECONDARY


@dataclass(frozen=True)
class EndProcess:
    """End the process, so that the next start can have the permit that is granted.

    `at_once`: in whatever state it is, because each moment of it disturbs a person. `pause`: so that the week's
    token stays, and coming back costs no push.
    """

    why: str
    planned: bool = False
    at_once: bool = False
    pause: bool = False


@dataclass(frozen=True)
class SettleRequest:
    """A request needs nothing: note it as done."""

    kind: RequestKind
    request: str


@dataclass(frozen=True)
class KeepWaiting:
    """Nothing now; `refused` says why a start that wants a permit has none."""

    refused: Refused | None = None


PermitDecision = GivePermit | EndProcess | SettleRequest | KeepWaiting


def next_step(now: SentinelSnapshot) -> PermitDecision:
    """The one thing to do; asked again after it is done."""
    if gives_way := _gives_way(now):
        return gives_way
    if not now.records.readable:
        return KeepWaiting(_UNREADABLE)
    if until := handed_over_until(now.records, now.now):
        return _handed_over(now, until)
    if now.waiting:
        return _waiting_start(now)
    if now.running and not starts_over(now) and not pausing(now):
        return (
            _requested_login(now) or _requested_restart(now) or _next_attempt(now) or KeepWaiting()
        )
    return KeepWaiting()


def driver_may_start_over(now: SentinelSnapshot) -> Granted | Refused:
    """Whether the login driver may go on with an attempt that it begins by itself."""
    if not now.records.readable:
        return _UNREADABLE
    return _decide(now, PermitRequest(Cause.START))


def refused_stop(now: SentinelSnapshot, kind: RequestKind, request: str) -> Refused | None:
    """Why a request that would end a login is not taken now; whoever drained for it asks again.

    Once taken it is carried out at once or not at all: orders go on when a drain is over.
    """
    if not now.records.readable or now.login.state is not LoginState.LOGGED_IN:
        return None
    if kind is RequestKind.LOGIN:
        wanted = PermitRequest(Cause.REQUESTED, request) if week_now(now).open else None
    else:
        done = _logged_in_after(now, request)
        wanted = None if done else PermitRequest(Cause.WEEKLY, request)
    answer = _decide(now, wanted) if wanted else None
    return answer if isinstance(answer, Refused) else None


def session_action(records: Records, settings: SentinelSettings, now: datetime) -> SessionAction:
    """`primary` takes a session once per process, so each one that did counts against the day."""
    if settings.existing_session is not ExistingSession.TAKE_OVER:
        return SessionAction.SECONDARY
    day = timedelta(days=1)
    taken = [n for n in records.notes if n.note is NoteKind.TOOK_OVER and now - n.at < day]
    return (
        SessionAction.PRIMARY if len(taken) < settings.daily_take_overs else SessionAction.SECONDARY
    )


_UNPROVEN: Final = Refused(PermitRefusal.POLICY_UNPROVEN)
_UNREADABLE: Final = Refused(PermitRefusal.LEDGER_LOST)
"""A ledger that can't be read stands at its daily limit, until a person starts it anew."""

_FOR_A_PERSON: Final = frozenset(
    {LoginState.REJECTED, LoginState.LOCKED_OUT, LoginState.NEEDS_PERSON}
)
"""Trying again helps nobody: the window stays up, and only a request ends it."""

_UNDER_WAY: Final = frozenset(
    {LoginState.STARTING, LoginState.LOGGING_IN, LoginState.AWAITING_APPROVAL}
)


def _gives_way(now: SentinelSnapshot) -> EndProcess | None:
    """A person's login wins: the driver logs in again by itself, also where it was told to give way."""
    if not now.running or not now.login.relogin:
        return None
    if session_action(now.records, now.settings, now.now) is SessionAction.PRIMARY:
        return None
    return EndProcess("another session has begun, and it comes first", at_once=True)


def _waiting_start(now: SentinelSnapshot) -> PermitDecision:
    if not now.settings.logins_allowed:
        return KeepWaiting(_UNPROVEN)
    return KeepWaiting() if now.permit_on_its_way else _permit_for_start(now)


def _handed_over(now: SentinelSnapshot, until: datetime) -> PermitDecision:
    """A process that runs ends, and nothing else begins; what was asked for before is over in its time."""
    if over := _over(now, RequestKind.LOGIN) or _over(now, RequestKind.RESTART):
        return over
    if not now.running or pausing(now) or wait_for_it(now):
        return KeepWaiting(Refused(PermitRefusal.HANDED_OVER, until))
    return EndProcess("a person wants the login", planned=True, pause=pauses(now, until))


def _permit_for_start(now: SentinelSnapshot) -> PermitDecision:
    """A person's request goes first, then the week's restart, then the plain start."""
    refused: Refused | None = None
    if over := _over(now, RequestKind.LOGIN) or _over(now, RequestKind.RESTART):
        return over
    for kind, wanted in _permit_requests(now):
        answer = _decide(now, wanted)
        if isinstance(answer, Granted):
            session = session_action(now.records, now.settings, now.now)
            return GivePermit(answer.kind, wanted.cause, wanted.request, session)
        if answer.reason is PermitRefusal.ALREADY_HANDLED and kind is not None:
            return SettleRequest(kind, wanted.request)
        refused = answer
    return KeepWaiting(refused)


def _permit_requests(now: SentinelSnapshot) -> list[tuple[RequestKind | None, PermitRequest]]:
    kept_in_vain = comes_back(now.records) and week_now(now).open
    failed = token_failed(now.records, now.login)
    token = now.token_at_hand and not failed and not kept_in_vain
    wanted: list[tuple[RequestKind | None, PermitRequest]] = []
    if request := now.records.pending(RequestKind.LOGIN):
        # Where the week's token is dead, what a person asks for is the week's login.
        by_person = PermitRequest(
            Cause.REQUESTED, request, token_at_hand=token and not week_now(now).open
        )
        wanted.append((RequestKind.LOGIN, by_person))
    if request := now.records.pending(RequestKind.RESTART):
        wanted.append((RequestKind.RESTART, PermitRequest(Cause.WEEKLY, request)))
    return [*wanted, (None, PermitRequest(Cause.START, token_at_hand=token))]


def _requested_login(now: SentinelSnapshot) -> PermitDecision | None:
    """While logged in, a person's request in the restart window is the week's restart."""
    request = now.records.pending(RequestKind.LOGIN)
    if not request:
        return None
    if _over(now, RequestKind.LOGIN) or _needs_nothing(now):
        return SettleRequest(RequestKind.LOGIN, request)
    if now.login.state is LoginState.RESTARTING and not stuck(now):
        return KeepWaiting()
    answer = _decide(now, PermitRequest(Cause.REQUESTED, request))
    if isinstance(answer, Refused):
        return KeepWaiting(answer)
    logged_in = now.login.state is LoginState.LOGGED_IN
    return EndProcess("a person asked for a login", planned=logged_in)


def _needs_nothing(now: SentinelSnapshot) -> bool:
    """Whether a login is there or under way, and is not to be ended for a request."""
    if now.login.state is LoginState.LOGGED_IN:
        drained = may_stop_for(now.records, RequestKind.LOGIN, now.now)
        return not (week_now(now).open and drained)
    return now.login.state in _UNDER_WAY and not stuck(now)


def _requested_restart(now: SentinelSnapshot) -> PermitDecision | None:
    request = now.records.pending(RequestKind.RESTART)
    if not request:
        return None
    if over := _over(now, RequestKind.RESTART):
        return over
    if _logged_in_after(now, request) or not may_stop_for(
        now.records, RequestKind.RESTART, now.now
    ):
        return SettleRequest(RequestKind.RESTART, request)
    answer = _decide(now, PermitRequest(Cause.WEEKLY, request))
    if isinstance(answer, Granted):
        return EndProcess("the week's restart", planned=True)
    return (
        SettleRequest(RequestKind.RESTART, request)
        if answer.reason is PermitRefusal.ALREADY_HANDLED
        else KeepWaiting(answer)
    )


def _over(now: SentinelSnapshot, kind: RequestKind) -> SettleRequest | None:
    """A request that waited for too long, wherever it did, is over."""
    over = is_over(now.records, kind, now.now)
    return SettleRequest(kind, now.records.pending(kind)) if over else None


def _logged_in_after(now: SentinelSnapshot, boundary: str) -> bool:
    """Whether somebody has already authenticated this week: no second push for it."""
    since = time_of(boundary)
    margin = timedelta(seconds=now.settings.calendar.margin_seconds)
    full, logged_in = now.login.full_auth_time, now.login.state is LoginState.LOGGED_IN
    return logged_in and since is not None and full is not None and full >= since + margin


def _next_attempt(now: SentinelSnapshot) -> PermitDecision | None:
    """The dialog of the last attempt goes before the next one may push: two never wait."""
    if now.login.state in _FOR_A_PERSON:
        return KeepWaiting(Refused(PermitRefusal.PARKED))
    if not stuck(now):
        return None
    answer = _decide(now, PermitRequest(Cause.START))
    if isinstance(answer, Refused):
        return KeepWaiting(answer)
    return KeepWaiting() if may_be_answered_late(now) else EndProcess("the next attempt")


def _decide(now: SentinelSnapshot, wanted: PermitRequest) -> Granted | Refused:
    wanted = replace(
        wanted,
        outage_until=now.settings.calendar.outage_end(now.now),
        reset_until=now.settings.calendar.reset_end(now.now),
        conflict_until=_conflict_until(now),
        restart_at=restart_ahead(now),
        lost_until=lost_until(now.records),
        clock_wrong=now.clock_wrong,
        handed_over_until=handed_over_until(now.records, now.now),
        awaits_turn=awaits_turn(now),
        comes_back=comes_back(now.records),
    )
    return decide(now.records.attempts, now.settings.login, wanted, now.now)


def _conflict_until(now: SentinelSnapshot) -> datetime | None:
    action = session_action(now.records, now.settings, now.now)
    if action is SessionAction.PRIMARY:
        return None
    yielded, back = now.records.last_noted(NoteKind.YIELDED), handed_back_at(now.records, now.now)
    if yielded is not None and back is not None and yielded < back:
        return None
    return conflict_until(now.records, now.settings.login, now.now)
