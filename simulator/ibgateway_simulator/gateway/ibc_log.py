"""IBC's log on standard output: `YYYY-MM-DD HH:MM:SS:mmm IBC: message`, and its window events.

The focus is tracked so that opening a window takes it from the one before, as Java's events do.
"""

import datetime as dt
from collections.abc import Callable
from typing import TextIO

from ibgateway_simulator.gateway.windows import GatewayWindow

BANNER = "!" * 79


class IbcLog:
    """Writes lines at once; `now` gives local time."""

    def __init__(self, out: TextIO, now: Callable[[], dt.datetime]) -> None:
        self._out = out
        self._now = now
        self._focus: GatewayWindow | None = None

    def raw(self, *lines: str) -> None:
        """Lines without a prefix."""
        self._out.write("".join(f"{line}\n" for line in lines))
        self._out.flush()

    def line(self, message: str) -> None:
        """One line of IBC."""
        now = self._now()
        self.raw(f"{now:%Y-%m-%d %H:%M:%S}:{now.microsecond // 1000:03d} IBC: {message}")

    def fault(self, message: str) -> None:
        """An error of IBC, between two rows of exclamation marks."""
        self.raw(BANNER)
        self.line(message)
        self.raw(BANNER)

    def event(self, window: GatewayWindow, event: str) -> None:
        """One window event."""
        self.line(f"detected {window.kind} entitled: {window.title}; event={event}")

    def opened(self, window: GatewayWindow, *after: str) -> None:
        """A window opens, IBC says `after`, and it takes the focus."""
        self.event(window, "Opened")
        for message in after:
            self.line(message)
        self.focus(window)

    def focus(self, window: GatewayWindow) -> None:
        """The focus moves to a window."""
        if self._focus == window:
            return
        self.blur()
        self.event(window, "Activated")
        self.event(window, "Focused")
        self._focus = window

    def blur(self) -> None:
        """The window that has the focus loses it."""
        if self._focus is not None:
            self.event(self._focus, "Lost focus")
            self.event(self._focus, "Deactivated")
            self._focus = None

    def closed(self, window: GatewayWindow) -> None:
        """A window closes; it loses the focus first if it has it."""
        if self._focus == window:
            self.blur()
        self.event(window, "Closed")

    def renamed(self, title: str) -> None:
        """The frame that has the focus shows another title."""
        if self._focus is not None:
            self._focus = self._focus._replace(title=title)
