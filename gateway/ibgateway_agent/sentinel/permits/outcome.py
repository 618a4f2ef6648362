"""How an attempt ended, concluded here and nowhere else. Pure: the lines are written afterwards.

Four things conclude an attempt, each a function that gives the lines the ledger gets:

- `from_login`: the running process' login state (logged in, settled, missed, rejected, locked out);
- `from_evidence`: a process that ended, which may have given way to a session or missed its push;
  and a session that was taken back, which is noted because it counts against the day;
- `from_waiting_start`: a start that waits again while nothing is known of the attempt before it;
- `unfinished`: the login driver begins another attempt by itself.

What a re-login without a permit comes to is told by `asked_nobody` and `taken_back`.
"""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.log.ibc_log import TOOK_OVER
from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.permits.records import (
    LedgerLine,
    Note,
    NoteKind,
    Records,
    with_outcome,
)
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.login import Evidence, Login, LoginState, Sign
from ibgateway_api.permits import EPISODE_ENDS_AFTER, PARKED, AttemptOutcome, PermitKind

PROCESS_GONE: Final = frozenset({Sign.PERMIT_AWAITED, Sign.PROCESS_ENDED})
"""Signs that no process runs any more."""

Lines = tuple[LedgerLine, ...]


def from_login(now: SentinelSnapshot) -> Lines:
    """What the running attempt has come to, if that is new."""
    attempt, outcome = now.records.attempt(now.attempt), _outcome(now.login, now.now)
    if attempt is None or outcome is None or outcome is attempt.outcome:
        return ()
    return () if _stands(attempt.outcome, outcome) else (with_outcome(attempt, outcome),)


def from_evidence(evidence: Evidence, before: LoginFold, records: Records) -> Lines:
    """What one piece of evidence concludes; `before` is the fold without it."""
    if not records.readable:
        return ()
    if evidence.detail == TOOK_OVER and not before.login.relogin:
        return (Note(note=NoteKind.TOOK_OVER, at=evidence.at),)
    if evidence.sign not in PROCESS_GONE or not before.attempt:
        return ()
    return _process_gone(evidence, before, records)


def _process_gone(evidence: Evidence, before: LoginFold, records: Records) -> Lines:
    if approval_overdue(before.login, evidence.at):
        return unfinished(records, AttemptOutcome.MISSED)
    if before.login.state is LoginState.SESSION_CONFLICT:
        return _yielded(before.attempt, records, evidence.at)
    if before.login.taken and before.login.state in _STILL_TRYING:
        return (Note(note=NoteKind.YIELDED, at=evidence.at),)
    return ()


def not_in_ledger(evidence: Evidence, records: Records) -> Lines:
    """A process that started with a permit which the ledger never gave: it is not the one that was kept."""
    if evidence.sign is not Sign.PROCESS_STARTED or not records.readable:
        return ()
    known = max((attempt.id for attempt in records.attempts), default=0)
    if int(evidence.detail) <= known:
        return ()
    return (Note(note=NoteKind.LOST, at=evidence.at, mode=records.mode),)


def token_died(now: SentinelSnapshot) -> Lines:
    """A token that did not log in, if that is new; also one that IBC tried by itself."""
    if not now.records.readable or now.login.state is not LoginState.TOKEN_EXPIRED:
        return ()
    noted = now.records.last_noted(NoteKind.TOKEN_DEAD)
    if noted is not None and noted >= now.login.since:
        return ()
    return (Note(note=NoteKind.TOKEN_DEAD, at=now.login.since),)


def asked_nobody(evidence: Evidence, before: Login) -> bool:
    """Whether the driver's own re-login comes to a push or to a refusal: one more attempt."""
    waited = before.relogin and before.state is LoginState.SESSION_CONFLICT
    return waited and evidence.sign in _RELOGIN_COUNTS


def taken_back(before: Login, after: Login, records: Records, at: datetime) -> Lines:
    """A re-login that got its session back counts against the day."""
    back = before.relogin and after.state is LoginState.LOGGED_IN
    return (Note(note=NoteKind.TOOK_OVER, at=at),) if back and records.readable else ()


def from_waiting_start(now: SentinelSnapshot) -> Lines:
    """A start waits and no permit is on its way: the last attempt is over, however it went."""
    if not now.waiting or now.permit_on_its_way:
        return ()
    last = now.records.attempts[-1] if now.records.attempts else None
    unused = last is not None and last.kind is PermitKind.TOKEN and 0 < now.started < last.id
    return unfinished(now.records, AttemptOutcome.UNUSED if unused else AttemptOutcome.ENDED)


def unfinished(records: Records, outcome: AttemptOutcome) -> Lines:
    """The last attempt ends with `outcome`, unless its end is known already."""
    if not records.attempts or records.attempts[-1].outcome is not None:
        return ()
    return (with_outcome(records.attempts[-1], outcome),)


def why_it_waits(records: Records) -> Sign | None:
    """What a waiting start waits for, in the words of a login state; None for no reason of its own."""
    if not records.attempts:
        return None
    last, yielded = records.attempts[-1], records.last_noted(NoteKind.YIELDED)
    if yielded is not None and yielded > last.at:
        return Sign.SESSION_TAKEN
    return _SIGNS.get(last.outcome) if last.outcome is not None else None


def approval_overdue(login: Login, now: datetime) -> bool:
    """Whether a push still waits after its deadline."""
    waits = login.state is LoginState.AWAITING_APPROVAL
    return waits and login.deadline is not None and now > login.deadline


def _stands(known: AttemptOutcome | None, outcome: AttemptOutcome) -> bool:
    """Whether what is known of an attempt stands against what its process comes to later.

    Of a login that had settled only what parks is new; nothing but a login undoes what is parked: a push
    that a person misses afterwards is no reason to try again.
    """
    if known is AttemptOutcome.SETTLED:
        return outcome not in PARKED
    return known in PARKED and outcome is AttemptOutcome.MISSED


def _outcome(login: Login, now: datetime) -> AttemptOutcome | None:
    if login.state is LoginState.LOGGED_IN:
        lasted: timedelta = now - login.since
        return AttemptOutcome.SETTLED if lasted >= EPISODE_ENDS_AFTER else AttemptOutcome.LOGGED_IN
    return _OUTCOMES.get(login.state)


def _yielded(number: int, records: Records, at: datetime) -> Lines:
    """A process that gave way leaves the person alone; what had settled, was missed or parks stays so."""
    note = Note(note=NoteKind.YIELDED, at=at)
    attempt = records.attempt(number)
    if attempt is None or attempt.outcome not in (None, AttemptOutcome.LOGGED_IN):
        return (note,)
    return (note, with_outcome(attempt, AttemptOutcome.YIELDED))


_STILL_TRYING: Final = frozenset({LoginState.LOGGING_IN, LoginState.AWAITING_APPROVAL})
"""A re-login that ended with its push under way: it gives way, and its attempt counts."""

_RELOGIN_COUNTS: Final = frozenset({Sign.PUSH_SENT, Sign.REJECTED, Sign.LOCKED_OUT})

_OUTCOMES: Final = {
    LoginState.APPROVAL_MISSED: AttemptOutcome.MISSED,
    LoginState.REJECTED: AttemptOutcome.REJECTED,
    LoginState.LOCKED_OUT: AttemptOutcome.LOCKED_OUT,
    LoginState.NEEDS_PERSON: AttemptOutcome.NEEDS_PERSON,
}

_SIGNS: Final = {
    AttemptOutcome.MISSED: Sign.APPROVAL_MISSED,
    AttemptOutcome.REJECTED: Sign.REJECTED,
    AttemptOutcome.LOCKED_OUT: Sign.LOCKED_OUT,
    AttemptOutcome.NEEDS_PERSON: Sign.PERSON_NEEDED,
}
