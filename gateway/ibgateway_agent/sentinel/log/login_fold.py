"""The gateway as its log tells it: a pure fold of lines over the login state.

`fold_line` turns one line into evidence and advances the login; the evidence is handed back, because
some of it asks the sentinel to act (probe now, count an attempt, end the process).
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.log import ibc_log, wrapper_state
from ibgateway_api.login import Evidence, Login, LoginState, Sign, advance

CONFLICT_SETTLES_AFTER: Final = timedelta(minutes=1)
"""An answer of IBKR's servers that comes so late is no remainder of the session that was lost."""

_WRITTEN_AT: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d):(\d{3}) ")


@dataclass(frozen=True)
class LoginFold:
    """What is known at one place of the log.

    `attempt` is the id of the running process' permit, 0 without one. `back`: the driver said "login
    completed" after another session was seen, so an answer of the API ends the conflict.
    `starts_over`: when the driver met a dead token after which it begins anew by itself. `started`: the newest
    permit that was taken, whatever became of it.
    """

    login: Login
    grammar: ibc_log.Grammar = field(default_factory=ibc_log.Grammar)
    attempt: int = 0
    back: bool = False
    starts_over: datetime | None = None
    started: int = 0


def written_at(line: str) -> datetime | None:
    """The time a line was written, in UTC (the pod's zone); None for lines without one."""
    match = _WRITTEN_AT.match(line)
    if match is None:
        return None
    written = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return written.replace(microsecond=int(match[2]) * 1000)


def fold_line(
    fold: LoginFold, line: str, at: datetime, *, approval_seconds: int
) -> tuple[LoginFold, tuple[Evidence, ...]]:
    """The fold after one line, and the evidence it held."""
    own = wrapper_state.read_line(line)
    if own is not None:
        evidence: tuple[Evidence, ...] = (Evidence(own[0], at, own[1]),)
        fold = replace(fold, grammar=ibc_log.Grammar())
    else:
        grammar, said = ibc_log.read(fold.grammar, line)
        evidence = tuple(Evidence(sign, at, detail) for sign, detail in said)
        fold = replace(fold, grammar=grammar)
    for piece in evidence:
        fold = fold_evidence(fold, piece, approval_seconds=approval_seconds)
    return fold, evidence


def fold_evidence(fold: LoginFold, evidence: Evidence, *, approval_seconds: int) -> LoginFold:
    """The fold after evidence from anywhere: the log, the API, the clock."""
    if evidence.sign is Sign.API_READY and _back(fold, evidence.at):
        fold = _advance(fold, replace(evidence, sign=Sign.SESSION_RESUMED), approval_seconds)
    return _advance(fold, evidence, approval_seconds)


def _back(fold: LoginFold, at: datetime) -> bool:
    """Whether an answer of IBKR's servers ends a conflict: the driver does not always say that it is over."""
    if not fold.login.taken:
        return False
    waits = fold.login.state in (LoginState.SESSION_CONFLICT, LoginState.LOGGING_IN)
    return fold.back or (waits and at - fold.login.since > CONFLICT_SETTLES_AFTER)


def _advance(fold: LoginFold, evidence: Evidence, approval_seconds: int) -> LoginFold:
    login = advance(fold.login, evidence, approval_seconds=approval_seconds)
    back = _BACK.get(evidence.sign, fold.back)
    fold = replace(fold, login=login, back=back, starts_over=_starts_over(fold, evidence))
    if evidence.sign is Sign.PROCESS_STARTED:
        return replace(fold, attempt=int(evidence.detail), started=int(evidence.detail))
    if evidence.sign in (Sign.PROCESS_ENDED, Sign.PERMIT_AWAITED):
        return replace(fold, attempt=0)
    return fold


def _starts_over(fold: LoginFold, evidence: Evidence) -> datetime | None:
    """IBC follows this text, and no other about a token, with a cold restart of its own."""
    if evidence.sign is Sign.TOKEN_EXPIRED:
        by_itself = evidence.detail.lower().startswith("connection to server failed")
        return evidence.at if by_itself else fold.starts_over
    return None if evidence.sign in _BEGINS_OR_ENDS else fold.starts_over


_BEGINS_OR_ENDS: Final = frozenset(
    {Sign.SESSION_STARTING, Sign.PROCESS_STARTED, Sign.PROCESS_ENDED, Sign.PERMIT_AWAITED}
)

_BACK: Final = {
    Sign.LOGIN_COMPLETED: True,
    Sign.SESSION_TAKEN: False,
    Sign.RELOGIN_BEGUN: False,
    Sign.LOGIN_ATTEMPTED: False,
    Sign.PROCESS_STARTED: False,
}

_NEEDS_PROOF: Final = frozenset(
    {LoginState.LOGGED_IN, LoginState.CONNECTION_LOST, LoginState.API_UNRESPONSIVE}
)


def resumed(fold: LoginFold, at: datetime) -> LoginFold:
    """The fold of an earlier sentinel: what only the API can prove is unknown until it does."""
    if fold.login.state not in _NEEDS_PROOF:
        return fold
    return replace(fold, login=replace(fold.login, state=LoginState.UNKNOWN, since=at))


def keeping_reason(fold: LoginFold, before: LoginFold, reason: Evidence) -> LoginFold:
    """A waiting start still shows why: a rejected password is not healed by an ended process."""
    login = advance(fold.login, reason)
    if login.state is before.login.state:
        login = replace(login, since=before.login.since)
    return replace(fold, login=login)
