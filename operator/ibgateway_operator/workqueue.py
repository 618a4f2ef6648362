"""The queue of keys: deduplicated, one run of a key at a time, back-off after failures.

It knows nothing of Kubernetes. A key added while it runs is run once more afterwards, so no change
is lost; a key asked for at several times keeps the earliest. This is the only place, beside the
outermost loop, that catches Exception.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from ibgateway_runtime.backoff import backoff

K = TypeVar("K", bound=Hashable)

FIRST_BACK_OFF: Final = 0.5
LONGEST_BACK_OFF: Final = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class After:
    """Ask for the key again after this many seconds, if nothing asks earlier."""

    seconds: float


Work = Callable[[K], Awaitable[After | None]]


@dataclass
class Workqueue(Generic[K]):
    """Keys due now or later. `clock` is monotonic seconds."""

    clock: Callable[[], float]
    name: str = "reconcile"
    _due: dict[K, float] = field(default_factory=dict)
    _running: dict[K, float] = field(default_factory=dict)
    _failures: dict[K, int] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, key: K, *, delay: float = 0.0) -> None:
        """Run `key` after `delay` seconds, or earlier where that was asked for already."""
        at = self.clock() + delay
        self._due[key] = min(at, self._due.get(key, at))
        self._changed.set()

    def forget(self, key: K) -> None:
        """Drop what is planned for a key that is gone."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    def __len__(self) -> int:
        """Keys that are due or running now."""
        now = self.clock()
        return sum(1 for at in self._due.values() if at <= now) + len(self._running)

    def oldest_run(self) -> float:
        """Seconds the longest running key has been at work; 0 when none is."""
        now = self.clock()
        return max((now - since for since in self._running.values()), default=0.0)

    async def take(self) -> K:
        """The key that is due the longest and not running; waits until there is one."""
        while True:
            self._changed.clear()
            now = self.clock()
            waiting = {k: at for k, at in self._due.items() if k not in self._running}
            key = min(waiting, key=waiting.__getitem__, default=None)
            if key is not None and waiting[key] <= now:
                del self._due[key]
                self._running[key] = now
                return key
            await self._sleep(None if key is None else waiting[key] - now)

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def done(self, key: K, *, again: After | None = None, failed: bool = False) -> float | None:
        """End a run of `key`. Gives the back-off in seconds where it failed."""
        self._running.pop(key, None)
        self._changed.set()
        if failed:
            count = self._failures.get(key, 0)
            self._failures[key] = count + 1
            delay = backoff(count, first=FIRST_BACK_OFF, longest=LONGEST_BACK_OFF)
            self.add(key, delay=delay)
            return delay
        self._failures.pop(key, None)
        if again is not None:
            self.add(key, delay=again.seconds)
        return None

    async def work(self, run: Work[K], *, failed: Callable[[K], None] = lambda _: None) -> None:
        """Take keys for ever and run them; a failure is logged and tried again later."""
        while True:
            key = await self.take()
            try:
                again = await run(key)
            except asyncio.CancelledError:
                self.done(key)
                raise
            except Exception:
                failed(key)
                delay = self.done(key, failed=True)
                logger.exception("%s of %s failed; again in %.1f s", self.name, key, delay)
            else:
                self.done(key, again=again)
