"""Keeps the latest word and wakes those who wait for another one.

The sentinel's loop has it look; so does whoever asks or waits, because a loop that hangs must close the gate too.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.gate.report import GateInput, GateWord, gate_report, gate_word
from ibgateway_api.gate_documents import GateDrain, GateReport
from ibgateway_runtime.clock import Clock

LOOK_SECONDS: Final = 0.25


class GatePublisher:
    """The word of this moment. `sequence` starts at the boot's epoch milliseconds, so that it grows across boots."""

    def __init__(self, known: Callable[[], GateInput], *, boot: str, clock: Clock) -> None:
        self._known = known
        self._boot = boot
        self._clock = clock
        self.sequence = int(clock.now().timestamp() * 1000)
        self._told: tuple[GateWord, GateDrain | None] | None = None
        self._since = clock.now()
        self._seen: tuple[object, ...] = ()
        self._looked = float("-inf")
        self._changed = asyncio.Event()

    def look(self, seen: tuple[object, ...]) -> None:
        """Wake those who wait, where anything but the time differs.

        The loop looks twenty times a second: while it has `seen` the same, settings and clock are enough now and then.
        """
        again = self._looked + LOOK_SECONDS > self._clock.monotonic()
        if seen != self._seen or not again:
            self._seen = seen
            self._now()

    def latest(self) -> GateReport:
        """The word of this moment, and not of the last look."""
        word, drain = self._now()
        return gate_report(
            word,
            drain=drain,
            boot=self._boot,
            sequence=self.sequence,
            at=self._clock.now(),
            since=self._since,
        )

    async def wait_for_newer(self, sequence: int, patience: timedelta) -> bool:
        """Whether there is a word above `sequence`, after waiting at most `patience`."""
        self._now()
        if self.sequence > sequence:
            return True
        changed = self._changed
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await changed.wait()
        except TimeoutError:
            self._now()
        return self.sequence > sequence

    def _now(self) -> tuple[GateWord, GateDrain | None]:
        known, now, self._looked = self._known(), self._clock.now(), self._clock.monotonic()
        told = (gate_word(known, now), known.drain)
        if told != self._told:
            self._move(told, now)
        return told

    def _move(self, told: tuple[GateWord, GateDrain | None], now: datetime) -> None:
        if self._told is None or told[0].reason != self._told[0].reason:
            self._since = now
        self._told = told
        self.sequence += 1
        self._changed.set()
        self._changed = asyncio.Event()
