"""The login state: a fold over evidence, never a timer and never an open port.

`advance(login, evidence)` is the one state machine. Evidence comes from the gateway's log (translated
by a login driver), from the wrapper around `run.sh`, and from the API probe. Only the probe's proof
(handshake, accounts, and an answer of IBKR's servers) gives `LoggedIn`; a lost link or a lost session
takes it away.
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
    RELOGIN_BEGUN = "ReloginBegun"
    """Another login has ended this session, and the driver logs in again by itself: it asks nobody."""
    SESSION_RESUMED = "SessionResumed"
    REJECTED = "Rejected"
    LOCKED_OUT = "LockedOut"
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - a sign, not a secret
    PERSON_NEEDED = "PersonNeeded"
    DIALOG_OPENED = "DialogOpened"
    DIALOG_CLOSED = "DialogClosed"
    SERVER_LOST = "ServerLost"
    RESTART_BEGUN = "RestartBegun"
    STOP_BEGUN = "StopBegun"
    COLD_RESTART = "ColdRestart"
    """The login driver starts over by itself, with a full login: an attempt that asked nobody."""
    API_READY = "ApiReady"
    """The handshake was answered, and so was a question that only IBKR's servers can answer."""
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
    `full_auth_time` is when the last login of a process that was not started by a token was shown, and that login proven.
    `shown`: when this process last showed that it logs in, by an attempt, a push or its end, or the driver's word that it is complete.
    `proven` says that this process has passed the API probe; a lost link keeps it.
    `taken`: another session is in the way. `relogin`: it has ended this one, and the driver logs in again.
    `dialogs` are the open windows that stop a login until somebody answers, `dialog_since` when the first came.
    `authenticated` says that this login has been `LoggedIn`: coming back is no new authentication.
    `completed`: when the driver said that the login is complete; the API proves it, or does not.
    `why` a person is needed, in words; empty in every other state.
    """

    state: LoginState
    since: datetime
    deadline: datetime | None = None
    accounts: tuple[str, ...] = ()
    full_auth_time: datetime | None = None
    by_token: bool = False
    shown: datetime | None = None
    link_lost: bool = False
    taken: bool = False
    relogin: bool = False
    proven: bool = False
    authenticated: bool = False
    running: bool = False
    dialogs: tuple[str, ...] = ()
    dialog_since: datetime | None = None
    completed: datetime | None = None
    why: str = ""


def unknown(at: datetime) -> Login:
    """The state before any evidence."""
    return Login(state=LoginState.UNKNOWN, since=at)


def advance(login: Login, evidence: Evidence, *, approval_seconds: int = 180) -> Login:
    """The login after one more piece of evidence; `approval_seconds` dates a push's deadline."""
    after = _RULES[evidence.sign](login, evidence)
    if after.state is LoginState.AWAITING_APPROVAL and login.state is not after.state:
        deadline = evidence.at + timedelta(seconds=approval_seconds)
        return replace(after, since=evidence.at, deadline=deadline, why="")
    if after.state is not login.state:
        why = evidence.detail if evidence.sign is Sign.PERSON_NEEDED else ""
        return replace(after, since=evidence.at, deadline=None, why=why)
    return after


def _to(state: LoginState) -> Callable[[Login, Evidence], Login]:
    return lambda login, _: replace(login, state=state)


def _if_running(state: LoginState) -> Callable[[Login, Evidence], Login]:
    """A sign of a running process: one that has logged in is not undone by a late line."""
    return lambda login, _: login if _stands(login) else replace(login, state=state)


def _stands(login: Login) -> bool:
    """Whether this process has its session: after another login has taken it every line counts again."""
    return login.proven and not login.taken


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
    anew = replace(_unproven(login), by_token=False, shown=evidence.at)
    return replace(anew, state=LoginState.LOGGING_IN)


def _unproven(login: Login) -> Login:
    anew = replace(login, proven=False, authenticated=False, completed=None)
    return replace(anew, taken=False, relogin=False)


def _pushed(login: Login, evidence: Evidence) -> Login:
    """No token pushes: a push of a process that a token started is a full login, and so is a re-login's."""
    if _stands(login):
        return login
    anew = login.authenticated and not login.relogin
    asked = replace(login, by_token=False, shown=evidence.at, authenticated=anew)
    return replace(asked, state=LoginState.AWAITING_APPROVAL)


def _push_closed(login: Login, evidence: Evidence) -> Login:
    if login.state is LoginState.AWAITING_APPROVAL:
        return replace(login, shown=evidence.at, state=LoginState.LOGGING_IN)
    return login


def _taken(login: Login, evidence: Evidence) -> Login:
    return replace(login, taken=True, state=LoginState.SESSION_CONFLICT)


def _relogin_begun(login: Login, evidence: Evidence) -> Login:
    return replace(_taken(login, evidence), relogin=True)


def _resumed(login: Login, evidence: Evidence) -> Login:
    return _settle(replace(login, taken=False), evidence)


def _stop_begun(login: Login, evidence: Evidence) -> Login:
    """A process that ends because of another session has given way to it, until it is gone."""
    if login.taken:
        return login
    return _fresh(LoginState.RESTARTING, running=True)(login, evidence)


def _api_ready(login: Login, evidence: Evidence) -> Login:
    """An answer on the way down says nothing about the process that comes."""
    if _going_down(login):
        return login
    accounts = _accounts(evidence)
    proven = replace(login, accounts=accounts, proven=True, running=True, link_lost=False)
    return _settle(proven, evidence)


def _going_down(login: Login) -> bool:
    return login.state is LoginState.RESTARTING and not login.by_token


def _unexpected_account(login: Login, evidence: Evidence) -> Login:
    """Logged in, but not to what was meant: a person must look, and sees which accounts it has.

    On the way down the answer is the last one of a process that is over.
    """
    if _going_down(login):
        return login
    return replace(login, accounts=_accounts(evidence), state=LoginState.NEEDS_PERSON)


def _accounts(evidence: Evidence) -> tuple[str, ...]:
    return tuple(account for account in evidence.detail.split(",") if account)


def _link_lost(login: Login, evidence: Evidence) -> Login:
    """Only an API that has let us in says so: where nothing was proven yet, the login is there too."""
    gone = not login.running and login.state is not LoginState.UNKNOWN
    if login.taken or gone or _going_down(login):
        return replace(login, link_lost=True)
    return replace(login, link_lost=True, state=LoginState.CONNECTION_LOST)


def _link_restored(login: Login, evidence: Evidence) -> Login:
    return _settle(replace(login, link_lost=False, taken=False), evidence)


def _dialog_opened(login: Login, evidence: Evidence) -> Login:
    dialogs = (*login.dialogs, evidence.detail)
    return replace(login, dialogs=dialogs, dialog_since=login.dialog_since or evidence.at)


def _dialog_closed(login: Login, evidence: Evidence) -> Login:
    """Somebody has answered: what a person was needed for is done, and the login goes on."""
    left = tuple(title for title in login.dialogs if title != evidence.detail)
    since = login.dialog_since if left else None
    answered = login.state is LoginState.NEEDS_PERSON and login.dialogs and not login.accounts
    state = LoginState.LOGGING_IN if answered and not left else login.state
    return replace(login, dialogs=left, dialog_since=since, state=state)


def _settle(login: Login, evidence: Evidence) -> Login:
    """LoggedIn where proof stands and nothing speaks against it, and then the week's time: when the login was shown.

    The proof may come long after it, to a sentinel that reads an old log anew. A start of which no login is known
    authenticates nothing: its first line may be a late one of a process that is over.
    """
    if login.taken or not login.proven:
        return login
    if login.link_lost:
        return replace(login, state=LoginState.CONNECTION_LOST)
    full, shown = login.full_auth_time, login.shown
    if shown is not None and not login.authenticated and not login.by_token:
        full = max(shown, full or shown)
    known = shown is not None or login.authenticated or login.by_token
    back = replace(login, full_auth_time=full, authenticated=known, relogin=False)
    return replace(back, state=LoginState.LOGGED_IN)


def _if_logged_in(state: LoginState) -> Callable[[Login, Evidence], Login]:
    """The API went away, or hangs, under a login: until it answers again."""
    return lambda login, _: replace(login, state=state) if _stands(login) else login


def _completed(login: Login, evidence: Evidence) -> Login:
    return replace(login, completed=evidence.at, shown=evidence.at)


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
    Sign.LOGIN_COMPLETED: _completed,
    Sign.SESSION_TAKEN: _taken,
    Sign.RELOGIN_BEGUN: _relogin_begun,
    Sign.SESSION_RESUMED: _resumed,
    Sign.REJECTED: _if_running(LoginState.REJECTED),
    Sign.LOCKED_OUT: _if_running(LoginState.LOCKED_OUT),
    Sign.TOKEN_EXPIRED: _to(LoginState.TOKEN_EXPIRED),
    Sign.PERSON_NEEDED: _if_running(LoginState.NEEDS_PERSON),
    Sign.DIALOG_OPENED: _dialog_opened,
    Sign.DIALOG_CLOSED: _dialog_closed,
    Sign.SERVER_LOST: _if_logged_in(LoginState.CONNECTION_LOST),
    Sign.RESTART_BEGUN: _fresh(LoginState.RESTARTING, running=True),
    Sign.STOP_BEGUN: _stop_begun,
    Sign.COLD_RESTART: _same,
    Sign.API_READY: _api_ready,
    Sign.API_UNEXPECTED_ACCOUNT: _unexpected_account,
    Sign.API_SILENT: _if_logged_in(LoginState.API_UNRESPONSIVE),
    Sign.API_CLOSED: _if_logged_in(LoginState.CONNECTION_LOST),
    Sign.LINK_LOST: _link_lost,
    Sign.LINK_RESTORED: _link_restored,
}
