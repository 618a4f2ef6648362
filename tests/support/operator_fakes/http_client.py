"""Sentinel, executor and console of a gateway, as a test wants them to answer."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from ibgateway_api.gate_documents import GateDrain
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient


def waiting_for(*programs: str) -> bytes:
    """What a sentinel answers that waits for these programs."""
    at = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
    drain = GateDrain(id="boot-1", reason="", since=at, until=at, waiting_for=programs)
    return drain.to_json().encode()


class FakeHttpClient(HttpClient):
    """Answers by path; a path without an answer is a program that is not there."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | EndpointUnavailableError] = {}
        self.posted: list[tuple[str, str]] = []
        """Path and body of what was delivered, but for questions whether programs have drained."""
        self.drains: list[str] = []
        """The bodies of those."""
        self.asked: list[str] = []
        """Paths that were asked for."""

    async def get(self, endpoint: Endpoint, path: str) -> bytes:
        """The answer of a path."""
        self.asked.append(path)
        answer = self.answers.get(path, EndpointUnavailableError(path))
        if isinstance(answer, EndpointUnavailableError):
            raise answer
        return answer

    async def post(self, endpoint: Endpoint, path: str, body: str) -> bytes:
        """Delivered, but where the path's answer is an error. No program asks for the gate, unless a test says so."""
        if isinstance(answer := self.answers.get(path), EndpointUnavailableError):
            raise answer
        if path != "/v1/drains":
            self.posted.append((path, body))
            return b""
        self.drains.append(body)
        return answer or waiting_for()

    async def lines(self, endpoint: Endpoint, path: str) -> AsyncGenerator[bytes, None]:
        """Silence: a test tells the news itself."""
        await asyncio.Event().wait()
        yield b""
