"""What `GET /metrics` of a running program answers, read as Prometheus reads it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Scrape:
    """One answer."""

    text: str

    def of(self, name: str, label: str = "") -> dict[str, float]:
        """The series of a name by the value of one label, or by nothing."""
        return {
            sample.labels.get(label, ""): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
            if sample.name == f"ibgateway_{name}"
        }

    def series(self) -> int:
        """How many series there are."""
        return sum(1 for line in self.text.splitlines() if not line.startswith("#"))

    def tells(self, *secrets: str) -> list[str]:
        """Those of the secrets that are in it."""
        return [secret for secret in secrets if secret in self.text]


async def scrape(port: int) -> Scrape:
    """Ask a program on loopback, without any token."""
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return Scrape(await answer.text())


async def scrape_until(port: int, wanted: Callable[[Scrape], bool]) -> Scrape:
    """The first answer that is as wanted."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not wanted(found := await scrape(port)):  # noqa: ASYNC110 - a scrape is no event
            await asyncio.sleep(0.05)
        return found
