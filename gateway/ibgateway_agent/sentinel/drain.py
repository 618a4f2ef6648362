"""Whether whoever trades through this gateway has drained, so that it may stop.

An executor says so with each of its long polls: over the one connection that it has anyway, which goes on
while Services, names and policies of a deleted gateway are already gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from ibgateway_api.console_documents import QueueReport
from ibgateway_runtime.clock import Clock

BETWEEN_POLLS_SECONDS: Final = 3.0
"""Who asks for the state has the next question on its way within that, also after a broken one."""


class DrainWatch:
    """Hears executors. A word counts for a stop only from one that has heard of that stop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asking = 0
        self._left = clock.monotonic()
        """An executor that asked a sentinel before this one has its next question on its way."""
        self._knew = -1
        self._announced: int | None = None
        self.closes: datetime | None = None
        """When the session of what is traded ends, by the last executor that asked."""
        self._queue: QueueReport | None = None

    @property
    def queue(self) -> QueueReport | None:
        """What the executor that asks has said of its orders last; None where none asks."""
        return self._queue if self._is_heard() else None

    @contextmanager
    def heard(
        self,
        knows: int,
        *,
        drained: bool,
        closes: datetime | None = None,
        queue: QueueReport | None = None,
    ) -> Iterator[None]:
        """While an executor asks, which knows the report of that sequence."""
        self.closes, self._queue = closes, queue
        if drained:
            self._knew = max(self._knew, knows)
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            self._left = self._clock.monotonic()

    def done(self, *, stops: bool, sequence: int) -> bool:
        """Whether the stop may go on; `sequence` is of the report that tells of it, or of a later one."""
        if not stops:
            self._announced = None
            return False
        if self._announced is None:
            self._announced = sequence
        if self._knew >= self._announced:
            return True
        return not self._is_heard()

    def _is_heard(self) -> bool:
        return bool(self._asking) or self._clock.monotonic() - self._left <= BETWEEN_POLLS_SECONDS
