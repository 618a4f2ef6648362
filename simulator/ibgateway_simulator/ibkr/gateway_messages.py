"""What a gateway and IBKR say to each other: JSON objects whose `type` is one of these.

gateway -> IBKR   login {user, password|token|session, kind, mode, read_only, take_over}
                  existing_answer {go_on}    device {device}    logout {}
                  api_settings {read_only}
IBKR -> gateway   rejected {dialog}  locked {seconds}  devices {devices}  push_sent {push, seconds}
                  push_approved|push_denied|push_missed {}  existing {other}  yielded {}
                  token_expired {dialog, file_stays}  login_error {}  logged_in {session, account, token}
                  kicked {style}  link {up}  auto_restart {}
"""

from enum import StrEnum
from typing import Any

GatewayMessage = dict[str, Any]


class GatewayRequest(StrEnum):
    """What a gateway asks of IBKR."""

    LOGIN = "login"
    EXISTING_ANSWER = "existing_answer"
    DEVICE = "device"
    LOGOUT = "logout"
    API_SETTINGS = "api_settings"


class IbkrNotice(StrEnum):
    """What IBKR tells a gateway."""

    REJECTED = "rejected"
    LOCKED = "locked"
    LOGIN_ERROR = "login_error"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 -- a kind of message
    DEVICES = "devices"
    PUSH_SENT = "push_sent"
    PUSH_APPROVED = "push_approved"
    PUSH_DENIED = "push_denied"
    PUSH_MISSED = "push_missed"
    EXISTING = "existing"
    YIELDED = "yielded"
    LOGGED_IN = "logged_in"
    KICKED = "kicked"
    LINK = "link"
    AUTO_RESTART = "auto_restart"


def notice(kind: IbkrNotice, /, **details: Any) -> GatewayMessage:
    """A message from IBKR to a gateway."""
    return {"type": kind, **details}


def request(kind: GatewayRequest, /, **details: Any) -> GatewayMessage:
    """A message from a gateway to IBKR."""
    return {"type": kind, **details}
