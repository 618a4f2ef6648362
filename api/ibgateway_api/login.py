"""The login state: a fold over evidence, never a timer and never an open port.

`advance(login, evidence)` is the one state machine. Evidence comes from the gateway's log (translated
by a login driver), from the wrapper around `run.sh`, and from the API probe. Only the probe's proof
(handshake, accounts, next valid id) gives `LoggedIn`; a lost link or a lost session takes it away.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class LoginState(StrEnum):
    """Where a gateway stands with IBKR; the reason of `GatewayLoggedIn`."""

    STARTING = "Starting"
    WAITING_FOR_PERMIT = "WaitingForPermit"
    LOGGING_IN = "LoggingIn"
    AWAITING_APPROVAL = "AwaitingApproval"
    APPROVAL_MISSED = "ApprovalMissed"
    LOGGED_IN = "LoggedIn"
    CONNECTION_LOST = "ConnectionLost"
    SESSION_CONFLICT = "SessionConflict"
    REJECTED = "Rejected"
    LOCKED_OUT = "LockedOut"
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - a state, not a secret
    NEEDS_PERSON = "NeedsPerson"
    RESTARTING = "Restarting"
    API_UNRESPONSIVE = "ApiUnresponsive"
    STOPPED = "Stopped"
    UNKNOWN = "Unknown"


class Sign(StrEnum):
    """What a piece of evidence says, in words no login driver owns."""

    PERMIT_AWAITED = "PermitAwaited"
    PROCESS_STARTED = "ProcessStarted"
    PROCESS_ENDED = "ProcessEnded"
    SESSION_STARTING = "SessionStarting"
    TOKEN_START = "TokenStart"  # noqa: S105 - a sign, not a secret
    LOGIN_ATTEMPTED = "LoginAttempted"
    PUSH_SENT = "PushSent"
    PUSH_CLOSED = "PushClosed"
    APPROVAL_MISSED = "ApprovalMissed"
    LOGIN_COMPLETED = "LoginCompleted"
    SESSION_TAKEN = "SessionTaken"
    SESSION_RESUMED = "SessionResumed"
    REJECTED = "Rejected"
    LOCKED_OUT = "LockedOut"
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - a sign, not a secret
    PERSON_NEEDED = "PersonNeeded"
    SERVER_LOST = "ServerLost"
    RESTART_BEGUN = "RestartBegun"
    STOP_BEGUN = "StopBegun"
    COLD_RESTART = "ColdRestart"
    """The login driver starts over by itself, with a full login: an attempt that asked nobody."""
    API_READY = "ApiReady"
    API_UNEXPECTED_ACCOUNT = "ApiUnexpectedAccount"
    API_SILENT = "ApiSilent"
    API_CLOSED = "ApiClosed"
    LINK_LOST = "LinkLost"
    LINK_RESTORED = "LinkRestored"


@dataclass(frozen=True)
class Evidence:
    """One sign, when it was seen (aware UTC), and its detail (accounts joined by commas, a text)."""

    sign: Sign
    at: datetime
    detail: str = ""


@dataclass(frozen=True)
class Login:
    """What is known of a gateway's login.

    `since` moves when `state` does, and when a start by token begins. `deadline` is the end of the wait for an approval.
    `full_auth_time` is the last login of a process that was not started by a token.
    `proven` says that this process has passed the API probe; a lost link keeps it.
    `authenticated` says that this login has been `LoggedIn`: coming back is no new authentication.
    """

    state: LoginState
    since: datetime
    deadline: datetime | None = None
    accounts: tuple[str, ...] = ()
    full_auth_time: datetime | None = None
    by_token: bool = False
    link_lost: bool = False
    taken: bool = False
    proven: bool = False
    authenticated: bool = False
    running: bool = False


def unknown(at: datetime) -> Login:
    """The state before any evidence."""
    return Login(state=LoginState.UNKNOWN, since=at)


def advance(login: Login, evidence: Evidence, *, approval_seconds: int = 180) -> Login:
    """The login after one more piece of evidence; `approval_seconds` dates a push's deadline."""
    after = _RULES[evidence.sign](login, evidence)
    if after.state is LoginState.AWAITING_APPROVAL and login.state is not after.state:
        deadline = evidence.at + timedelta(seconds=approval_seconds)
        return replace(after, since=evidence.at, deadline=deadline)
    if after.state is not login.state:
        return replace(after, since=evidence.at, deadline=None)
    return after


def _to(state: LoginState) -> Callable[[Login, Evidence], Login]:
    return lambda login, _: replace(login, state=state)


def _if_running(state: LoginState) -> Callable[[Login, Evidence], Login]:
    """A sign of a running process: one that has logged in is not undone by a late line."""
    return lambda login, _: login if login.proven else replace(login, state=state)


def _fresh(state: LoginState, *, running: bool) -> Callable[[Login, Evidence], Login]:
    """A new or ended process: everything but the week's authentication is forgotten."""

    def rule(login: Login, evidence: Evidence) -> Login:
        return Login(
            state=state,
            since=login.since,
            deadline=login.deadline,
            full_auth_time=login.full_auth_time,
            running=running,
        )

    return rule


def _token_start(login: Login, evidence: Evidence) -> Login:
    """`since` begins anew: the process before may have taken its time to end."""
    started = replace(_unproven(login), by_token=True, since=evidence.at)
    return replace(started, state=LoginState.RESTARTING)


def _attempted(login: Login, evidence: Evidence) -> Login:
    return replace(_unproven(login), by_token=False, state=LoginState.LOGGING_IN)


def _unproven(login: Login) -> Login:
    return replace(login, proven=False, authenticated=False, taken=False)


def _pushed(login: Login, evidence: Evidence) -> Login:
    """No token pushes: a push of a process that a token started is a person's full login."""
    if login.proven:
        return login
    return replace(login, by_token=False, state=LoginState.AWAITING_APPROVAL)


def _push_closed(login: Login, evidence: Evidence) -> Login:
    if login.state is LoginState.AWAITING_APPROVAL:
        return replace(login, state=LoginState.LOGGING_IN)
    return login


def _taken(login: Login, evidence: Evidence) -> Login:
    return replace(login, taken=True, state=LoginState.SESSION_CONFLICT)


def _resumed(login: Login, evidence: Evidence) -> Login:
    return _settle(replace(login, taken=False), evidence)


def _api_ready(login: Login, evidence: Evidence) -> Login:
    proven = replace(login, accounts=_accounts(evidence), proven=True, running=True)
    return _settle(proven, evidence)


def _unexpected_account(login: Login, evidence: Evidence) -> Login:
    """Logged in, but not to what was meant: a person must look, and sees which accounts it has."""
    return replace(login, accounts=_accounts(evidence), state=LoginState.NEEDS_PERSON)


def _accounts(evidence: Evidence) -> tuple[str, ...]:
    return tuple(account for account in evidence.detail.split(",") if account)


def _link_lost(login: Login, evidence: Evidence) -> Login:
    state = LoginState.SESSION_CONFLICT if login.taken else LoginState.CONNECTION_LOST
    return replace(login, link_lost=True, state=state if login.proven else login.state)


def _link_restored(login: Login, evidence: Evidence) -> Login:
    return _settle(replace(login, link_lost=False, taken=False), evidence)


def _settle(login: Login, evidence: Evidence) -> Login:
    """LoggedIn where proof stands and nothing speaks against it, and then the week's time."""
    if login.taken:
        return replace(login, state=LoginState.SESSION_CONFLICT)
    if not login.proven:
        return login
    if login.link_lost:
        return replace(login, state=LoginState.CONNECTION_LOST)
    first = not login.authenticated and not login.by_token
    full = evidence.at if first else login.full_auth_time
    return replace(login, state=LoginState.LOGGED_IN, full_auth_time=full, authenticated=True)


def _closed(login: Login, evidence: Evidence) -> Login:
    """The API went away under a login: the link is lost until it answers again."""
    if login.proven and not login.taken:
        return replace(login, state=LoginState.CONNECTION_LOST)
    return login


def _silent(login: Login, evidence: Evidence) -> Login:
    if login.proven and not login.taken:
        return replace(login, state=LoginState.API_UNRESPONSIVE)
    return login


def _same(login: Login, evidence: Evidence) -> Login:
    return login


_RULES: dict[Sign, Callable[[Login, Evidence], Login]] = {
    Sign.PERMIT_AWAITED: _fresh(LoginState.WAITING_FOR_PERMIT, running=False),
    Sign.PROCESS_STARTED: _fresh(LoginState.STARTING, running=True),
    Sign.PROCESS_ENDED: _fresh(LoginState.STOPPED, running=False),
    Sign.SESSION_STARTING: _fresh(LoginState.STARTING, running=True),
    Sign.TOKEN_START: _token_start,
    Sign.LOGIN_ATTEMPTED: _attempted,
    Sign.PUSH_SENT: _pushed,
    Sign.PUSH_CLOSED: _push_closed,
    Sign.APPROVAL_MISSED: _if_running(LoginState.APPROVAL_MISSED),
    Sign.LOGIN_COMPLETED: _same,
    Sign.SESSION_TAKEN: _taken,
    Sign.SESSION_RESUMED: _resumed,
    Sign.REJECTED: _if_running(LoginState.REJECTED),
    Sign.LOCKED_OUT: _if_running(LoginState.LOCKED_OUT),
    Sign.TOKEN_EXPIRED: _to(LoginState.TOKEN_EXPIRED),
    Sign.PERSON_NEEDED: _if_running(LoginState.NEEDS_PERSON),
    Sign.SERVER_LOST: _closed,
    Sign.RESTART_BEGUN: _fresh(LoginState.RESTARTING, running=True),
    Sign.STOP_BEGUN: _fresh(LoginState.RESTARTING, running=True),
    Sign.COLD_RESTART: _same,
    Sign.API_READY: _api_ready,
    Sign.API_UNEXPECTED_ACCOUNT: _unexpected_account,
    Sign.API_SILENT: _silent,
    Sign.API_CLOSED: _closed,
    Sign.LINK_LOST: _link_lost,
    Sign.LINK_RESTORED: _link_restored,
}
