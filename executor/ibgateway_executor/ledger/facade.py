"""The ledger as its callers see it: awaited, and the only place where an order changes.

A store is synchronous and has a thread of its own, so the event loop never waits for the disk. Every
change of an order passes here, is logged and counted once, and wakes the dispatcher. What is active is in memory too:
each commit is followed in the order of the commits, also where nobody waits for its answer any more.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, ParamSpec, TypeVar

from ibgateway_executor.errors import IllegalMoveError, LedgerUnavailableError
from ibgateway_executor.ledger.order_lines import CROWD, log_crowd, log_order, visible
from ibgateway_executor.ledger.pause import TradingPause
from ibgateway_executor.ledger.rebalances import RebalanceRecords
from ibgateway_executor.ledger.shared_commit import SharedCommit
from ibgateway_executor.ledger.store import Change, Delay, Entry, LedgerStore, Step
from ibgateway_executor.ledger.threads import LedgerThreads
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.active import ActiveOrders
from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.history import ChangeCause, HistoryLine, LedgerLine
from ibgateway_executor.orders.limits import DayTally
from ibgateway_executor.orders.order import Order, OrderState
from ibgateway_executor.orders.resolution import fate_told
from ibgateway_executor.orders.restored import LedgerSnapshot, hides_a_day
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

SIGHTINGS_KEPT: Final = timedelta(days=30)
"""For so long after its end a lost order is known by its orderRef if a client sends its request again."""

P = ParamSpec("P")
T = TypeVar("T")


class Ledger:
    """Every order, on disk before it is answered or sent. `changed` is set at each change."""

    def __init__(
        self, store: LedgerStore, *, clock: Clock, metrics: ExecutorMetrics, changed: Wakeup
    ) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._changed = changed
        self._threads = LedgerThreads()
        self._shared = SharedCommit(
            lambda entries: store.accept(entries, clock.now()), self._keep_new, self._threads.writer
        )
        self.pause = TradingPause(store, self._threads, clock=clock, changed=changed)
        self.rebalances = RebalanceRecords(store, self._threads, clock=clock, metrics=metrics)
        self._opened = clock.monotonic()
        self.active = ActiveOrders()
        """Every order that is not done; read at the start, and following each commit since."""
        self.tallies: dict[datetime, DayTally] = {}
        """The days that `count_day` was called for, by their first moment."""
        self._fills: dict[tuple[str, int], float] = {}
        self.found = LedgerSnapshot(None, 0)
        """What the ledger held when it was opened."""
        self.commits = 0
        """Grows with each commit that may have changed an order."""
        self.fates_told = 0
        """Grows with each order that was in doubt, and of which the broker or a person has told what became."""
        self.begun = True
        """Whether memory and disk agree; False from `begin` until it has been done."""
        self._mode = ""

    @property
    def problem(self) -> str:
        """Why it can't be written; empty as long as it can. A sign of life tells when it can again."""
        return self._threads.problem

    @property
    def unacknowledged(self) -> int:
        """How many orders are on their way, and nobody knows yet what the broker says."""
        return sum(order.unacknowledged for order in self.active.sent.values())

    def filled_at(self, account: str, con_id: int = 0) -> float:
        """When an order of the account, and of the contract if one is named, was last seen to be filled further, by the
        monotonic clock. One that is not resolved counts for each.
        """
        return max(
            (
                at
                for (whose, what), at in self._fills.items()
                if whose in ("", account) and (not con_id or what in (0, con_id))
            ),
            default=float("-inf"),
        )

    async def begin(self, mode: str) -> None:
        """At start: stamp it, end the doubt about what was being sent, read what is active.

        LedgerUnavailableError where the disk forbids it: then nothing is written or sent before a sign of life has
        done it. StartRefusedError for a ledger of another mode or version.
        """
        self._mode, self.begun = mode, False
        await self.stamp(mode)
        await self.recover()
        self.begun = True

    async def stamp(self, mode: str) -> None:
        """Mark a new ledger with its mode; StartRefusedError for one of another mode or version."""
        await self._call(self._store.stamp, mode)

    async def accounts(self) -> tuple[str, ...]:
        """The accounts the ledger was proven with; empty before the first login."""
        return await self._call(self._store.accounts)

    async def claim(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Stamp a ledger that has no accounts yet; returns the accounts it is stamped with."""
        self._check_begun()
        return await self._call(self._store.claim, accounts)

    async def accept(self, entry: Entry) -> tuple[Order, bool]:
        """Store a new order; (order, True) when it is new, (order, False) for a repeated request.

        OrderRefusedError for a key of another request, the entry's refusal and the day's limit.
        """
        self._check_begun()
        with self._threads.noted():
            order, new = await self._shared.accept(entry)
        if new:
            self._metrics.accepted()
            log_order(order)
            self._changed.set()
        return order, new

    async def advance(
        self, order_uid: str, step: Step, cause: ChangeCause = ChangeCause.EXECUTOR
    ) -> Order:
        """The order after a pure step; as it stands where its state forbids the step."""
        changes = await self._advance({order_uid: step}, cause)
        return changes[0].after

    async def advance_all(self, steps: Mapping[str, Step]) -> list[Order]:
        """Apply many steps in one transaction; returns the orders that changed."""
        changes = await self._advance(steps)
        return [after for before, after in changes if after != before]

    async def ask_all(self, steps: Mapping[str, Step], cause: ChangeCause) -> list[Order]:
        """As `advance_all`; returns all of the orders, changed or not."""
        return [after for _, after in await self._advance(steps, cause)]

    async def count_day(self, start: datetime, end: datetime, limit: int) -> None:
        """Have the orders of a day counted in `tallies`, from here on commit by commit."""

        def keep(tally: DayTally) -> None:
            self.tallies[start] = tally

        await self._commit(lambda: self._store.day_tally(start, end, limit), keep)

    async def reserve(
        self,
        order_uid: str,
        *,
        client_id: int,
        next_valid_id: int,
        position: Decimal | None = None,
    ) -> Order | None:
        """Commit Sending with a new order id; None where the order may not be sent any more.

        The id is above every id ever reserved, whatever the gateway says. `position` is what the account holds of the contract.
        """
        try:
            change = await self._commit(
                lambda: self._store.reserve(
                    order_uid,
                    client_id=client_id,
                    next_valid_id=next_valid_id,
                    at=self._clock.now(),
                    position=position,
                ),
                lambda reserved: self._keep([reserved]),
            )
        except IllegalMoveError:
            await self._commit(lambda: self._store.find(order_uid), self._look_at)
            return None
        self._announce(change)
        return change.after

    async def prove(self, order_uid: str, step: Step, proofs: Mapping[str, Any]) -> Order | None:
        """Commit a step with the proofs behind it; None where the order's state forbids it."""
        try:
            change = await self._commit(
                lambda: self._store.prove(order_uid, step, proofs, self._clock.now()),
                lambda proven: self._keep([proven]),
            )
        except IllegalMoveError:
            await self._commit(lambda: self._store.find(order_uid), self._look_at)
            return None
        self._announce(change)
        return change.after

    async def acknowledged_id(self, client_id: int) -> int:
        """The highest order id of this client of which the broker has ever told anything; 0 where there is none."""
        return await self._call(self._store.acknowledged_id, client_id)

    async def delay(self, delays: Sequence[Delay]) -> None:
        """Write down why unsent orders wait; of those that are not unsent any more nothing changes."""
        if not delays:
            return
        at = self._clock.now()
        why = {number: delay for delay in delays for number in delay.sequences}
        changes: list[Change] = []

        def delayed(sequences: Sequence[int]) -> None:
            orders = [self.active.unsent[number] for number in sequences]
            changes.extend(Change(o, why[o.sequence].delayed(o, at)) for o in orders)
            self._keep(changes)

        await self._commit(lambda: self._store.delay(delays, at), delayed)
        self._announce_delays(changes)

    async def observe(self, *events: OrderEvent) -> list[Order]:
        """Fold broker events into their orders, in one transaction; the orders about which they say something new."""
        changes = await self._commit(
            lambda: self._store.observe(events, self._clock.now()), self._keep
        )
        changed = [change for change in changes if change.after != change.before]
        for change in changed:
            if change.before.state is OrderState.SENDING:
                self._metrics.acknowledged(change.after, self._clock.now())
            self._announce(change, text=change.after.message)
        return [change.after for change in changed]

    async def recover(self) -> None:
        """At start: what was being sent has an unknown fate now, and what is active is read into memory."""
        at = self._clock.now()
        self._opened, self.found = (
            self._clock.monotonic(),
            await self._call(self._store.opened, at),
        )
        if self.found.opened is not None:
            hidden = hides_a_day(self.found, opened=at, now=at)
            await self.rebalances.give_up(self.found, hidden=hidden)
        for change in await self._call(lambda: self._store.recover(self._clock.now())):
            self._announce(change)
        self.active = ActiveOrders(await self._call(self._store.active))
        await self.pause.recall()
        await self.rebalances.recall()

    async def mark_written(self) -> None:
        """A sign of life, from which a restart is told from a restored copy."""
        if not self.begun:
            await self.begin(self._mode)
        await self._call(self._store.mark_written, self._clock.now())
        if self.problem:
            logger.warning("the ledger can be written again")
            self._threads.problem = ""
            self._changed.set()

    async def forget_sightings(self, now: datetime) -> None:
        """Drop old words about ended orders that are not here. `now` is IBKR's time: ours may be wrong."""
        await self._call(self._store.forget_sightings, now - SIGHTINGS_KEPT)

    def hides_a_day(self, now: datetime) -> bool:
        """Whether it may be a copy that lacks orders which the broker shows no more at `now`."""
        return hides_a_day(self.found, opened=self.opened_at(now), now=now)

    def opened_at(self, now: datetime) -> datetime:
        """When this process opened it, by the clock that says `now`."""
        return now - timedelta(seconds=self._clock.monotonic() - self._opened)

    async def rule_out_copy(self) -> None:
        """The broker has been asked about all that a copy may lack: a later start has no doubt about it any more."""
        await self._call(self._store.rule_out_copy)

    async def find(self, order_uid: str) -> Order | None:
        """One order by its id."""
        return await self._read(self._store.find, order_uid)

    async def find_all(self, order_uids: Sequence[str]) -> list[Order]:
        """Those of these orders that are there, with one question to the disk."""
        return await self._read(self._store.find_all, order_uids)

    async def page(
        self,
        *,
        after: int,
        limit: int,
        state: str | None = None,
        account: str = "",
        symbol: str = "",
        client_reference: str = "",
        since: datetime | None = None,
        newest_first: bool = False,
    ) -> list[Order]:
        """Orders accepted after sequence `after`, oldest first; `newest_first`: before it, where it is not 0."""
        return await self._read(
            self._store.page,
            after=after,
            limit=limit,
            state=state,
            account=account,
            symbol=symbol,
            client_reference=client_reference,
            since=since,
            newest_first=newest_first,
        )

    async def history(self, sequence: int, *, after: int, limit: int) -> list[HistoryLine]:
        """What became of the order, or with a minus sign of the rebalance, beyond line `after`, oldest first."""
        return await self._read(self._store.history, sequence, after=after, limit=limit)

    async def newest_line(self) -> int:
        """The position of the last line of all histories; 0 where there is none."""
        return await self._read(self._store.newest_line)

    async def lines(self, *, after: int, limit: int) -> list[LedgerLine]:
        """Lines of all orders and rebalances beyond a position, in the order in which they were committed."""
        return await self._read(self._store.lines, after=after, limit=limit)

    async def archive(self, before: datetime) -> int:
        """Put away the next orders that have ended and not changed since `before`; how many."""
        self._check_begun()
        return await self._call(self._store.archive, before)

    def close(self) -> None:
        """Finish what was asked and release the store."""
        self._threads.close()
        self._store.close()

    async def _call(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._threads.write(lambda: method(*args, **kwargs))

    async def _read(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._threads.read(lambda: method(*args, **kwargs))

    def _check_begun(self) -> None:
        if not self.begun:
            raise LedgerUnavailableError(self.problem)

    async def _commit(self, write: Callable[[], T], keep: Callable[[T], None]) -> T:
        """What the store has committed, and in memory as well: before the caller goes on, and even without it.

        `keep` is called by the event loop, in the order of the commits.
        """
        self._check_begun()
        return await self._threads.write(write, keep)

    def _keep(self, changes: Sequence[Change]) -> None:
        self.commits += 1
        for change in changes:
            self.active.put(change.after)
            if change.after.filled != change.before.filled:
                terms = change.after.terms
                self._fills[terms.account, terms.contract.con_id] = self._clock.monotonic()
            if fate_told(change.before, change.after):
                self.fates_told += 1
                self.rebalances.changed.set()
            for tally in self.tallies.values():
                tally.count(change.before, change.after)

    def _keep_new(self, orders: Sequence[Order]) -> None:
        self.commits += 1
        for order in orders:
            self.active.put(order)
            for tally in self.tallies.values():
                tally.count(None, order)

    def _look_at(self, order: Order | None) -> None:
        """As it stands on disk."""
        if order is not None:
            self.active.put(order)

    async def _advance(
        self, steps: Mapping[str, Step], cause: ChangeCause = ChangeCause.EXECUTOR
    ) -> list[Change]:
        if not steps:
            return []
        changes = await self._commit(
            lambda: self._store.advance(steps, self._clock.now(), cause), self._keep
        )
        for change in changes:
            self._announce(change)
        return changes

    def _announce(self, change: Change, text: str = "") -> None:
        """One log line and one count for what somebody watching would call a change."""
        if change.after == change.before:
            return
        if visible(change.after) != visible(change.before):
            log_order(change.after, text)
            self._metrics.order_moved(change.after)
        self._changed.set()

    def _announce_delays(self, changes: Sequence[Change]) -> None:
        """A line for each order, or one for each reason where a crowd waits."""
        if len(changes) <= CROWD:
            for change in changes:
                self._announce(change)
            return
        self._changed.set()
        for change in changes:
            self._metrics.order_moved(change.after)
        log_crowd([change.after for change in changes])
