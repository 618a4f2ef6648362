"""The gate: may an order be sent now? One pure function for the operator and the executor.

The clock only closes the gate; only evidence opens it. The first check that speaks against trading
names the reason, so the list reads as the order of importance.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ibgateway_api.login import Login, LoginState
from ibgateway_api.week import Window

NEWS_LIMIT_SECONDS: Final = 5.0
"""Silence of the sentinel after which nothing is known any more; its heartbeat is 1 s."""


class GateReason(StrEnum):
    """Why the gate is closed, beside the login states."""

    NO_NEWS = "NoNews"
    RESTART_WINDOW = "RestartWindow"
    PLANNED_STOP = "PlannedStop"
    NIGHTLY_RESTART = "NightlyRestart"
    HANDED_OVER = "HandedOver"
    SUSPENDED = "Suspended"
    PAUSED = "Paused"
    """A person has told the executor to send nothing."""
    UNEXPECTED_ACCOUNT = "UnexpectedAccount"
    READ_ONLY_API = "ReadOnlyApi"
    CLOCK_SKEW = "ClockSkew"
    NOT_RECONCILED = "NotReconciled"
    LEDGER_UNAVAILABLE = "LedgerUnavailable"
    HELD = "Held"
    """A program of another version holds trading for a reason that this one does not know."""


@dataclass(frozen=True)
class Hold:
    """Something that holds trading although login and link are fine; `until` where it is known."""

    reason: GateReason
    until: datetime | None = None


@dataclass(frozen=True)
class Open:
    """An order sent now would reach the market."""


@dataclass(frozen=True)
class Closed:
    """No order may be sent; `reason` is a login state or a `GateReason`."""

    reason: LoginState | GateReason
    message: str
    until: datetime | None = None


Gate = Open | Closed

_WHY: Final = {
    GateReason.NO_NEWS: "nothing is heard from the gateway's sentinel",
    GateReason.RESTART_WINDOW: "the week is not authenticated",
    GateReason.PLANNED_STOP: "the gateway is being stopped",
    GateReason.NIGHTLY_RESTART: "the gateway is about to restart itself, as every night, without a push",
    GateReason.HANDED_OVER: "a person has the login for themselves (ibgateway.dev/handover-until, or at the console)",
    GateReason.SUSPENDED: "spec.suspend is true",
    GateReason.PAUSED: "a person has paused it: POST /v1/resume ends that; a pause from the console the button there"
    " or the annotation ibgateway.dev/resume-requested-at",
    GateReason.UNEXPECTED_ACCOUNT: "the login has other accounts than those that may be traded",
    GateReason.READ_ONLY_API: "spec.gateway.readOnlyApi is true, or the gateway was started with it",
    GateReason.CLOCK_SKEW: "the node's clock is more than five seconds off IBKR's: set it right (NTP)",
    GateReason.NOT_RECONCILED: "the ledger is not reconciled with the broker",
    GateReason.LEDGER_UNAVAILABLE: "the executor's ledger can't be written",
    GateReason.HELD: "a program of another version says so, for a reason that this one does not know:"
    " upgrade the operator and the executor",
}
"""In words for a person; whoever knows the particulars says them instead."""


def gate(login: Login | None, *, age_of_news: float, week: Window, holds: tuple[Hold, ...]) -> Gate:
    """Open only while proof of login is fresh, the week is authenticated and nothing holds.

    `age_of_news` is in seconds since the sentinel was last heard, `login` None before it ever was.
    """
    if login is None or age_of_news > NEWS_LIMIT_SECONDS:
        return Closed(GateReason.NO_NEWS, "nothing has been heard from the gateway's sentinel")
    if handed_over := next((hold for hold in holds if hold.reason in _SAID_FIRST), None):
        return _held(handed_over)
    if login.state is not LoginState.LOGGED_IN:
        return Closed(login.state, f"the gateway is not logged in: {login.state}", login.deadline)
    if week.open:
        return Closed(
            GateReason.RESTART_WINDOW,
            "the week is not authenticated: a full login after IBKR's token boundary is missing",
            week.restart,
        )
    for hold in holds:
        return _held(hold)
    return Open()


def _held(hold: Hold) -> Closed:
    return Closed(hold.reason, f"trading is held: {_WHY[hold.reason]}", hold.until)


_SAID_FIRST: Final = frozenset({GateReason.HANDED_OVER})
"""What explains a login that is gone: said instead of the login's own state."""
