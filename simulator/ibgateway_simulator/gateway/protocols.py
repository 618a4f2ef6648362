"""What the login flow needs of the outside, and how it ends the process."""

from typing import Protocol

from ibgateway_simulator.gateway.settings import ApiSettings


class ExitProcess(Exception):  # noqa: N818 -- the process ends, nothing is wrong
    """The process ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class GatewayScreen(Protocol):
    """The windows on the display."""

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

    def settings(self, title: str, shown: ApiSettings) -> None:
        """Open the window of Configure > Settings."""

    def close_settings(self) -> None:
        """Close it if it is open."""

    def show_main(self, *lines: str) -> None:
        """The window of a Gateway that is logged in."""


class ApiPort(Protocol):
    """The port that API clients connect to."""

    async def open(self, session: str) -> None:
        """Accept API connections for this session."""

    def close(self) -> None:
        """Stop and reset every connection."""
