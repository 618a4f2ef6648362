"""Time that moves only when a test says so."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ibgateway_runtime.clock import Clock


@dataclass
class SteppedTime:
    """The wall clock and the monotonic one, apart from each other as in a machine."""

    now: datetime = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
    monotonic: float = 1000.0

    @property
    def clock(self) -> Clock:
        """What a program is given."""
        return Clock(now=lambda: self.now, monotonic=lambda: self.monotonic)

    def passes(self, span: timedelta) -> None:
        """Both go on."""
        self.now += span
        self.monotonic += span.total_seconds()
