"""HTTP towards the executor and the simulator's control API, and waiting for what they tell."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")

PATIENCE = 60.0
"""Far beyond what anything takes here: a test waits for conditions, never for time."""


async def until(what: str, look: Callable[[], Awaitable[T | None]]) -> T:
    """The first truthy answer of `look`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {PATIENCE} s; seen last {seen!r}")
        await asyncio.sleep(0.02)


class JsonClient:
    """JSON requests to one base URL; answers are (status, body)."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self.url = url
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON (or text) of one request."""
        sent = {**self._headers, **(headers or {})}
        async with self._session.request(
            method, f"{self.url}{path}", json=body, headers=sent
        ) as response:
            if "json" in response.headers.get("Content-Type", ""):
                return response.status, await response.json()
            return response.status, await response.text()

    async def get(self, path: str) -> Any:
        """The body of a GET that succeeds."""
        status, body = await self.ask("GET", path)
        assert status == 200, (path, status, body)
        return body

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a request that succeeds."""
        status, answer = await self.ask(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer
