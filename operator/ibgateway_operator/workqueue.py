"""The queue of keys: deduplicated, one run of a key at a time, back-off after failures.

It knows nothing of Kubernetes. A key added while it runs is run once more afterwards, so no change
is lost; a key asked for at several times keeps the earliest. This is the only place, beside the
outermost loop, that catches Exception.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterator
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
Still = Callable[[K], Awaitable[After | None]]
"""When to look again where time has passed and nothing else has happened; None where a run is due."""


async def _never(_: object) -> After | None:
    return None


@dataclass(frozen=True)
class Pace:
    """How often one key may run: so many runs at once, then one each so many seconds."""

    burst: int
    seconds: float


@dataclass
class Workqueue(Generic[K]):
    """Keys due now or later, in a heap: what one key costs does not depend on how many wait.

    `clock` is monotonic seconds.
    """

    clock: Callable[[], float]
    name: str = "reconcile"
    pace: Pace | None = None
    """A key that is added without end leaves the others their share; None sets no limit."""
    _spent: dict[K, float] = field(default_factory=dict)
    """Until when a key's runs so far count, each for the seconds of the pace."""
    _due: dict[K, float] = field(default_factory=dict)
    """When each key is due. Of the heap's entries only those count that say the same."""
    _heap: list[tuple[float, int, K]] = field(default_factory=list)
    """Time, order of asking, key; a running key has no entry that counts until its run ends."""
    _running: dict[K, float] = field(default_factory=dict)
    _asked: set[K] = field(default_factory=set)
    """Keys that somebody has added since their last run began; others come back by time alone."""
    _failures: dict[K, int] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def add(self, key: K, *, delay: float = 0.0) -> None:
        """Run `key` after `delay` seconds, or earlier where that was asked for already."""
        self._asked.add(key)
        self._plan(key, delay)

    def _plan(self, key: K, delay: float) -> None:
        at = self.clock() + delay
        if at >= self._due.get(key, float("inf")):
            return
        self._due[key] = at
        if key not in self._running:
            self._push(key, at)

    def _push(self, key: K, at: float) -> None:
        heapq.heappush(self._heap, (at, next(self._order), key))
        self._changed.set()

    def renew(self, key: K) -> None:
        """Run `key` now, whatever its pace: what has happened owes nothing to the runs before it."""
        self._spent.pop(key, None)
        self.add(key)

    def forget(self, key: K) -> None:
        """Drop what is planned for a key that is gone."""
        self._due.pop(key, None)
        self._asked.discard(key)
        self._spent.pop(key, None)
        self._failures.pop(key, None)

    def __len__(self) -> int:
        """Keys that are due or running now."""
        now = self.clock()
        return sum(1 for at in self._due.values() if at <= now) + len(self._running)

    def failing(self) -> int:
        """Keys whose last run failed."""
        return len(self._failures)

    def oldest_due(self) -> float:
        """Seconds that the key waits which is due the longest; 0 when none is. One that runs is at work."""
        now = self.clock()
        waiting = (at for key, at in self._due.items() if key not in self._running)
        return max(now - min(waiting, default=now), 0.0)

    def oldest_run(self) -> float:
        """Seconds the longest running key has been at work; 0 when none is."""
        now = self.clock()
        return max((now - since for since in self._running.values()), default=0.0)

    async def take(self) -> K:
        """The key that is due the longest and not running; waits until there is one."""
        while True:
            self._changed.clear()
            now, first = self.clock(), self._first()
            if first is not None and first[0] <= now:
                key = heapq.heappop(self._heap)[2]
                del self._due[key]
                if (wait := self._wait(key, now)) > 0:
                    self._plan(key, wait)
                    continue
                self._running[key] = now
                return key
            await self._sleep(None if first is None else first[0] - now)

    def _wait(self, key: K, now: float) -> float:
        """Seconds that a key has to wait because it ran too often; 0 counts this run."""
        if self.pace is None:
            return 0.0
        spent = max(self._spent.get(key, now), now)
        wait = spent - now - (self.pace.burst - 1) * self.pace.seconds
        if wait <= 0:
            self._spent[key] = spent + self.pace.seconds
        return wait

    def _first(self) -> tuple[float, int, K] | None:
        """The earliest entry that counts; those before it are dropped."""
        while self._heap:
            at, _, key = self._heap[0]
            if self._due.get(key) == at and key not in self._running:
                return self._heap[0]
            heapq.heappop(self._heap)
        return None

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def done(self, key: K, *, again: After | None = None, failed: bool = False) -> float | None:
        """End a run of `key`. Gives the back-off in seconds where it failed."""
        self._running.pop(key, None)
        if key in self._due:
            self._push(key, self._due[key])
        if failed:
            count = self._failures.get(key, 0)
            self._failures[key] = count + 1
            delay = backoff(count, first=FIRST_BACK_OFF, longest=LONGEST_BACK_OFF)
            self.add(key, delay=delay)
            return delay
        self._failures.pop(key, None)
        if again is not None:
            self._plan(key, again.seconds)
        elif key not in self._due:
            self._spent.pop(key, None)
        return None

    async def work(
        self,
        run: Work[K],
        *,
        still: Still[K] = _never,
        flight: int = 1,
    ) -> None:
        """Take keys for ever and run `flight` of them side by side.

        `still` is asked first about a key that nobody has added. A failure is logged and tried again
        later.
        """
        free = asyncio.Semaphore(flight)
        async with asyncio.TaskGroup() as runs:
            while True:
                await free.acquire()
                key = await self.take()
                task = runs.create_task(self._run(key, run, still))
                task.add_done_callback(lambda _: free.release())

    async def _run(self, key: K, run: Work[K], still: Still[K]) -> None:
        asked = key in self._asked
        self._asked.discard(key)
        try:
            again = None if asked else await still(key)
            again = again or await run(key)
        except asyncio.CancelledError:
            self.done(key)
            raise
        except Exception:
            delay = self.done(key, failed=True)
            logger.exception("%s of %s failed; again in %.1f s", self.name, key, delay)
        else:
            self.done(key, again=again)
