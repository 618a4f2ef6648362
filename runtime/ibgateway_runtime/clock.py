"""Time as a value that is handed in."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """`now` is aware UTC; `monotonic` is seconds that never go back."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


def system_clock() -> Clock:
    """The machine's clocks."""
    return Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
