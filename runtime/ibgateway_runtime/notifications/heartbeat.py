"""A dead man's switch: asked for every minute, so that its silence tells of whatever can't tell of itself.

The URL is a secret: who has it can keep the switch quiet. It is in no log line and no error.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import aiohttp

from ibgateway_runtime.clock import Clock

EVERY_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 10.0
FAILURES_BEFORE_TROUBLE: Final = 3

logger = logging.getLogger(__name__)


class Heartbeat:
    """Beats while `well` says so. `url` gives the address now; empty for none."""

    def __init__(self, *, url: Callable[[], str], well: Callable[[], bool], clock: Clock) -> None:
        self._url = url
        self._well = well
        self._clock = clock
        self._failures = 0
        self._since: datetime | None = None

    def trouble(self) -> str:
        """Why nobody hears the heartbeat; empty where it is heard, or not asked for."""
        if self._failures < FAILURES_BEFORE_TROUBLE or self._since is None:
            return ""
        return f"the heartbeat has not been taken since {self._since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    async def beat(self, session: aiohttp.ClientSession) -> None:
        """One beat, where there is an address and all is well."""
        url = self._url()
        if not url or not self._well():
            self._failures, self._since = (self._failures, self._since) if url else (0, None)
            return
        why = await self._asked(session, url)
        if not why:
            self._failures, self._since = 0, None
            return
        self._failures += 1
        self._since = self._since or self._clock.now()
        if self._failures == FAILURES_BEFORE_TROUBLE:
            logger.warning("the heartbeat is not taken: %s", why)

    async def _asked(self, session: aiohttp.ClientSession, url: str) -> str:
        """Why it was not taken: a status or the kind of an error; empty where it was."""
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with session.get(url, timeout=limit, allow_redirects=False) as response:
                return "" if response.status < 300 else f"HTTP {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__
