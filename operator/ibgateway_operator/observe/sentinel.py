"""One listener a gateway: a long poll of its sentinel, from which every change is news at once.

A heartbeat each second says that silence is silence. What was heard, and when, is all that is kept;
what it means is for the gate to say.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.names import Key
from ibgateway_api.reports import SentinelReport
from ibgateway_api.requests import LoginRequest, RestartRequest
from ibgateway_operator.errors import EndpointUnavailableError
from ibgateway_operator.model.snapshot import HeardReport
from ibgateway_operator.observe.http import Endpoint, HttpClient

WAIT_SECONDS: Final = 30
RETRY_SECONDS: Final = 0.25

logger = logging.getLogger(__name__)


@dataclass
class _Listener:
    peer: Endpoint
    task: asyncio.Task[None]


@dataclass
class Sentinels:
    """The listeners. `on_news` is called with the key at every change and when silence ends."""

    peers: HttpClient
    clock: Callable[[], float]
    on_news: Callable[[Key], None]
    _listeners: dict[Key, _Listener] = field(default_factory=dict)
    _news: dict[Key, HeardReport] = field(default_factory=dict)

    def follow(self, key: Key, peer: Endpoint | None) -> None:
        """Listen to this sentinel, and to no other for this key; None stops listening."""
        listener = self._listeners.get(key)
        if listener is not None and (peer is None or listener.peer != peer):
            listener.task.cancel()
            del self._listeners[key]
        if peer is not None and key not in self._listeners:
            task = asyncio.create_task(self._listen(key, peer), name=f"sentinel of {key}")
            self._listeners[key] = _Listener(peer, task)

    def news(self, key: Key) -> HeardReport | None:
        """What was heard last; None where nothing ever was."""
        return self._news.get(key)

    def age(self, key: Key) -> float:
        """Seconds since anything was heard; infinite before."""
        news = self._news.get(key)
        return self.clock() - news.heard if news else float("inf")

    def forget(self, key: Key) -> None:
        """The IBGateway is gone."""
        self.follow(key, None)
        self._news.pop(key, None)

    async def close(self) -> None:
        """Stop listening to all."""
        tasks = [listener.task for listener in self._listeners.values()]
        self._listeners.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def request_login(self, peer: Endpoint, wish: str) -> None:
        """Hand a person's wish to the sentinel. Raises PeerUnavailable."""
        await self.peers.post(peer, "/v1/login-requests", LoginRequest(id=wish).to_json())

    async def request_restart(self, peer: Endpoint, wish: str) -> None:
        """Ask for the week's restart; the same id never restarts twice. Raises PeerUnavailable."""
        await self.peers.post(peer, "/v1/restarts", RestartRequest(id=wish).to_json())

    async def _listen(self, key: Key, peer: Endpoint) -> None:
        while True:
            try:
                await self._poll(key, peer)
            except EndpointUnavailableError as error:
                logger.debug("the sentinel of %s is not heard: %s", key, error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _poll(self, key: Key, peer: Endpoint) -> None:
        """The state now, then each change; the first request carries no sequence of an older process."""
        sequence = await self._hear(key, peer, "/v1/status")
        while sequence is not None:
            path = f"/v1/status?after={sequence}&wait={WAIT_SECONDS}"
            sequence = await self._hear(key, peer, path)

    async def _hear(self, key: Key, peer: Endpoint, path: str) -> int | None:
        sequence = None
        async for line in self.peers.lines(peer, path):
            report = _report(line) if line else None
            sequence = report.sequence if report else sequence
            self._heard(key, report)
        return sequence

    def _heard(self, key: Key, report: SentinelReport | None) -> None:
        before = self._news.get(key) or HeardReport(None, float("-inf"))
        now = self.clock()
        after = HeardReport(report or before.report, now)
        self._news[key] = after
        silent = now - before.heard > NEWS_LIMIT_SECONDS
        if silent or (report is not None and _differs(before.report, report)):
            self.on_news(key)


def _differs(before: SentinelReport | None, after: SentinelReport) -> bool:
    return before is None or before.model_copy(update={"at": after.at}) != after


def _report(line: bytes) -> SentinelReport:
    try:
        return SentinelReport.model_validate_json(line)
    except ValueError as error:
        raise EndpointUnavailableError("the sentinel's report is not readable") from error
