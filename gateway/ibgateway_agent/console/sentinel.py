"""Asks the sentinel for the login state: the one word of its /readyz, which wants no token.

The console has no token of the sentinel's and is given none, so it learns neither accounts nor times.
"""

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from ibgateway_agent.console.settings import TcpAddress
from ibgateway_api.login import LoginState
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_client import client_session

ANSWER_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 1.0
"""However many pages ask, the sentinel is asked once within this time."""
LONGEST_WORD: Final = 64


@dataclass
class SentinelReader:
    """Remembers the last answer for a moment. `address` None: there is nobody to ask."""

    address: TcpAddress | None
    clock: Clock
    _state: LoginState | None = None
    _asked_at: float = -math.inf
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def state(self) -> LoginState | None:
        """The login state now; None where the sentinel does not answer or says no word we know."""
        if self.address is None:
            return None
        async with self._one_at_a_time:
            if self.clock.monotonic() - self._asked_at >= FRESH_SECONDS:
                self._state = await self._ask(self.address)
                self._asked_at = self.clock.monotonic()
            return self._state

    async def _ask(self, address: TcpAddress) -> LoginState | None:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        failures = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
        with contextlib.suppress(*failures):
            url = f"http://{address}/readyz"
            async with (
                client_session() as http,
                http.get(url, timeout=limit, allow_redirects=False) as answer,
            ):
                word = await answer.content.read(LONGEST_WORD)
                return LoginState(word.decode())
        return None
