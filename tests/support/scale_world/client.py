"""The API server as the run itself uses it: JSON over one session, tried again while it is busy."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import aiohttp

from scale_world.plane import API, ControlPlane

Json = dict[str, Any]

_BUSY: Final = frozenset({429, 500, 503, 504})
_TRIES: Final = 8


class Api:
    """A session of one user. Raises RuntimeError for an answer that is no success."""

    def __init__(self, plane: ControlPlane, user: str) -> None:
        context = ssl.create_default_context(cafile=str(plane.certificate))
        self._session = aiohttp.ClientSession(
            base_url=API,
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            headers={"Authorization": f"Bearer {plane.token(user)}"},
            read_bufsize=1 << 22,
        )

    async def close(self) -> None:
        """End the session."""
        await self._session.close()

    async def call(
        self, method: str, path: str, body: Json | None = None, *, content: str = "application/json"
    ) -> Json:
        """One request and its document."""
        status, text = 0, b""
        for _ in range(_TRIES):
            async with self._session.request(
                method,
                path,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": content},
            ) as answer:
                status, text = answer.status, await answer.read()
            if status < 300:
                document: Json = json.loads(text)
                return document
            if status not in _BUSY:
                break
            await asyncio.sleep(1)
        raise RuntimeError(f"{method} {path}: {status}: {text[:300]!r}")

    async def watch(self, path: str, selector: str = "") -> AsyncIterator[tuple[str, Json]]:
        """What is there, then every change: type of event and object, for ever."""
        query = f"labelSelector={selector}" if selector else ""
        while True:
            listed = await self.call("GET", f"{path}?{query}")
            for item in listed["items"]:
                yield "ADDED", item
            version = listed["metadata"]["resourceVersion"]
            try:
                async for kind, found in self._changes(path, query, version):
                    yield kind, found
            except aiohttp.ClientError:
                await asyncio.sleep(0.5)

    async def _changes(
        self, path: str, query: str, version: str
    ) -> AsyncIterator[tuple[str, Json]]:
        url = f"{path}?watch=1&{query}&resourceVersion={version}&timeoutSeconds=3000"
        async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]


async def many(count: int, one: Callable[[int], Awaitable[None]], *, flight: int = 32) -> None:
    """`one` for 0 to `count`-1, this many at a time."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(work() for _ in range(flight)))
