"""The windows that IBC knows, by kind and title: values only."""

from enum import StrEnum
from typing import NamedTuple


class WindowKind(StrEnum):
    """What Java calls the window."""

    FRAME = "frame"
    DIALOG = "dialog"


class GatewayWindow(NamedTuple):
    """A window as IBC's log names it."""

    kind: WindowKind
    title: str


def frame(title: str) -> GatewayWindow:
    """A frame with this title."""
    return GatewayWindow(WindowKind.FRAME, title)


def dialog(title: str) -> GatewayWindow:
    """A dialog with this title."""
    return GatewayWindow(WindowKind.DIALOG, title)


LOGIN = frame("IBKR Gateway")
LOADING = frame("Loading...")
AUTHENTICATING = frame("Authenticating...")
CONNECTING = frame("Connecting to server...")
STARTING = frame("Starting application...")
PUSH = dialog("Second Factor Authentication")
EXISTING = dialog("Existing session detected")
RELOGIN = dialog("Re-login is required")
REJECTED = dialog("Unrecognized Username or Password")
FAILED = dialog("Login failed")
LOGIN_ERROR = dialog("IBKR Gateway Login Error")
LOCKED = dialog("Login")
NOTICE = dialog("IBKR Gateway")
RESTART = dialog("Restart in progress")
SHUTDOWN = dialog("Shutdown progress")
