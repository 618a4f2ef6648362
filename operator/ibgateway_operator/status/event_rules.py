"""Which Events a change deserves: from the status before and the status now. Pure.

The status before is the stored one, so a restarted operator announces nothing twice.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ibgateway_api.conditions import Condition, ConditionStatus, ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.names import SECRET_VNC_PASSWORD
from ibgateway_api.spec import TradingMode
from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.decide.gate import rfc3339
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.status.conditions import LOGIN_ADVICE


class EventType(StrEnum):
    """The two types of Events Kubernetes knows."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class PendingEvent:
    """One Event."""

    reason: str
    note: str
    tone: EventType = EventType.NORMAL
    action: str = "Reconcile"


LOUD: Final = {
    LoginState.APPROVAL_MISSED: "ApprovalMissed",
    LoginState.SESSION_CONFLICT: "SessionConflict",
    LoginState.API_UNRESPONSIVE: "ApiUnresponsive",
    LoginState.REJECTED: "LoginRejected",
    LoginState.LOCKED_OUT: "LockedOut",
    LoginState.TOKEN_EXPIRED: "TokenExpired",
    LoginState.NEEDS_PERSON: "PersonNeeded",
}
"""States a person should hear of. A lost connection is none: it comes back by itself, often at once."""


def events_for(seen: Snapshot, after: IBGatewayStatus) -> list[PendingEvent]:
    """What to say about this change, and what has to be said as long as it stands."""
    before = seen.gateway.status
    found = [
        _login(before, after),
        _refused(before, after),
        _overdue(before, after),
        _window(before, after),
        _default_password(seen),
    ]
    return [announcement for announcement in found if announcement]


def _login(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    login = after.login
    if login.state is before.login.state and login.since == before.login.since:
        return None
    since = f" (since {rfc3339(login.since)})" if login.since else ""
    if login.state is LoginState.AWAITING_APPROVAL:
        until = f" until {rfc3339(login.deadline)}" if login.deadline else ""
        note = f"approve the push on IBKR Mobile{until}{since}"
        return PendingEvent("ApprovalNeeded", note, EventType.WARNING, "Login")
    if login.state is LoginState.LOGGED_IN:
        return PendingEvent("LoggedIn", f"the gateway is logged in{since}", action="Login")
    if login.state in LOUD:
        note = f"{LOGIN_ADVICE[login.state]}{since}"
        return PendingEvent(LOUD[login.state], note, EventType.WARNING, "Login")
    return None


def _condition(status: IBGatewayStatus, kind: ConditionType) -> Condition | None:
    return next((c for c in status.conditions if c.type == kind), None)


BLOCKING: Final = frozenset(
    {
        "InvalidSpec",
        "NotSupported",
        "UnknownTimeZone",
        "AutoRestartInReset",
        "CredentialsMissing",
        "DuplicateUserName",
        "VncPasswordMissing",
        "DefaultVncPassword",
        "ForeignObject",
        "LedgerOfOtherMode",
        "ApplyRefused",
        "PolicyNotEnforced",
        "UnexpectedAccount",
    }
)
"""Reasons of Ready that wait for the user and for nothing else."""


def _refused(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    was, now = _condition(before, ConditionType.READY), _condition(after, ConditionType.READY)
    if now is None or now.reason not in BLOCKING:
        return None
    if was is not None and (was.reason, was.message) == (now.reason, now.message):
        return None
    return PendingEvent(now.reason, now.message, EventType.WARNING)


def _overdue(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    kind = ConditionType.OUTSIDE_RESTART_WINDOW
    was, now = _condition(before, kind), _condition(after, kind)
    if now is None or now.reason != "RestartOverdue" or (was and was.reason == now.reason):
        return None
    return PendingEvent(now.reason, now.message, EventType.WARNING, "Restart")


def _window(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    kind = ConditionType.OUTSIDE_RESTART_WINDOW
    was, now = _condition(before, kind), _condition(after, kind)
    if was is None or now is None or was.status is now.status:
        return None
    at = rfc3339(now.last_transition_time)
    if now.status is ConditionStatus.TRUE:
        return PendingEvent("WeekAuthenticated", f"{now.message} ({at})", action="Restart")
    restart = after.window.restart
    planned = f": the restart is planned for {rfc3339(restart)}" if restart else ""
    return PendingEvent("RestartWindowOpened", f"trading waits for the week's login{planned}")


def _default_password(seen: Snapshot) -> PendingEvent | None:
    """Said again with every start of the operator, until the user chooses a password."""
    spec, found = seen.gateway.spec, seen.credentials
    if spec is None or found is None or not found.found or found.has_vnc:
        return None
    if spec.trading_mode is not TradingMode.PAPER:
        return None
    note = (
        f"the VNC password is the documented default: add the key {SECRET_VNC_PASSWORD} to"
        f" Secret {found.secret}"
    )
    return PendingEvent("DefaultVncPassword", note, EventType.WARNING)
