"""What to do about a gateway now: give a permit, end its process, or wait. Pure.

Level-triggered: everything is read from the situation, nothing from what happened before it, so a
restarted sentinel goes on where the last one stood.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.permits.attempt_ledger import LOGIN, RESTART, Asker, NoteKind, Records
from ibgateway_agent.sentinel.permits.permit_file import SessionAction
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import (
    EPISODE_ENDS_AFTER,
    AttemptOutcome,
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

STALLED_AFTER: Final = timedelta(minutes=5)
"""A start or a login without any further sign for this long goes nowhere by itself."""


@dataclass(frozen=True)
class Situation:
    """Everything a decision is made from. `waiting`: a start stands before the wrapper's door."""

    now: datetime
    login: Login
    records: Records
    settings: SentinelSettings
    waiting: bool = False
    running: bool = False
    token_at_hand: bool = False


@dataclass(frozen=True)
class GivePermit:
    """Write a permit."""

    kind: PermitKind
    cause: Cause
    request: str = ""


@dataclass(frozen=True)
class EndProcess:
    """End the process, so that the next start can have the permit that is granted."""

    why: str
    planned: bool = False


@dataclass(frozen=True)
class SettleRequest:
    """A wish needs nothing: note it as done."""

    kind: Asker
    request: str


@dataclass(frozen=True)
class KeepWaiting:
    """Nothing now; `refused` says why a start that wants a permit has none."""

    refused: Refused | None = None


PermitDecision = GivePermit | EndProcess | SettleRequest | KeepWaiting


def next_step(now: Situation) -> PermitDecision:
    """The one thing to do; asked again after it is done."""
    if now.waiting:
        return _at_the_door(now)
    if now.running:
        return _wished_login(now) or _wished_restart(now) or _next_attempt(now) or KeepWaiting()
    return KeepWaiting()


def session_action(records: Records, settings: SentinelSettings, now: datetime) -> SessionAction:
    """`primary` takes a session once per process, so each one that did counts against the day."""
    if settings.existing_session != ExistingSession.TAKE_OVER:
        return SessionAction.SECONDARY
    day = timedelta(days=1)
    taken = [n for n in records.notes if n.note is NoteKind.TOOK_OVER and now - n.at < day]
    return (
        SessionAction.PRIMARY if len(taken) < settings.daily_take_overs else SessionAction.SECONDARY
    )


def start_over(now: Situation) -> Granted | Refused:
    """Whether the login driver may go on with an attempt that it begins by itself."""
    return _decide(now, PermitRequest(Cause.START))


def _at_the_door(now: Situation) -> PermitDecision:
    """A person's wish goes first, then the week's restart, then the plain start."""
    refused: Refused | None = None
    for kind, wish in _wishes(now):
        answer = _decide(now, wish)
        if isinstance(answer, Granted):
            return GivePermit(answer.kind, wish.cause, wish.request)
        if answer.reason is PermitRefusal.ALREADY_HANDLED and kind is not None:
            return SettleRequest(kind, wish.request)
        refused = answer
    return KeepWaiting(refused)


def _wishes(now: Situation) -> list[tuple[Asker | None, PermitRequest]]:
    token = now.token_at_hand and not _token_failed(now.records)
    wishes: list[tuple[Asker | None, PermitRequest]] = []
    if request := now.records.pending(LOGIN):
        wishes.append((LOGIN, PermitRequest(Cause.REQUESTED, request, token_at_hand=token)))
    if request := now.records.pending(RESTART):
        wishes.append((RESTART, PermitRequest(Cause.WEEKLY, request)))
    return [*wishes, (None, PermitRequest(Cause.START, token_at_hand=token))]


def _token_failed(records: Records) -> bool:
    """A token that did not log in is not tried twice."""
    if not records.attempts or records.attempts[-1].kind is not PermitKind.TOKEN:
        return False
    return records.attempts[-1].outcome not in (AttemptOutcome.LOGGED_IN, AttemptOutcome.SETTLED)


def _wished_login(now: Situation) -> PermitDecision | None:
    request = now.records.pending(LOGIN)
    if not request:
        return None
    if now.login.state is LoginState.LOGGED_IN or (_under_way(now.login) and not stuck(now)):
        return SettleRequest(LOGIN, request)
    if now.login.state is LoginState.RESTARTING and not stuck(now):
        return KeepWaiting()
    answer = _decide(now, PermitRequest(Cause.REQUESTED, request))
    return (
        EndProcess("a person asked for a login")
        if isinstance(answer, Granted)
        else KeepWaiting(answer)
    )


def _wished_restart(now: Situation) -> PermitDecision | None:
    request = now.records.pending(RESTART)
    if not request:
        return None
    if _logged_in_after(now, request):
        return SettleRequest(RESTART, request)
    answer = _decide(now, PermitRequest(Cause.WEEKLY, request))
    if isinstance(answer, Granted):
        return EndProcess("the week's restart", planned=True)
    return (
        SettleRequest(RESTART, request)
        if answer.reason is PermitRefusal.ALREADY_HANDLED
        else KeepWaiting(answer)
    )


def _logged_in_after(now: Situation, boundary: str) -> bool:
    """Whether somebody has already authenticated this week: no second push for it."""
    try:
        since = datetime.fromisoformat(boundary)
    except ValueError:
        return False
    margin = timedelta(seconds=now.settings.calendar.margin_seconds)
    full, logged_in = now.login.full_auth_time, now.login.state is LoginState.LOGGED_IN
    return logged_in and since.tzinfo is not None and full is not None and full >= since + margin


def _next_attempt(now: Situation) -> PermitDecision | None:
    """The dialog of the last attempt goes before the next one may push: two never wait."""
    if now.login.state in _FOR_A_PERSON:
        return KeepWaiting(Refused(PermitRefusal.PARKED))
    if not stuck(now):
        return None
    answer = _decide(now, PermitRequest(Cause.START))
    return EndProcess("the next attempt") if isinstance(answer, Granted) else KeepWaiting(answer)


def stuck(now: Situation) -> bool:
    """Whether this process will not log in unless a person does something."""
    login = now.login
    if login.state in (LoginState.APPROVAL_MISSED, LoginState.TOKEN_EXPIRED):
        return True
    if login.state is LoginState.AWAITING_APPROVAL:
        return login.deadline is not None and now.now > login.deadline
    stalls = login.state in (LoginState.STARTING, LoginState.LOGGING_IN, LoginState.RESTARTING)
    return stalls and now.now - login.since > STALLED_AFTER


_FOR_A_PERSON: Final = frozenset(
    {LoginState.REJECTED, LoginState.LOCKED_OUT, LoginState.NEEDS_PERSON}
)
"""Trying again helps nobody: the window stays up, and only a request ends it."""


def _under_way(login: Login) -> bool:
    return login.state in (
        LoginState.STARTING,
        LoginState.LOGGING_IN,
        LoginState.AWAITING_APPROVAL,
    )


def _decide(now: Situation, wish: PermitRequest) -> Granted | Refused:
    wish = replace(
        wish,
        outage_until=now.settings.calendar.outage_end(now.now),
        conflict_until=_conflict_until(now),
    )
    return decide(now.records.attempts, now.settings.login, wish, now.now)


def _conflict_until(now: Situation) -> datetime | None:
    """After giving way to a person, when it is worth a look whether they have gone."""
    yielded = now.records.last_noted(NoteKind.YIELDED)
    action = session_action(now.records, now.settings, now.now)
    if yielded is None or action is SessionAction.PRIMARY:
        return None
    return yielded + timedelta(seconds=now.settings.login.attempt_interval_seconds)


def outcome(now: Situation, before: AttemptOutcome | None) -> AttemptOutcome | None:
    """What the running attempt has come to; None where nothing new is known."""
    if before is AttemptOutcome.SETTLED:
        return None
    if now.login.state is LoginState.LOGGED_IN:
        settled = now.now - now.login.since >= EPISODE_ENDS_AFTER
        after: AttemptOutcome | None = (
            AttemptOutcome.SETTLED if settled else AttemptOutcome.LOGGED_IN
        )
    else:
        after = _OUTCOMES.get(now.login.state)
    return after if after is not before else None


_OUTCOMES: Final = {
    LoginState.APPROVAL_MISSED: AttemptOutcome.MISSED,
    LoginState.REJECTED: AttemptOutcome.REJECTED,
    LoginState.LOCKED_OUT: AttemptOutcome.LOCKED_OUT,
}
