"""The windows IBC knows, by kind and title, and what the login flow needs of the outside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ibgateway_simulator.gateway.ibc_log import Window

LOGIN: Window = ("frame", "IBKR Gateway")
LOADING: Window = ("frame", "Loading...")
AUTHENTICATING: Window = ("frame", "Authenticating...")
CONNECTING: Window = ("frame", "Connecting to server...")
STARTING: Window = ("frame", "Starting application...")
PUSH: Window = ("dialog", "Second Factor Authentication")
EXISTING: Window = ("dialog", "Existing session detected")
RELOGIN: Window = ("dialog", "Re-login is required")
REJECTED: Window = ("dialog", "Unrecognized Username or Password")
FAILED: Window = ("dialog", "Login failed")
LOCKED: Window = ("dialog", "Login")
NOTICE: Window = ("dialog", "IBKR Gateway")
RESTART: Window = ("dialog", "Restart in progress")
SHUTDOWN: Window = ("dialog", "Shutdown progress")


class ExitProcess(Exception):  # noqa: N818 -- the process ends, nothing is wrong
    """The process ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ScreenPort(Protocol):
    """The windows, as the flow uses them."""

    def show_login(self) -> None:
        """The login window, ready to be used."""

    def fill(self, user: str, password: str) -> None:
        """Put text into the two fields."""

    def press_login(self) -> None:
        """Press the login button."""

    def splash(self, text: str) -> None:
        """A small frame about progress; empty closes it."""

    def dialog(self, title: str, text: str, buttons: list[str]) -> None:
        """Open a dialog."""

    def close_dialog(self, title: str) -> None:
        """Close a dialog if it is open."""

    def show_main(self, *lines: str) -> None:
        """The window of a Gateway that is logged in."""


class ApiPort(Protocol):
    """The API port, as the flow uses it."""

    async def open(self, session: str) -> None:
        """Accept API connections for this session."""

    def close(self) -> None:
        """Stop and reset every connection."""


@dataclass(frozen=True, slots=True)
class FlowPorts:
    """What the flow acts on: windows, IBKR, the API port, and a way to be called later."""

    screen: ScreenPort
    post: Callable[[dict[str, Any]], None]
    api: ApiPort
    later: Callable[[float, str], None]
