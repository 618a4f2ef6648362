"""Time that jumps to whatever is due next: an event loop that never sleeps, and the clocks of its programs.

Everything that waits with asyncio waits in virtual time. A loop on which nothing is planned would wait
for ever: that is an error of the test.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ibgateway_runtime.clock import Clock

T = TypeVar("T")


class JumpingSelector(selectors.DefaultSelector):
    """Looks at its sockets, and lets the time pass that it was to wait for them."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; else nothing, after the timeout.

        Each look takes a microsecond: after some months a float has no place for the nanosecond by which
        asyncio looks ahead, and what is due just now would be waited for without end.
        """
        ready = super().select(0)
        if timeout is None and not ready:
            raise RuntimeError("nothing is planned: this world stands still for ever")
        self.seconds += max(timeout or 0.0, 1e-6) if not ready else 0.0
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time begins at 0."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop began."""
        return self._jumping.seconds


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


class VirtualClock:
    """The wall clock of the world; `set_forward` makes the machine's own clocks wrong."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._loop = asyncio.get_running_loop()
        self.step = timedelta()

    def true(self) -> datetime:
        """The time that IBKR and people have."""
        return self._start + timedelta(seconds=self._loop.time())

    def now(self) -> datetime:
        """The time that the programs have."""
        return self.true() + self.step

    def monotonic(self) -> float:
        """Seconds that no setting of a clock changes."""
        return self._loop.time()

    @property
    def clock(self) -> Clock:
        """What a program is given."""
        return Clock(now=self.now, monotonic=self.monotonic)
