"""The kubelet's readiness probe: the gateway's pod is Ready, and its Service has an address, only while the gate is open.

It is asked once a second, so it is held while it would only repeat the last answer, and released by the first difference.
"""

from datetime import timedelta
from typing import Final

from aiohttp import web

from ibgateway_agent.sentinel.gate.publisher import GatePublisher
from ibgateway_api.gate_documents import GateReport
from ibgateway_runtime.clock import Clock

HOLD_SECONDS: Final = 0.8
"""Below the probe's period of a second, so that the kubelet never finds the last one still running."""
MOST_WAITING: Final = 32
"""Answers that are held at once: the kubelet needs one, and nobody has to show a token here."""


class ReadinessProbe:
    """For the one kubelet that asks: it remembers what that was told last. Without `held` the answer comes at once."""

    def __init__(self, publisher: GatePublisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._told: bool | None = None
        self._waiting = 0

    async def get(self, request: web.Request) -> web.Response:
        """The gate at the moment of the answer."""
        held = "held" in request.query and self._waiting < MOST_WAITING
        word = await self._held() if held else self._publisher.latest()
        return web.Response(status=200 if word.open else 503, text=word.reason)

    async def _held(self) -> GateReport:
        self._waiting += 1
        try:
            return await self._changed()
        finally:
            self._waiting -= 1

    async def _changed(self) -> GateReport:
        ends = self._clock.monotonic() + HOLD_SECONDS
        word, told = self._publisher.latest(), self._told
        while word.open is told and (left := ends - self._clock.monotonic()) > 0:
            await self._publisher.wait_for_newer(word.sequence, timedelta(seconds=left))
            word = self._publisher.latest()
        self._told = word.open
        return word
