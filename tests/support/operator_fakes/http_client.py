"""Sentinel, executor and console of a gateway, as a test wants them to answer."""

import asyncio
from collections.abc import AsyncGenerator

from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient


class FakeHttpClient(HttpClient):
    """Answers by path; a path without an answer is a program that is not there."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | EndpointUnavailableError] = {}
        self.posted: list[tuple[str, str]] = []
        """Path and body of what was delivered."""

    async def get(self, endpoint: Endpoint, path: str) -> bytes:
        """The answer of a path."""
        answer = self.answers.get(path, EndpointUnavailableError(path))
        if isinstance(answer, EndpointUnavailableError):
            raise answer
        return answer

    async def post(self, endpoint: Endpoint, path: str, body: str) -> None:
        """Delivered, but where the path's answer is an error."""
        if isinstance(answer := self.answers.get(path), EndpointUnavailableError):
            raise answer
        self.posted.append((path, body))

    async def lines(self, endpoint: Endpoint, path: str) -> AsyncGenerator[bytes, None]:
        """Silence: a test tells the news itself."""
        await asyncio.Event().wait()
        yield b""
