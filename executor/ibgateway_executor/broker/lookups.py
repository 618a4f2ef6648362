"""Questions to the broker that are asked beside each other, outside the dispatcher's turn.

What one question waits for holds up nobody else. The same question is asked once, however many orders
wait for it. One that fails, or whose answer is of no use, is asked again later and later; those have
places of their own, so that mute contracts don't keep new ones waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError, NotConnectedError
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.backoff import backoff
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
A = TypeVar("A")

NEW_AT_ONCE: Final = 24
REPEATED_AT_ONCE: Final = 8
FIRST_BACKOFF: Final = 5.0
LONGEST_BACKOFF: Final = 60.0


@dataclass(frozen=True)
class LookupFailure:
    """How often in a row a question has failed, why the last time, and from when it may be asked."""

    times: int
    message: str
    again_at: float


class Lookups(Generic[K, A]):
    """`ask` puts a question. `keep` takes each answer, and says whether it is of use.

    `changed` is set after each answer and each failure.
    """

    def __init__(
        self,
        *,
        ask: Callable[[Broker, K], Awaitable[A]],
        keep: Callable[[K, A], bool],
        clock: Clock,
        changed: Wakeup,
    ) -> None:
        self._ask = ask
        self._keep = keep
        self._clock = clock
        self._changed = changed
        self._running: dict[K, asyncio.Task[None]] = {}
        self._failures: dict[K, LookupFailure] = {}
        self._new = asyncio.Semaphore(NEW_AT_ONCE)
        self._repeated = asyncio.Semaphore(REPEATED_AT_ONCE)

    def want(self, broker: Broker, key: K) -> None:
        """Ask in the background, unless that is being done or it is too early to ask again.

        Raises what an earlier question has failed with, if that is an error of ours.
        """
        if self.running(key) or not self.due(key):
            return
        self._running[key] = asyncio.create_task(self._look_up(broker, key))

    def running(self, key: K) -> bool:
        """Whether the question is being asked."""
        task = self._running.get(key)
        if task is not None and task.done():
            del self._running[key]
            task.result()
        return key in self._running

    def due(self, key: K) -> bool:
        """Whether it may be asked (again) now."""
        failure = self._failures.get(key)
        return failure is None or self._clock.monotonic() >= failure.again_at

    def failure(self, key: K) -> str:
        """Why there was no useful answer the last time; empty where there was one, or none yet."""
        failure = self._failures.get(key)
        return failure.message if failure else ""

    async def _look_up(self, broker: Broker, key: K) -> None:
        try:
            async with self._repeated if key in self._failures else self._new:
                answer = await self._ask(broker, key)
        except NotConnectedError:
            return  # says nothing about the question: it is asked again over the next connection
        except BrokerError as error:
            self._failed(key, str(error))
        else:
            if self._keep(key, answer):
                self._failures.pop(key, None)
            else:
                self._failed(key, "the broker's answer is of no use")
        self._changed.set()

    def _failed(self, key: K, message: str) -> None:
        before = self._failures.get(key)
        times = before.times + 1 if before else 1
        pause = backoff(times - 1, first=FIRST_BACKOFF, longest=LONGEST_BACKOFF)
        self._failures[key] = LookupFailure(times, message, self._clock.monotonic() + pause)
        if times == 1:
            logger.warning("no answer of use about %s: %s; asked again later", key, message)
