"""The gateway as its log tells it: a pure fold of lines over the login state.

`follow` turns one line into evidence and advances the login; the evidence is handed back, because
some of it asks the sentinel for a deed (probe now, count an attempt, end the process).
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from ibgateway_agent.sentinel.log import ibc_log, wrapper_state
from ibgateway_api.login import Evidence, Login, LoginState, Sign, advance

_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d):(\d{3}) ")


@dataclass(frozen=True)
class LoginFold:
    """What is known at one place of the log.

    `run` is the permit id of the running process. `back`: the driver said "login completed" after
    another session was seen, so an answer of the API ends the conflict.
    """

    login: Login
    grammar: ibc_log.Grammar = field(default_factory=ibc_log.Grammar)
    run: int = 0
    back: bool = False


def stamp(line: str) -> datetime | None:
    """The time a line was written, in UTC (the pod's zone); None for lines without one."""
    match = _STAMP.match(line)
    if match is None:
        return None
    written = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return written.replace(microsecond=int(match[2]) * 1000)


def follow(
    watch: LoginFold, line: str, at: datetime, *, approval_seconds: int
) -> tuple[LoginFold, tuple[Evidence, ...]]:
    """The watch after one line, and the evidence it held."""
    own = wrapper_state.read(line)
    if own is not None:
        evidence: tuple[Evidence, ...] = (Evidence(own[0], at, own[1]),)
        watch = replace(watch, grammar=ibc_log.Grammar())
    else:
        grammar, said = ibc_log.read(watch.grammar, line)
        evidence = tuple(Evidence(sign, at, detail) for sign, detail in said)
        watch = replace(watch, grammar=grammar)
    for piece in evidence:
        watch = take(watch, piece, approval_seconds=approval_seconds)
    return watch, evidence


def take(watch: LoginFold, evidence: Evidence, *, approval_seconds: int) -> LoginFold:
    """The watch after evidence from anywhere: the log, the API, the clock."""
    if evidence.sign is Sign.API_READY and watch.login.taken and watch.back:
        watch = _fold(watch, replace(evidence, sign=Sign.SESSION_RESUMED), approval_seconds)
    return _fold(watch, evidence, approval_seconds)


def _fold(watch: LoginFold, evidence: Evidence, approval_seconds: int) -> LoginFold:
    login = advance(watch.login, evidence, approval_seconds=approval_seconds)
    back = _BACK.get(evidence.sign, watch.back)
    watch = replace(watch, login=login, back=back)
    if evidence.sign is Sign.PROCESS_STARTED:
        return replace(watch, run=int(evidence.detail))
    if evidence.sign in (Sign.PROCESS_ENDED, Sign.PERMIT_AWAITED):
        return replace(watch, run=0)
    return watch


_BACK: Final = {
    Sign.LOGIN_COMPLETED: True,
    Sign.SESSION_TAKEN: False,
    Sign.LOGIN_ATTEMPTED: False,
    Sign.PROCESS_STARTED: False,
}

_NEEDS_PROOF: Final = frozenset(
    {LoginState.LOGGED_IN, LoginState.CONNECTION_LOST, LoginState.API_UNRESPONSIVE}
)


def resumed(watch: LoginFold, at: datetime) -> LoginFold:
    """The watch of an earlier sentinel: what only the API can prove is unknown until it does."""
    if watch.login.state not in _NEEDS_PROOF:
        return watch
    return replace(watch, login=replace(watch.login, state=LoginState.UNKNOWN, since=at))
