"""Rebalances as their callers see them: awaited, on disk before the answer, one that has not ended for each account."""

import logging
from functools import partial

from ibgateway_api.reports import RebalanceFinding
from ibgateway_executor.ledger.store import LedgerStore, RebalanceChange, RebalanceMove
from ibgateway_executor.ledger.threads import LedgerThreads
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.restored import LedgerSnapshot
from ibgateway_executor.rebalance.findings import findings
from ibgateway_executor.rebalance.last_runs import LatestRebalances
from ibgateway_executor.rebalance.progress import RebalanceRun, give_up
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)


class RebalanceRecords:
    """Every rebalance. `changed` is set at each change."""

    def __init__(
        self, store: LedgerStore, threads: LedgerThreads, *, clock: Clock, metrics: ExecutorMetrics
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._threads = threads
        self._clock = clock
        self.changed = Wakeup()
        self.commits = 0
        """Grows with each commit that may have changed one."""
        self.last = LatestRebalances()
        """The last one of each account, following each commit."""

    async def recall(self) -> None:
        """At the start: what the ledger has of it."""
        self.last = LatestRebalances(await self._threads.read(self._store.last_rebalances))

    async def accept(
        self, key: str, request_hash: str, run: RebalanceRun
    ) -> tuple[RebalanceRun, bool]:
        """The stored one, and whether it is new: not where the request came again.

        OrderRefusedError for a key of another request, and where the account has one that has not ended.
        """
        add = partial(self._store.add_rebalance, key, request_hash, run, self._clock.now())
        stored, new = await self._threads.write(add, self._keep_new)
        if new:
            self._announce(stored)
        return stored, new

    async def advance(
        self, run_id: str, step: RebalanceMove, cause: ChangeCause = ChangeCause.EXECUTOR
    ) -> RebalanceRun:
        """The rebalance after a pure step; as it stands where its state forbids the step."""
        call = partial(self._store.advance_rebalance, run_id, step, self._clock.now(), cause)
        change = await self._threads.write(call, self._keep)
        before, after = change
        if (before.state, before.reason) != (after.state, after.reason):
            self._announce(after)
        elif before != after:
            self.changed.set()
        return after

    async def give_up(self, found: LedgerSnapshot, *, hidden: bool) -> None:
        """At a start in a ledger that may be a copy, and again until its doubt is settled: what stood in it may have gone on elsewhere.

        `hidden`: IBKR may show no more what came of it.
        """
        step = partial(give_up, restored=found.restored, hidden=hidden)
        for run in await self.active():
            if found.opened is not None and run.accepted_at <= found.opened:
                await self.advance(run.id, step, ChangeCause.RESTART)

    async def find(self, run_id: str) -> RebalanceRun | None:
        """One by its id."""
        return await self._threads.read(partial(self._store.rebalance, run_id))

    async def page(self, *, after: int, limit: int) -> list[RebalanceRun]:
        """Those accepted after sequence `after`, oldest first."""
        return await self._threads.read(partial(self._store.rebalances, after=after, limit=limit))

    async def active(self) -> list[RebalanceRun]:
        """Those that have not ended, oldest first."""
        return await self._threads.read(self._store.active_rebalances)

    def findings(self) -> tuple[RebalanceFinding, ...]:
        """Those that need a person now."""
        return findings(self.last, self._clock.now())

    def _keep_new(self, stored: tuple[RebalanceRun, bool]) -> None:
        run, new = stored
        if new:
            self.commits += 1
            self.last.put(run)
            self._metrics.rebalance_accepted()

    def _keep(self, change: RebalanceChange) -> None:
        before, after = change
        if after != before:
            self.commits += 1
            self.last.put(after)
            if after.ended:
                self._metrics.rebalance_ended(after)

    def _announce(self, run: RebalanceRun) -> None:
        why = f" {run.reason}: {run.message}" if run.reason else ""
        logger.info("rebalance %s of %s is %s%s", run.id, run.account, run.state, why)
        self.changed.set()
