"""A clock that moves when a test says so."""

from datetime import datetime, timedelta

from executor_fakes.values import NOON
from ibgateway_runtime.clock import Clock


class ManualClock:
    """`now` and `seconds` are what `clock` tells; `advance` moves both."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.seconds = 1000.0
        self.clock = Clock(now=lambda: self.now, monotonic=lambda: self.seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def set(self, now: datetime) -> None:
        """Go on until this moment."""
        self.advance((now - self.now).total_seconds())
