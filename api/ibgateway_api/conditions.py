"""Conditions: their types, their reasons, and the one way they change."""

from datetime import datetime
from enum import StrEnum

from ibgateway_api.document import Document


class ConditionType(StrEnum):
    """The conditions of an IBGateway, in the order they are shown."""

    SPEC_ACCEPTED = "SpecAccepted"
    GATEWAY_LOGGED_IN = "GatewayLoggedIn"
    OUTSIDE_RESTART_WINDOW = "OutsideRestartWindow"
    TRADING_ALLOWED = "TradingAllowed"
    EXECUTOR_READY = "ExecutorReady"
    CONSOLE_READY = "ConsoleReady"
    NETWORK_POLICY_ENFORCED = "NetworkPolicyEnforced"
    CHANGE_PENDING = "ChangePending"
    NOTIFICATIONS_DELIVERED = "NotificationsDelivered"
    READY = "Ready"


class ConditionStatus(StrEnum):
    """A condition's status as Kubernetes writes it."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Document):
    """metav1.Condition."""

    type: str
    """The kind of condition."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: str
    """A word for programs; documented in docs/conditions.md."""
    message: str = ""
    """A sentence for people."""
    last_transition_time: datetime
    """When `status` last changed."""
    observed_generation: int = 0
    """The generation of the spec this was derived from."""


def transition(before: Condition | None, after: Condition) -> Condition:
    """`after` with the time of `before` where the status did not change."""
    if before is not None and before.status is after.status:
        return after.model_copy(update={"last_transition_time": before.last_transition_time})
    return after
