"""One listener a gateway: a long poll of its sentinel, from which every change is known at once.

What was heard outlives a change of the pod's address: a replaced pod is silent, not unknown.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from ibgateway_api.names import Key
from ibgateway_api.reports import SentinelReport
from ibgateway_operator.model.memory import GatewayMemory
from ibgateway_runtime.http_client import Endpoint, HttpClient
from ibgateway_runtime.sentinel_client import SentinelFollower

logger = logging.getLogger(__name__)


class SentinelListener:
    """Listens to one endpoint at a time."""

    def __init__(
        self, follower: SentinelFollower, name: str, *, clock: Callable[[], float]
    ) -> None:
        self.follower = follower
        self._clock = clock
        self._begun: float | None = None
        self._name = name
        self._endpoint: Endpoint | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def report(self) -> SentinelReport | None:
        """What was heard last."""
        return self.follower.report

    @property
    def age(self) -> float:
        """Seconds since anything was heard; infinite before."""
        return self.follower.age

    @property
    def listened(self) -> float | None:
        """Seconds since the listening began; None before."""
        return None if self._begun is None else self._clock() - self._begun

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task that listens now."""
        return self._task

    def listen(self, endpoint: Endpoint | None) -> None:
        """Listen to this endpoint and to no other; None stops. A listener that died begins anew."""
        if self._task is not None and self._task.done():
            logger.error("%s ended by itself: %r", self._name, self._ended(self._task))
            self._task = None
        if self._task is not None and endpoint != self._endpoint:
            self.stop()
        if endpoint is not None and self._task is None:
            following = self.follower.follow(lambda: endpoint)
            self._task = asyncio.create_task(following, name=self._name)
            self._begun = self._clock() if self._begun is None else self._begun
        self._endpoint = endpoint

    def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
        self._task = None

    @staticmethod
    def _ended(task: asyncio.Task[None]) -> BaseException | None:
        return None if task.cancelled() else task.exception()


@dataclass(frozen=True)
class Sentinels:
    """Makes the listeners. `on_news` is called with the key when a report changes or a silence ends."""

    http: HttpClient
    clock: Callable[[], float]
    on_news: Callable[[Key], None]

    def follow(self, key: Key, memory: GatewayMemory, endpoint: Endpoint | None) -> None:
        """Listen to the sentinel of this gateway at `endpoint`; None stops listening."""
        self.listener(key, memory).listen(endpoint)

    def listener(self, key: Key, memory: GatewayMemory) -> SentinelListener:
        """The gateway's listener, made at the first look."""
        if not isinstance(memory.listening, SentinelListener):
            follower = SentinelFollower(
                self.http, clock=self.clock, on_change=lambda: self.on_news(key)
            )
            memory.listening = SentinelListener(follower, f"sentinel of {key}", clock=self.clock)
        return memory.listening
