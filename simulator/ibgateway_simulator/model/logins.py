"""Who is logged in, pure: users, attempts, pushes, sessions, the week's token.

One user name has one session. The token of a full login lives until Sunday 01:00 New York or
until `expire_token`; its death does not end a running session, it bites at the next restart.
Times are arguments; randomness comes through `new_id`.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorNotFoundError
from ibgateway_simulator.model.trading.hours import EASTERN
from ibgateway_simulator.model.users import (
    LoginAttempt,
    LoginRefusal,
    LoginResult,
    LoginRules,
    LoginSession,
    Push,
    PushState,
    SessionHolder,
    User,
)


def last_boundary(now: dt.datetime) -> dt.datetime:
    """The latest Sunday 01:00 New York at or before `now`; the earlier one of a repeated hour."""
    local = now.astimezone(EASTERN)
    sunday = local.date() - dt.timedelta(days=(local.weekday() + 1) % 7)
    boundary = _boundary_on(sunday)
    return boundary if boundary <= now else _boundary_on(sunday - dt.timedelta(days=7))


def _boundary_on(sunday: dt.date) -> dt.datetime:
    return dt.datetime.combine(sunday, dt.time(1), EASTERN).astimezone(dt.UTC)


class Logins:
    """IBKR's login servers for all users."""

    def __init__(
        self, users: Iterable[User], *, rules: LoginRules, new_id: Callable[[], str]
    ) -> None:
        self.users = {user.name: user for user in users}
        self.rules = rules
        self.attempts: list[LoginAttempt] = []
        self.pushes: list[Push] = []
        self._unanswered: dict[int, Push] = {}
        self.sessions: dict[str, LoginSession] = {}
        self.persons: set[str] = set()
        self._tokens: dict[str, tuple[str, dt.datetime]] = {}
        self._failures: dict[str, int] = {}
        self._locked: dict[str, dt.datetime] = {}
        self._new_id = new_id

    def user(self, name: str) -> User:
        """The user of that name; raises SimulatorNotFoundError."""
        if name not in self.users:
            raise SimulatorNotFoundError(f"no user is called {name!r}")
        return self.users[name]

    def begin(self, attempt: LoginAttempt) -> LoginAttempt:
        """Record an attempt; its id is its place in the list, from 1."""
        attempt = replace(attempt, id=len(self.attempts) + 1)
        self.attempts.append(attempt)
        return attempt

    def finish(self, attempt_id: int, result: LoginResult) -> None:
        """Say how an attempt ended."""
        self.attempts[attempt_id - 1] = replace(self.attempts[attempt_id - 1], result=result)

    def check_password(
        self, name: str, password: str, mode: str, now: dt.datetime
    ) -> LoginRefusal | None:
        """Why a full login gets no further, None when it does; counts failures and locks."""
        if self.locked_for(name, now) > 0:
            return LoginRefusal.LOCKED
        user = self.users.get(name)
        if user is None or user.password != password:
            self._fail(name, now)
            return LoginRefusal.WRONG_PASSWORD
        return None if mode in user.modes else LoginRefusal.WRONG_MODE

    def check_token(self, name: str, token: str, now: dt.datetime) -> LoginRefusal | None:
        """Why a restart with this token gets no further; None: it needs no push."""
        value, issued = self._tokens.get(name, ("", now))
        if not value or value != token or issued < last_boundary(now):
            return LoginRefusal.TOKEN_EXPIRED
        return None

    def meets_error(self) -> bool:
        """Whether this login meets an error of IBKR's; uses one up."""
        left = self.rules.login_error_next
        self.rules = replace(self.rules, login_error_next=max(0, left - 1))
        return left > 0

    def has_token(self, name: str, now: dt.datetime) -> bool:
        """Whether the user's token of the week is alive."""
        value, _ = self._tokens.get(name, ("", now))
        return bool(value) and self.check_token(name, value, now) is None

    def expire_token(self, name: str) -> None:
        """Kill the week's token as the night to Sunday does."""
        self._tokens.pop(name, None)

    def locked_for(self, name: str, now: dt.datetime) -> float:
        """Seconds until the user may try again; 0 when not locked."""
        until = self._locked.get(name, now)
        return max(0.0, (until - now).total_seconds())

    def unlock(self, name: str) -> None:
        """Forget failures and lock."""
        self._failures.pop(name, None)
        self._locked.pop(name, None)

    def send_push(self, attempt_id: int, now: dt.datetime) -> Push:
        """Send the user of an attempt a push."""
        name = self.attempts[attempt_id - 1].user
        push = Push(
            id=len(self.pushes) + 1,
            user=name,
            sent=now,
            deadline=now + dt.timedelta(seconds=self.rules.approval_seconds),
            stacked=bool(self.waiting(name)),
        )
        self.pushes.append(push)
        self._keep(push)
        self.attempts[attempt_id - 1] = replace(self.attempts[attempt_id - 1], push=push.id)
        return push

    def push(self, push_id: int) -> Push:
        """The push with this number; raises SimulatorNotFoundError."""
        if not 1 <= push_id <= len(self.pushes):
            raise SimulatorNotFoundError(f"no push has number {push_id}")
        return self.pushes[push_id - 1]

    def answer(self, push_id: int, state: PushState, now: dt.datetime) -> Push:
        """Answer a waiting push; raises SimulatorConflictError when it waits no more."""
        return self._keep(replace(self._waiting(push_id), state=state, answered=now))

    def miss_soon(self, push_id: int, seconds: float, now: dt.datetime) -> Push:
        """Move a waiting push's deadline to `seconds` from now."""
        deadline = now + dt.timedelta(seconds=seconds)
        return self._keep(replace(self._waiting(push_id), deadline=deadline))

    def orphan(self, push_id: int) -> None:
        """Note that the gateway which asked for the push has gone; the phone still shows it."""
        push = self.push(push_id)
        if push.state is PushState.WAITING:
            self._keep(replace(push, orphaned=True))

    def waiting(self, user: str | None = None) -> list[Push]:
        """Pushes that wait, oldest first."""
        return [push for push in self._unanswered.values() if user in (None, push.user)]

    def sweep(self, now: dt.datetime) -> list[Push]:
        """Turn pushes past their deadline into missed ones and return those."""
        late = [push for push in self.waiting() if now >= push.deadline]
        for push in late:
            self._keep(replace(push, state=PushState.MISSED, answered=now))
            if not push.orphaned:
                self._fail(push.user, now)
        return [self.push(push.id) for push in late]

    def existing(self, name: str, gateway: str) -> SessionHolder | None:
        """Who else holds the user name, seen from this gateway."""
        if name in self.persons:
            return SessionHolder.PERSON
        others = (s for s in self.sessions.values() if s.user == name and s.gateway != gateway)
        return SessionHolder.GATEWAY if any(not session.kicked for session in others) else None

    def open_session(self, session: LoginSession, *, full: bool) -> LoginSession:
        """Start a session; a full login issues a new token."""
        session = replace(session, id=self._new_id())
        self.sessions[session.id] = session
        self.unlock(session.user)
        if full:
            self._tokens[session.user] = (self._new_id(), session.since)
        return session

    def token(self, name: str) -> str:
        """The user's token; empty when it is dead."""
        return self._tokens.get(name, ("", None))[0]

    def change_session(self, session: LoginSession) -> None:
        """Put a changed session in the place of the old one."""
        self.sessions[session.id] = session

    def close_session(self, session_id: str) -> None:
        """End a session; unknown ids are ignored."""
        self.sessions.pop(session_id, None)

    def of_user(self, name: str) -> list[LoginSession]:
        """The user's gateway sessions."""
        return [session for session in self.sessions.values() if session.user == name]

    def _waiting(self, push_id: int) -> Push:
        push = self.push(push_id)
        if push.state is not PushState.WAITING:
            raise SimulatorConflictError(f"push {push_id} is {push.state}")
        return push

    def _keep(self, push: Push) -> Push:
        self.pushes[push.id - 1] = push
        if push.state is PushState.WAITING:
            self._unanswered[push.id] = push
        else:
            self._unanswered.pop(push.id, None)
        return push

    def _fail(self, name: str, now: dt.datetime) -> None:
        self._failures[name] = self._failures.get(name, 0) + 1
        if self.rules.lockout_after and self._failures[name] >= self.rules.lockout_after:
            self._locked[name] = now + dt.timedelta(seconds=self.rules.lockout_seconds)
            self._failures[name] = 0
