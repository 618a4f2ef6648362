"""Every reason a condition or an Event can give, beside the login states and the gate's own reasons.

docs/conditions.md says of each what it means and what to do; a test compares. Pure.
"""

from enum import StrEnum

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState


class ConditionReason(StrEnum):
    """Reasons of conditions; the message beside it has the particulars."""

    ACCEPTED = "Accepted"
    INVALID_SPEC = "InvalidSpec"
    UNKNOWN_TIME_ZONE = "UnknownTimeZone"
    AUTO_RESTART_IN_RESET = "AutoRestartInReset"
    RESTART_IN_QUIET_HOURS = "RestartInQuietHours"
    WEEK_AUTHENTICATED = "WeekAuthenticated"
    RESTART_OVERDUE = "RestartOverdue"
    GATE_OPEN = "GateOpen"
    POD_READY = "PodReady"
    GATE_CLOSED = "GateClosed"
    GATEWAY_MISSING = "GatewayMissing"
    POD_NOT_READY = "PodNotReady"
    POD_WAITING = "PodWaiting"
    NO_POD = "NoPod"
    DISABLED = "Disabled"
    STOPPED_WHILE_CLOSED = "StoppedWhileClosed"
    POLICY_ENFORCED = "PolicyEnforced"
    POLICY_NOT_ENFORCED = "PolicyNotEnforced"
    POLICY_UNKNOWN = "PolicyUnknown"
    POLICY_DISABLED = "PolicyDisabled"
    FOREIGN_OBJECT = "ForeignObject"
    LEDGER_OF_OTHER_MODE = "LedgerOfOtherMode"
    APPLY_REFUSED = "ApplyRefused"
    APPLY_FAILED = "ApplyFailed"
    CHILD_TERMINATING = "ChildTerminating"
    SECRET_TERMINATING = "SecretTerminating"  # noqa: S105 - a reason, not a secret
    CREDENTIALS_UNKNOWN = "CredentialsUnknown"
    CREDENTIALS_MISSING = "CredentialsMissing"
    CREDENTIALS_UNUSABLE = "CredentialsUnusable"
    DUPLICATE_USER_NAME = "DuplicateUserName"
    VNC_PASSWORD_MISSING = "VncPasswordMissing"  # noqa: S105 - a reason, not a secret
    DEFAULT_VNC_PASSWORD = "DefaultVncPassword"  # noqa: S105 - a reason, not a secret
    GUESSABLE_VNC_PASSWORD = "GuessableVncPassword"  # noqa: S105 - a reason, not a secret
    CHANGE_WAITS = "ChangeWaits"
    NOTHING_WAITS = "NothingWaits"
    DELIVERED = "Delivered"
    UNDELIVERED = "Undelivered"
    NOT_CONFIGURED = "NotConfigured"
    OPERATOR_AWAY = "OperatorAway"
    TRADING = "Trading"


class EventReason(StrEnum):
    """Reasons of Events that no condition gives, or that tell of a change."""

    APPROVAL_NEEDED = "ApprovalNeeded"
    APPROVAL_MISSED = "ApprovalMissed"
    LOGIN_REJECTED = "LoginRejected"
    LOCKED_OUT = "LockedOut"
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - a reason, not a secret
    PERSON_NEEDED = "PersonNeeded"
    SESSION_CONFLICT = "SessionConflict"
    CONFLICT_BEFORE_CLOSE = "ConflictBeforeClose"
    API_UNRESPONSIVE = "ApiUnresponsive"
    LOGGED_IN = "LoggedIn"
    CONNECTION_LOST = "ConnectionLost"
    RESTART_WINDOW_OPENED = "RestartWindowOpened"
    RESTART_BEGUN = "RestartBegun"
    RESTART_REFUSED = "RestartRefused"
    RESTART_OVERDUE = "RestartOverdue"
    WEEK_AUTHENTICATED = "WeekAuthenticated"
    LOGIN_REQUESTED = "LoginRequested"
    LOGIN_REQUEST_IGNORED = "LoginRequestIgnored"
    HANDOVER_REQUESTED = "HandoverRequested"
    HANDOVER_IGNORED = "HandoverIgnored"
    HANDOVER_COSTS_PUSH = "HandoverCostsPush"
    HANDED_OVER = "HandedOver"
    HANDED_BACK = "HandedBack"
    POD_REPLACED = "PodReplaced"
    CHANGE_PENDING = "ChangePending"
    PROGRAM_STOPPED = "ProgramStopped"
    PROGRAM_STARTED = "ProgramStarted"
    DEFAULT_VNC_PASSWORD = "DefaultVncPassword"  # noqa: S105 - a reason, not a secret
    LONG_VNC_PASSWORD = "LongVncPassword"  # noqa: S105 - a reason, not a secret
    MESSAGES_UNDELIVERED = "MessagesUndelivered"


Reason = LoginState | GateReason | ConditionReason
"""What a condition's `reason` may be."""
