"""News of the login: the sentinel's status by long poll.

Silence is news too: the sentinel sends an empty line every second, and `age` is the time since its
last byte. After any break the status is asked afresh, because a sequence means nothing to a new
sentinel process.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import aiohttp
from pydantic import ValidationError

from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 0.3
WAIT_SECONDS: Final = 30
LINE_LIMIT: Final = 64 * 1024


class News:
    """The last report and how old what is known is. `changed` is called after each report."""

    def __init__(
        self, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.report: SentinelReport | None = None
        self._changed = changed
        self._clock = clock
        self._heard_at = float("-inf")

    @property
    def age(self) -> float:
        """Seconds since the sentinel's last byte."""
        return self._clock() - self._heard_at

    @property
    def logged_in(self) -> bool:
        """Whether fresh news says so."""
        return (
            self.report is not None
            and self.age <= NEWS_LIMIT_SECONDS
            and self.report.state is LoginState.LOGGED_IN
        )

    def byte(self) -> None:
        """Something was heard."""
        self._heard_at = self._clock()

    def tell(self, report: SentinelReport) -> None:
        """A report was heard."""
        self.byte()
        if self.report is None or self.report.state is not report.state:
            logger.info("the gateway is %s", report.state)
        self.report = report
        self._changed()


async def follow(news: News, url: str, token: Callable[[], bytes]) -> None:
    """Ask for ever. A silence is logged once, until the sentinel has told something again."""
    silent = aiohttp.ClientTimeout(total=None, sock_connect=1, sock_read=NEWS_LIMIT_SECONDS)
    logged: object = follow
    # A replaced gateway pod has a new address: a remembered one would cost ten seconds.
    fresh = aiohttp.TCPConnector(use_dns_cache=False)
    async with aiohttp.ClientSession(timeout=silent, connector=fresh) as session:
        while True:
            try:
                await _listen(news, session, url, token)
            except (aiohttp.ClientError, TimeoutError, ValidationError, OSError) as error:
                if logged is not news.report:
                    logger.warning("no news from the sentinel at %s: %s", url, type(error).__name__)
                logged = news.report
            await asyncio.sleep(RETRY_SECONDS)


async def _listen(
    news: News, session: aiohttp.ClientSession, url: str, token: Callable[[], bytes]
) -> None:
    """Reports one after the other until something breaks; the first is asked without waiting."""
    query: dict[str, str] = {}
    while True:
        headers = {"Authorization": f"Bearer {token().decode()}"}
        async with session.get(f"{url}/v1/status", params=query, headers=headers) as response:
            response.raise_for_status()
            line = b""
            async for chunk in response.content:
                news.byte()
                line = chunk if chunk.strip() else line
        report = SentinelReport.model_validate_json(line)
        news.tell(report)
        query = {"after": str(report.sequence), "wait": str(WAIT_SECONDS)}
