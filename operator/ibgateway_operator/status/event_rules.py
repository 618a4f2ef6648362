"""Which Events a change deserves: from the status before and the status now. Pure.

The status before is the stored one, so a restarted operator announces nothing twice.
"""

from typing import Final

from ibgateway_api.accounts import TradingMode
from ibgateway_api.advice import CONFLICT_BEFORE_CLOSE, LOGIN_ADVICE, lost_for_long
from ibgateway_api.conditions import Condition, ConditionStatus, ConditionType
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.names import SECRET_VNC_PASSWORD
from ibgateway_api.reasons import ConditionReason, EventReason, Reason
from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.model.snapshot import Credentials, Snapshot
from ibgateway_operator.model.times import rfc3339
from ibgateway_operator.status.handover_events import handover_events
from ibgateway_operator.status.pending_event import EventType, PendingEvent

WARNED: Final = {
    LoginState.APPROVAL_MISSED: EventReason.APPROVAL_MISSED,
    LoginState.SESSION_CONFLICT: EventReason.SESSION_CONFLICT,
    LoginState.API_UNRESPONSIVE: EventReason.API_UNRESPONSIVE,
    LoginState.REJECTED: EventReason.LOGIN_REJECTED,
    LoginState.LOCKED_OUT: EventReason.LOCKED_OUT,
    LoginState.TOKEN_EXPIRED: EventReason.TOKEN_EXPIRED,
    LoginState.NEEDS_PERSON: EventReason.PERSON_NEEDED,
}
"""States a person should hear of at once. A lost connection is none: it mostly comes back by itself."""


def events_for(snapshot: Snapshot, after: IBGatewayStatus) -> list[PendingEvent]:
    """What to say about this change, and what has to be said as long as it stands."""
    before = snapshot.gateway.status
    found = [
        _login(before, after),
        _lost_for_long(before, after),
        _conflict_before_close(before, after),
        _refused(before, after),
        _overdue(before, after),
        _change_pending(before, after),
        _window(before, after),
        _program(before, after),
        _undelivered(before, after),
        _default_password(before, snapshot),
        _long_password(before, snapshot),
    ]
    return [event for event in (*found, *handover_events(snapshot, after)) if event]


def _login(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    login = after.login
    if login.state is before.login.state and login.since == before.login.since:
        return None
    since = f" (since {rfc3339(login.since)})" if login.since else ""
    if login.state is LoginState.AWAITING_APPROVAL:
        until = f" until {rfc3339(login.deadline)}" if login.deadline else ""
        note = f"approve the push on IBKR Mobile{until}{since}"
        return PendingEvent(EventReason.APPROVAL_NEEDED, note, EventType.WARNING, "Login")
    if login.state is LoginState.LOGGED_IN:
        if not before.conditions:
            return None  # that it has come back is news; that it is there, the status says
        return PendingEvent(
            EventReason.LOGGED_IN, f"the gateway is logged in{since}", action="Login"
        )
    if login.state in WARNED:
        note = f"{LOGIN_ADVICE[login.state]}{since}"
        return PendingEvent(WARNED[login.state], note, EventType.WARNING, "Login")
    return None


def _lost_for_long(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    """Once for each loss that lasts: its words name when it began."""
    kind = ConditionType.GATEWAY_LOGGED_IN
    was, now = _condition(before, kind), _condition(after, kind)
    if now is None or now.reason != LoginState.CONNECTION_LOST or after.login.since is None:
        return None
    words = lost_for_long(after.login.since)
    if not now.message.startswith(words) or (was and was.message.startswith(words)):
        return None
    return PendingEvent(EventReason.CONNECTION_LOST, words, EventType.WARNING, "Login")


def _conflict_before_close(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    """Once for each conflict that stands in the last trading hour."""
    kind = ConditionType.GATEWAY_LOGGED_IN
    was, now = _condition(before, kind), _condition(after, kind)
    if (
        now is None
        or not now.message.startswith(CONFLICT_BEFORE_CLOSE)
        or after.login.since is None
    ):
        return None
    if was and was.message.startswith(CONFLICT_BEFORE_CLOSE):
        return None
    note = f"{CONFLICT_BEFORE_CLOSE} (since {rfc3339(after.login.since)})"
    return PendingEvent(EventReason.CONFLICT_BEFORE_CLOSE, note, EventType.WARNING, "Login")


def _condition(status: IBGatewayStatus, kind: ConditionType) -> Condition | None:
    return next((c for c in status.conditions if c.type == kind), None)


BLOCKING: Final[frozenset[Reason]] = frozenset(
    {
        ConditionReason.INVALID_SPEC,
        ConditionReason.UNKNOWN_TIME_ZONE,
        ConditionReason.AUTO_RESTART_IN_RESET,
        ConditionReason.RESTART_IN_QUIET_HOURS,
        ConditionReason.CREDENTIALS_MISSING,
        ConditionReason.CREDENTIALS_UNUSABLE,
        ConditionReason.DUPLICATE_USER_NAME,
        ConditionReason.VNC_PASSWORD_MISSING,
        ConditionReason.DEFAULT_VNC_PASSWORD,
        ConditionReason.GUESSABLE_VNC_PASSWORD,
        ConditionReason.FOREIGN_OBJECT,
        ConditionReason.LEDGER_OF_OTHER_MODE,
        ConditionReason.APPLY_REFUSED,
        ConditionReason.APPLY_FAILED,
        ConditionReason.POLICY_NOT_ENFORCED,
        GateReason.UNEXPECTED_ACCOUNT,
    }
)
"""Reasons of Ready that wait for the user and for nothing else."""


_BEFORE_THE_SECRET: Final[frozenset[Reason]] = frozenset(
    {ConditionReason.CREDENTIALS_MISSING, ConditionReason.CREDENTIALS_UNKNOWN}
)


def _refused(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    was, now = _condition(before, ConditionType.READY), _condition(after, ConditionType.READY)
    reason = next((r for r in BLOCKING if now is not None and r == now.reason), None)
    if now is None or reason is None:
        return None
    if was is not None and (was.reason, was.message) == (now.reason, now.message):
        return None
    return PendingEvent(reason, now.message, EventType.WARNING)


def _overdue(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    kind = ConditionType.OUTSIDE_RESTART_WINDOW
    was, now = _condition(before, kind), _condition(after, kind)
    if (
        now is None
        or now.reason != ConditionReason.RESTART_OVERDUE
        or (was and was.reason == now.reason)
    ):
        return None
    return PendingEvent(EventReason.RESTART_OVERDUE, now.message, EventType.WARNING, "Restart")


def _change_pending(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    """Once for each template that waits."""
    now = _condition(after, ConditionType.CHANGE_PENDING)
    if now is None or not after.pending_revision:
        return None
    if after.pending_revision == before.pending_revision:
        return None
    return PendingEvent(EventReason.CHANGE_PENDING, now.message)


def _window(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    kind = ConditionType.OUTSIDE_RESTART_WINDOW
    was, now = _condition(before, kind), _condition(after, kind)
    if was is None or now is None or was.status is now.status:
        return None
    at = rfc3339(now.last_transition_time)
    if now.status is ConditionStatus.TRUE:
        return PendingEvent(
            EventReason.WEEK_AUTHENTICATED, f"{now.message} ({at})", action="Restart"
        )
    restart = after.window.restart
    planned = f": the restart is planned for {rfc3339(restart)}" if restart else ""
    return PendingEvent(
        EventReason.RESTART_WINDOW_OPENED, f"trading waits for the week's login{planned}"
    )


def _program(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    """A program of one's own that the gate has stopped, or started again."""
    kind, stopped = ConditionType.EXECUTOR_READY, ConditionReason.STOPPED_WHILE_CLOSED
    was, now = _condition(before, kind), _condition(after, kind)
    if was is None or now is None or (was.reason == stopped) is (now.reason == stopped):
        return None
    if now.reason == stopped:
        return PendingEvent(EventReason.PROGRAM_STOPPED, f"the program is {now.message}")
    note = "spec.executor.whenClosed is stop, and the program is not held back by the gate any more"
    return PendingEvent(EventReason.PROGRAM_STARTED, note)


def _undelivered(before: IBGatewayStatus, after: IBGatewayStatus) -> PendingEvent | None:
    """Once for each loss: people who are not told look here."""
    kind = ConditionType.NOTIFICATIONS_DELIVERED
    was, now = _condition(before, kind), _condition(after, kind)
    if now is None or now.status is not ConditionStatus.FALSE:
        return None
    if was is not None and was.status is now.status:
        return None
    return PendingEvent(EventReason.MESSAGES_UNDELIVERED, now.message, EventType.WARNING)


def _default_password(before: IBGatewayStatus, snapshot: Snapshot) -> PendingEvent | None:
    spec, found = snapshot.gateway.spec, _secret_that_came(before, snapshot)
    if spec is None or found is None or spec.trading_mode is not TradingMode.PAPER:
        return None
    if found.has_vnc and not found.default_vnc:
        return None
    do = "give another value to" if found.has_vnc else "add"
    note = (
        f"the VNC password is the documented default: {do} the key {SECRET_VNC_PASSWORD} of"
        f" Secret {found.secret}"
    )
    return PendingEvent(EventReason.DEFAULT_VNC_PASSWORD, note, EventType.WARNING)


def _long_password(before: IBGatewayStatus, snapshot: Snapshot) -> PendingEvent | None:
    found = _secret_that_came(before, snapshot)
    if found is None or not found.long_vnc:
        return None
    note = (
        f"{SECRET_VNC_PASSWORD} in Secret {found.secret} has more than eight characters: VNC looks at the"
        " first eight only, so choose eight that can't be guessed"
    )
    return PendingEvent(EventReason.LONG_VNC_PASSWORD, note, EventType.WARNING)


def _secret_that_came(before: IBGatewayStatus, snapshot: Snapshot) -> Credentials | None:
    """The Secret, when the gateway begins and when it has come: a restarted operator says nothing anew."""
    ready = _condition(before, ConditionType.READY)
    if ready is not None and ready.reason not in _BEFORE_THE_SECRET:
        return None
    found = snapshot.credentials
    return found if found is not None and found.found else None
