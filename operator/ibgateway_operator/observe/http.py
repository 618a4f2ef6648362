"""HTTP to the programs of a gateway: sentinel, executor, console. The only importer of aiohttp's client.

They are reached by pod address, which is known before any name resolves; the Host header is the name
they check for. Errors are translated here, once.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from ibgateway_operator.errors import EndpointUnavailableError

ANSWER_SECONDS: Final = 3.0
SILENCE_SECONDS: Final = 4.0
"""Longest pause in a long poll: the heartbeat comes every second."""


@dataclass(frozen=True)
class Endpoint:
    """Where a program answers: base address, the name it is known by, and its token."""

    url: str
    host: str
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The Host it checks and the token it asks for."""
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Host": self.host, **token}


AddressOf = Callable[[str, int], str]
"""From a pod's address and a port to a base address."""


def by_address(ip: str, port: int) -> str:
    """The base address of a pod; IPv6 in brackets."""
    return f"http://[{ip}]:{port}" if ":" in ip else f"http://{ip}:{port}"


@dataclass(frozen=True)
class HttpClient:
    """One client session for all of them."""

    session: aiohttp.ClientSession

    async def get(self, peer: Endpoint, path: str) -> bytes:
        """The body of a 200. Raises PeerUnavailable."""
        return await self._call("GET", peer, path, b"")

    async def post(self, peer: Endpoint, path: str, body: str) -> None:
        """Deliver a JSON document; 200 and 202 are both a yes. Raises PeerUnavailable."""
        await self._call("POST", peer, path, body.encode())

    async def _call(self, method: str, peer: Endpoint, path: str, body: bytes) -> bytes:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        headers = peer.headers | ({"Content-Type": "application/json"} if body else {})
        try:
            async with self.session.request(
                method, peer.url + path, headers=headers, data=body or None, timeout=limit
            ) as response:
                text = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EndpointUnavailableError(f"{peer.host}{path}: {type(error).__name__}") from error
        if response.status >= 300:
            raise EndpointUnavailableError(f"{peer.host}{path}: {response.status}")
        return text

    async def lines(self, peer: Endpoint, path: str) -> AsyncIterator[bytes]:
        """The lines of an answer as they come; empty ones are heartbeats. Raises PeerUnavailable."""
        limit = aiohttp.ClientTimeout(sock_connect=ANSWER_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            async with self.session.get(
                peer.url + path, headers=peer.headers, timeout=limit
            ) as response:
                if response.status != 200:
                    raise EndpointUnavailableError(f"{peer.host}{path}: {response.status}")
                async for line in response.content:
                    yield line.strip()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EndpointUnavailableError(f"{peer.host}{path}: {type(error).__name__}") from error
