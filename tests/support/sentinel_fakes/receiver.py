"""Who is told what the API monitor finds out."""

import asyncio
import contextlib
from collections.abc import Callable

from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_api.login import Sign

LIMIT = 10.0


class EvidenceRecorder:
    """Keeps everything, and waits for more."""

    def __init__(self) -> None:
        self.evidence: list[tuple[Sign, str]] = []
        self.probes: list[ProbeResult] = []
        self._more = asyncio.Event()

    def on_evidence(self, sign: Sign, detail: str) -> None:
        self.evidence.append((sign, detail))
        self._more.set()

    def on_probe(self, result: ProbeResult, seconds: float) -> None:
        self.probes.append(result)
        self._more.set()

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not wanted():
                self._more.clear()
                await self._more.wait()

    async def until_polled(self, wanted: Callable[[], bool]) -> None:
        """The same for what only the other side knows."""
        async with asyncio.timeout(LIMIT):
            while not wanted():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), 0.02)
                self._more.clear()

    async def has(self, sign: Sign, detail: str = "") -> None:
        await self.until(lambda: (sign, detail) in self.evidence)
