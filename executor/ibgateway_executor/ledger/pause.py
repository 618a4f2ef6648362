"""A person's pause of trading: in the ledger, so that it outlives the process, and in memory for the gate."""

import asyncio
import logging

from ibgateway_api.reports import PauseReport
from ibgateway_executor.ledger.store import LedgerStore
from ibgateway_executor.ledger.threads import LedgerThreads
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)


class TradingPause:
    """`standing` is the pause, None while there is none. `changed` is set when it begins and ends."""

    def __init__(
        self, store: LedgerStore, threads: LedgerThreads, *, clock: Clock, changed: Wakeup
    ) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()
        self.standing: PauseReport | None = None

    async def recall(self) -> None:
        """At start: what the ledger says; one that was begun meanwhile stands."""
        stored = await self._threads.write(self._store.paused)
        self.standing = stored or self.standing

    async def begin(self, by: str, reason: str) -> PauseReport:
        """The pause that stands: the first one, if there is one already.

        It holds at once. LedgerUnavailableError where it can't be written: then it holds until this process ends.
        """
        async with self._one_at_a_time:
            new = self.standing is None
            standing = self.standing or PauseReport(by=by, reason=reason, since=self._clock.now())
            self.standing = standing
            self._changed.set()
            await self._threads.write(lambda: self._store.pause(standing))
        if new:
            logger.warning("trading is paused by %s", standing.by)
        return standing

    async def end(self, by: str) -> PauseReport | None:
        """The pause that has ended; None where there was none. LedgerUnavailableError: it stands."""
        async with self._one_at_a_time:
            await self._threads.write(self._store.resume)
            ended, self.standing = self.standing, None
            self._changed.set()
        if ended is not None:
            logger.warning("trading is resumed by %s", by)
        return ended
