"""Asks the sentinel how the login stands: its /console, which wants no token and tells no account.

A sentinel of an older version, which a gateway keeps until its restart, has only the one word of its /readyz.
"""

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from ibgateway_agent.console.settings import TcpAddress
from ibgateway_api.console_documents import ConsoleReport
from ibgateway_api.login import LoginState
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_client import client_session

ANSWER_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 1.0
"""However many pages ask, the sentinel is asked once within this time."""
LONGEST_ANSWER: Final = 16384
_FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


@dataclass
class SentinelReader:
    """Remembers the last answer for a moment. `address` None: there is nobody to ask."""

    address: TcpAddress | None
    clock: Clock
    _told: ConsoleReport | None = None
    _asked_at: float = -math.inf
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def told(self) -> ConsoleReport | None:
        """How it stands now; None where the sentinel does not answer or says nothing we know."""
        if self.address is None:
            return None
        async with self._one_at_a_time:
            if self.clock.monotonic() - self._asked_at >= FRESH_SECONDS:
                self._told = await self._ask(self.address)
                self._asked_at = self.clock.monotonic()
            return self._told

    async def _ask(self, address: TcpAddress) -> ConsoleReport | None:
        with contextlib.suppress(*_FAILURES):
            async with client_session() as http:
                status, body = await _answer(http, f"http://{address}/console")
                if status == HTTPStatus.OK:
                    return ConsoleReport.model_validate_json(body)
                if status == HTTPStatus.NOT_FOUND:
                    _, word = await _answer(http, f"http://{address}/readyz")
                    return ConsoleReport(state=LoginState(word.decode()))
        return None


async def _answer(http: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    """Status and body, which is cut where it is longer than any of ours."""
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with http.get(url, timeout=limit, allow_redirects=False) as answer:
        return answer.status, await answer.content.read(LONGEST_ANSWER)
