"""Keeps the latest report and wakes those who wait for a newer one."""

import asyncio
from datetime import timedelta

from ibgateway_agent.sentinel.report import ReportInput, dated, report
from ibgateway_api.reports import SentinelReport
from ibgateway_runtime.clock import Clock


class ReportPublisher:
    """The latest report.

    `sequence` starts at the boot's epoch milliseconds, so that it grows across boots too.
    """

    def __init__(self, boot: str, clock: Clock) -> None:
        self._boot = boot
        self._clock = clock
        self.sequence = int(clock.now().timestamp() * 1000)
        self._latest: SentinelReport | None = None
        self._made_of: tuple[object, ...] = ()
        self.undelivered = ""
        """Why people are not told what they should be."""
        self._changed = asyncio.Event()

    def publish(self, known: ReportInput) -> bool:
        """A new report if anything but the time differs; True where it does."""
        now = self._clock.now()
        made_of = (known, dated(known.records, now), self.undelivered)
        if made_of == self._made_of:
            return False
        new = report(
            known, boot=self._boot, sequence=self.sequence, at=now, undelivered=self.undelivered
        )
        self._made_of = made_of
        if self._latest is not None and new == self._latest.model_copy(update={"at": new.at}):
            return False
        self.sequence += 1
        self._latest = new.model_copy(update={"sequence": self.sequence})
        self._changed.set()
        self._changed = asyncio.Event()
        return True

    def latest(self) -> SentinelReport:
        """The report of this moment; raises LookupError before the first look at the gateway."""
        if self._latest is None:
            raise LookupError("the gateway has not been looked at yet")
        return self._latest.model_copy(update={"at": self._clock.now()})

    async def wait_for_newer(self, sequence: int, patience: timedelta) -> bool:
        """Whether there is a report above `sequence`, after waiting at most `patience`."""
        if self.sequence > sequence and self._latest is not None:
            return True
        changed = self._changed
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await changed.wait()
        except TimeoutError:
            return False
        return self.sequence > sequence
