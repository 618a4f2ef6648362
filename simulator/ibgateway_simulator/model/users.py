"""Users, pushes and login attempts: frozen values, and how they look in JSON (no password)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ibgateway_simulator.errors import SimulatorSettingsError

Mode = Literal["paper", "live"]
Kind = Literal["full", "token", "relogin"]
PushState = Literal["waiting", "approved", "denied", "missed", "withdrawn"]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in; paper users have account ids that start with DU."""

    name: str
    password: str
    account: str
    modes: tuple[Mode, ...] = ("paper",)
    two_factor: bool = True

    def view(self) -> dict[str, Any]:
        """The user without the password."""
        return {
            "name": self.name,
            "account": self.account,
            "modes": list(self.modes),
            "two_factor": self.two_factor,
        }


DEFAULT_USERS = (User("paperuser", "paperpassword", "DU1234567"),)


def user_from(document: Mapping[str, Any]) -> User:
    """A user from JSON: name, password, account, optional modes and two_factor."""
    try:
        modes = tuple(document.get("modes", ["paper"]))
        name, password = str(document["name"]), str(document["password"])
        account = str(document["account"])
    except KeyError as missing:
        raise SimulatorSettingsError(f"a user needs the key {missing}") from None
    if not modes or any(mode not in ("paper", "live") for mode in modes):
        raise SimulatorSettingsError(f"modes of user {name} are paper and live, not {modes}")
    return User(name, password, account, modes, bool(document.get("two_factor", True)))


@dataclass(frozen=True, slots=True)
class Push:
    """A notification on the user's phone; `stacked` says that another one was still waiting."""

    id: int
    user: str
    sent: dt.datetime
    deadline: dt.datetime
    state: PushState = "waiting"
    stacked: bool = False
    orphaned: bool = False
    answered: dt.datetime | None = None

    def view(self) -> dict[str, Any]:
        """The push in JSON."""
        return {
            "id": self.id,
            "user": self.user,
            "sent": self.sent.isoformat(),
            "deadline": self.deadline.isoformat(),
            "state": self.state,
            "stacked": self.stacked,
            "orphaned": self.orphaned,
            "answered": self.answered.isoformat() if self.answered else None,
        }


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One login request as IBKR saw it; `result` is filled in as the login goes on."""

    id: int
    user: str
    kind: Kind
    mode: str
    gateway: str
    at: dt.datetime
    result: str = "pending"
    push: int | None = None

    def view(self) -> dict[str, Any]:
        """The attempt in JSON."""
        return {
            "id": self.id,
            "user": self.user,
            "kind": self.kind,
            "mode": self.mode,
            "gateway": self.gateway,
            "at": self.at.isoformat(),
            "result": self.result,
            "push": self.push,
        }


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

    def view(self) -> dict[str, Any]:
        """The session in JSON."""
        return {
            "id": self.id,
            "user": self.user,
            "account": self.account,
            "mode": self.mode,
            "gateway": self.gateway,
            "read_only": self.read_only,
            "since": self.since.isoformat(),
            "kicked": self.kicked,
            "link_up": self.link_up,
        }


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
                         it answers with a cold restart, or nothing at all
    `login_seconds`      pause of every step of a login
    """

    approval_seconds: float = 180
    lockout_after: int = 10
    lockout_seconds: float = 287
    rejection: Literal["unrecognized", "login-failed"] = "unrecognized"
    existing_check: Literal["after-push", "before-push"] = "after-push"
    expiry_dialog: Literal["dialog", "connection-failed", "silent"] = "dialog"
    login_seconds: float = 0.3
