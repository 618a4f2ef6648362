"""Lists in pages and watches, as the informer reads them from the API server.

They have connections of their own: a watch holds one for as long as it lasts.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import aiohttp
from kubernetes.aio import client

from ibgateway_operator.errors import ApiUnavailableError, OperatorError
from ibgateway_operator.kube.answers import document_of, error_of, seconds_of
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.model.manifests import Manifest

PAGE_SECONDS: Final = 30.0
WATCH_SECONDS: Final = 300
"""After which the API server ends a watch; it is begun again where it ended."""
SILENCE_SECONDS: Final = 100.0
"""Longest silence of a watch: the API server tells its version every minute, so this one is dead."""
CONNECT_SECONDS: Final = 10.0


class WatchedKind(NamedTuple):
    """What is listed or watched: a kind, a namespace (empty for all), a label selector."""

    kind: Kind
    namespace: str
    selector: str


class WatchServer(Protocol):
    """What the informer asks. Raises ApiError and ApiUnavailableError."""

    async def page(self, part: WatchedKind, *, limit: int, after: str) -> Manifest:
        """A list of at most so many objects, with the token `after` that the page before gave."""
        ...

    def changes(self, part: WatchedKind, *, since: str) -> AsyncGenerator[Manifest, None]:
        """The events of a watch from a version on, until the API server ends it."""
        ...


@dataclass(frozen=True)
class KubernetesWatchServer:
    """`WatchServer` on the official client."""

    api: client.ApiClient

    async def page(self, part: WatchedKind, *, limit: int, after: str) -> Manifest:
        """A list of at most so many objects, with the token `after` that the page before gave."""
        query = [("limit", str(limit)), *([("continue", after)] if after else [])]
        answer = await self._get(part, query, aiohttp.ClientTimeout(total=PAGE_SECONDS))
        return document_of(answer.status, await _read(answer), _after(answer))

    async def changes(self, part: WatchedKind, *, since: str) -> AsyncGenerator[Manifest, None]:
        """The events of a watch from a version on, until the API server ends it."""
        query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", since),
            ("timeoutSeconds", str(WATCH_SECONDS)),
        ]
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
        )
        async with await self._get(part, query, limits) as answer:
            if answer.status >= 300:
                document_of(answer.status, await _read(answer), _after(answer))
            async for line in _lines(answer.content):
                event = _event(line)
                if event["type"] == "ERROR":
                    raise _said(event["object"])
                yield event

    async def _get(
        self, part: WatchedKind, query: list[tuple[str, str]], limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        request = await self.api.param_serialize(
            "GET",
            part.kind.path(part.namespace),
            query_params=[("labelSelector", part.selector), *query],
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        try:
            response = await self.api.call_api(*request, _request_timeout=limits)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ApiUnavailableError(f"{request[1]}: {error!r}") from error
        answer: aiohttp.ClientResponse = response.response
        return answer


def _said(status: Manifest) -> OperatorError:
    """The error that ends a watch."""
    return error_of(int(status.get("code") or 500), str(status.get("message", "")))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.read()
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise ApiUnavailableError(f"{answer.url}: {error!r}") from error


def _after(answer: aiohttp.ClientResponse) -> float:
    return seconds_of(answer.headers.get("Retry-After")) or 0.0


def _event(line: bytes) -> Manifest:
    """An event with its object; whatever else a line is, somebody between us and the server has said it."""
    try:
        event = json.loads(line)
        kind, said = event["type"], event["object"]
        whole = isinstance(said, dict) and (kind == "ERROR" or said["metadata"]["resourceVersion"])
    except (ValueError, KeyError, TypeError) as error:
        raise ApiUnavailableError("a line of the watch is no event") from error
    if not whole:
        raise ApiUnavailableError("a line of the watch is no event of an object with a version")
    return {"type": kind, "object": said}


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines of any length: aiohttp's own reading by lines refuses long ones."""
    rest = b""
    try:
        async for piece in content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise ApiUnavailableError(f"the watch has ended: {error!r}") from error
