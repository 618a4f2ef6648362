"""HTTP to the programs of a gateway: sentinel, executor, console.

They are reached by address; the Host header is the name they check for. Errors are translated here,
once. A redirect is never followed: nobody else is to see the token.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError

ANSWER_SECONDS: Final = 3.0
SILENCE_SECONDS: Final = 4.0
"""Longest pause in a long poll: the heartbeat comes every second."""
_FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError, ValueError)
"""A line above aiohttp's limit is an HttpProcessingError, which is no ClientError."""


LONGEST_WORDS: Final = 600
"""Of a refusal: it is shown to people."""
LONGEST_BODY: Final = 1 << 20
"""Bytes; no document of ours comes near. More is not taken in, whoever sends it."""


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises ValueError where it is longer than any of ours."""
    text = bytearray()
    async for piece in response.content.iter_any():
        text += piece
        if len(text) > LONGEST_BODY:
            raise ValueError("the body is too long")
    return bytes(text)


@dataclass(frozen=True)
class Endpoint:
    """Where a program answers: base address, the name it is known by, and its token."""

    url: str
    host: str = ""
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The Host it checks and the token it asks for."""
        host = {"Host": self.host} if self.host else {}
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**host, **token}

    @property
    def name(self) -> str:
        """What to call it in a log line."""
        return self.host or self.url


def client_session(agent: str = "ibgateway") -> aiohttp.ClientSession:
    """A session without a limit of connections: every long poll holds one for as long as it lasts.

    A replaced pod has a new address, so no name is remembered. `agent`: how we call ourselves.
    """
    connector = aiohttp.TCPConnector(limit=0, use_dns_cache=False)
    return aiohttp.ClientSession(connector=connector, headers={"User-Agent": agent})


@dataclass(frozen=True)
class HttpClient:
    """One client session for all of them; `connect_seconds` limits the connecting of a long poll."""

    session: aiohttp.ClientSession
    connect_seconds: float = ANSWER_SECONDS

    async def get(self, endpoint: Endpoint, path: str) -> bytes:
        """The body of a 200. Raises EndpointUnavailableError."""
        return await self._call("GET", endpoint, path, b"")

    async def post(self, endpoint: Endpoint, path: str, body: str) -> bytes:
        """Deliver a JSON document, and what is answered; 200 and 202 are both a yes, and 409 raises EndpointRefusedError.

        Raises EndpointUnavailableError.
        """
        return await self._call("POST", endpoint, path, body.encode())

    async def _call(self, method: str, endpoint: Endpoint, path: str, body: bytes) -> bytes:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        headers = endpoint.headers | ({"Content-Type": "application/json"} if body else {})
        try:
            async with self.session.request(
                method,
                endpoint.url + path,
                headers=headers,
                data=body or None,
                timeout=limit,
                allow_redirects=False,
            ) as response:
                text = await _body(response)
        except _FAILURES as error:
            raise EndpointUnavailableError(
                f"{endpoint.name}{path}: {type(error).__name__}"
            ) from error
        if response.status == 409:
            raise EndpointRefusedError(text.decode(errors="replace")[:LONGEST_WORDS])
        if response.status >= 300:
            words = f"{endpoint.name}{path}: {response.status}"
            raise EndpointUnavailableError(words, text, response.status)
        return text

    async def lines(self, endpoint: Endpoint, path: str) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they come; empty ones are heartbeats.

        Raises EndpointUnavailableError, also for a line that is longer than any document of ours.
        """
        limit = aiohttp.ClientTimeout(
            total=None, sock_connect=self.connect_seconds, sock_read=SILENCE_SECONDS
        )
        try:
            async with self.session.get(
                endpoint.url + path, headers=endpoint.headers, timeout=limit, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise EndpointUnavailableError(f"{endpoint.name}{path}: {response.status}")
                async for line in response.content:
                    yield line.strip()
        except _FAILURES as error:
            raise EndpointUnavailableError(
                f"{endpoint.name}{path}: {type(error).__name__}"
            ) from error
