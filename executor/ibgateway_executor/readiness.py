"""The kubelet's readiness probe, answered when the gate moves and not only when the kubelet asks.

The kubelet asks once a second, so an answer at once is half a second late on average. A probe is therefore
held while it would only repeat the last answer, and released by the first difference.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ibgateway_api.gate import Gate, Open
from ibgateway_runtime.clock import Clock

HOLD_SECONDS: Final = 0.8
"""Below the probe's period of a second, so that the kubelet never finds the last one still running."""
LOOK_SECONDS: Final = 0.02
"""Between looks at the gate while a probe is held: a look costs well under 0.1 ms."""

Sleep = Callable[[float], Awaitable[None]]


class ReadinessAnswer:
    """One for the one kubelet that asks: it remembers what that was told last."""

    def __init__(
        self, gate: Callable[[], Gate], clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._sleep = sleep
        self._told: bool | None = None

    async def verdict(self) -> Gate:
        """The gate at the moment of the answer: at once where it differs from what was told last."""
        until = self._clock.monotonic() + HOLD_SECONDS
        verdict = self._gate()
        while isinstance(verdict, Open) is self._told and self._clock.monotonic() < until:
            await self._sleep(LOOK_SECONDS)
            verdict = self._gate()
        self._told = isinstance(verdict, Open)
        return verdict
