"""Users, pushes, login attempts and sessions: frozen values, and the rules of a login."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from ibgateway_simulator.errors import SimulatorConflictError
from ibgateway_simulator.model.choices import choice


class LoginMode(StrEnum):
    """What a user may log in to."""

    PAPER = "paper"
    LIVE = "live"


class LoginKind(StrEnum):
    """How a gateway logs in: with the password, with the week's token, or to its own session."""

    FULL = "full"
    TOKEN = "token"  # noqa: S105 -- a kind of login
    RELOGIN = "relogin"


class PushState(StrEnum):
    """What became of a push."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    MISSED = "missed"


class LoginRefusal(StrEnum):
    """Why a login gets no further than its first page."""

    WRONG_PASSWORD = "wrong-password"  # noqa: S105 -- a reason
    WRONG_MODE = "wrong-mode"
    LOCKED = "locked"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105 -- a reason
    LOGIN_ERROR = "login-error"


class LoginResult(StrEnum):
    """How an attempt ended."""

    PENDING = "pending"
    LOGGED_IN = "logged-in"
    YIELDED = "yielded"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 -- a result
    WRONG_MODE = "wrong-mode"
    LOCKED = "locked"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105 -- a result
    LOGIN_ERROR = "login-error"
    PUSH_DENIED = "push-denied"
    PUSH_MISSED = "push-missed"
    ABANDONED = "abandoned"


class SessionHolder(StrEnum):
    """Who else holds a user name."""

    PERSON = "person"
    GATEWAY = "gateway"


class RejectionDialog(StrEnum):
    """The dialog that a wrong password gets."""

    UNRECOGNIZED = "unrecognized"
    LOGIN_FAILED = "login-failed"


class ExistingCheck(StrEnum):
    """When another session of the same user is found."""

    AFTER_PUSH = "after-push"
    BEFORE_PUSH = "before-push"


class ExpiryDialog(StrEnum):
    """What a restart with a dead token meets."""

    DIALOG = "dialog"
    CONNECTION_FAILED = "connection-failed"
    LOGIN_ERROR = "login-error"
    SILENT = "silent"


class ExpiryFile(StrEnum):
    """What becomes of the file with a dead token."""

    DELETED = "deleted"
    STAYS = "stays"


class ReloginAnswer(StrEnum):
    """What a re-login to a lost session meets; `no-push` is one that never reaches the phone."""

    NOTHING = "nothing"
    PUSH = "push"
    NO_PUSH = "no-push"
    UNRECOGNIZED = "unrecognized"


class KickStyle(StrEnum):
    """What a gateway sees when a person takes its session; docs/simulator.md describes each."""

    RELOGIN = "relogin"
    WAITS = "waits"
    CONTEST = "contest"
    EXISTING = "existing"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in; paper users have account ids that start with DU.

    `accounts` are all that the login may trade, `account` first. `devices`: where there are several, one must be chosen before the push goes out.
    """

    name: str
    password: str
    account: str
    modes: tuple[LoginMode, ...] = (LoginMode.PAPER,)
    two_factor: bool = True
    devices: tuple[str, ...] = ()
    further_accounts: tuple[str, ...] = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account of the login, in the order of managedAccounts."""
        return (self.account, *self.further_accounts)


DEFAULT_USERS = (User("paperuser", "paperpassword", "DU1234567"),)


@dataclass(frozen=True, slots=True)
class Push:
    """A notification on the user's phone; `stacked` says that another one was still waiting.

    `orphaned`: the gateway that asked for it has gone.
    """

    id: int
    user: str
    sent: dt.datetime
    deadline: dt.datetime
    state: PushState = PushState.WAITING
    stacked: bool = False
    orphaned: bool = False
    answered: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One login request as IBKR saw it; `mode` is the gateway's word, `push` its push's number."""

    id: int
    user: str
    kind: LoginKind
    mode: str
    gateway: str
    at: dt.datetime
    result: LoginResult = LoginResult.PENDING
    push: int | None = None


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A gateway that is logged in; `kicked` while a person has taken the user name."""

    id: str
    user: str
    account: str
    mode: str
    gateway: str
    read_only: bool
    since: dt.datetime
    kicked: bool = False
    link_up: bool = True
    further_accounts: tuple[str, ...] = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account of the login."""
        return (self.account, *self.further_accounts)

    @property
    def connected(self) -> bool:
        """Whether the gateway reaches IBKR right now."""
        return self.link_up and not self.kicked


@dataclass(frozen=True, slots=True)
class LoginRules:
    """How IBKR behaves at login; changed as a whole through the control API.

    `approval_seconds`   how long a push waits; IB Key gives three minutes
    `lockout_after`      failed logins (a missed push is one) before a lock; 0 means never
    `lockout_seconds`    how long the lock lasts
    `rejection`          the dialog a wrong password gets: `unrecognized` stays on screen,
                         `login-failed` makes IBC start over
    `existing_check`     whether another session is found before or after the push
    `expiry_dialog`      what a restart with a dead token meets: a dialog IBC leaves alone, one
                         it answers with a cold restart (two of that kind), or nothing at all
    `dead_token_file`    whether the Gateway has deleted the file with that token, or leaves it
    `login_error_next`   so many logins, full or by token, meet "Login Error: Soft token=0"
    `relogin`            what pressing Re-login leads to, besides whoever has the session
    `stalls`             nothing happens any more once a push has been approved
    `login_seconds`      pause of every step of a login
    """

    approval_seconds: float = 180
    lockout_after: int = 10
    lockout_seconds: float = 287
    rejection: RejectionDialog = RejectionDialog.UNRECOGNIZED
    existing_check: ExistingCheck = ExistingCheck.AFTER_PUSH
    expiry_dialog: ExpiryDialog = ExpiryDialog.DIALOG
    dead_token_file: ExpiryFile = ExpiryFile.DELETED
    login_error_next: int = 0
    relogin: ReloginAnswer = ReloginAnswer.NOTHING
    stalls: bool = False
    login_seconds: float = 0.3


def changed_rules(rules: LoginRules, patch: Mapping[str, Any]) -> LoginRules:
    """The rules with the given fields set, from JSON.

    Raises SimulatorConflictError on an unknown field or value.
    """
    known = {field.name for field in fields(rules)}
    if not set(patch) <= known:
        raise SimulatorConflictError(f"login rules are {', '.join(sorted(known))}")
    return replace(rules, **{name: _rule(rules, name, value) for name, value in patch.items()})


def _rule(rules: LoginRules, name: str, value: Any) -> Any:
    present = getattr(rules, name)
    if not isinstance(present, StrEnum):
        return value
    return choice(type(present), value, of=name)
