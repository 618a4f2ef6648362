"""The last rebalance of each account, in memory: what a scrape and the operator are told, without a look at the disk. No I/O.

An account has one rebalance at a time, so one that has not ended is its account's last.
"""

from collections.abc import Iterable, Iterator

from ibgateway_executor.rebalance.progress import BEFORE_TRADING, RebalanceReason, RebalanceRun


class LatestRebalances:
    """Built from the ledger at the start, and following each of its commits, in their order."""

    def __init__(self, runs: Iterable[RebalanceRun] = ()) -> None:
        self._runs: dict[str, RebalanceRun] = {}
        self.doubts: dict[str, str] = {}
        """By id, why one waits for an order of unknown fate. A gate that closes meanwhile, and a look whether it may begin, say nothing
        of it: it stands until something is traded, or the rebalance ends."""
        for run in runs:
            self.put(run)

    def __iter__(self) -> Iterator[RebalanceRun]:
        return iter(tuple(self._runs.values()))

    @property
    def active(self) -> list[RebalanceRun]:
        """Those that have not ended."""
        return [run for run in self if not run.ended]

    def put(self, run: RebalanceRun) -> None:
        """The rebalance as it stands now; one that its account has another one after changes nothing."""
        last = self._runs.get(run.account)
        if last is not None and run.sequence < last.sequence:
            return
        if last is not None and last.id != run.id:
            self.doubts.pop(last.id, None)
        self._runs[run.account] = run
        if run.ended or (run.state not in BEFORE_TRADING and not run.reason):
            self.doubts.pop(run.id, None)
        elif run.reason == RebalanceReason.UNKNOWN_ORDER:
            self.doubts[run.id] = run.message
