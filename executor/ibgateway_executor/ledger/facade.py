"""The ledger as its callers see it: awaited, and the only place where an order changes.

A store is synchronous and has a thread of its own, so the event loop never waits for the disk. Every
change of an order passes here, is logged and counted once, and wakes the dispatcher.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final, ParamSpec, TypeVar

from ibgateway_executor.errors import IllegalMoveError, LedgerUnavailableError
from ibgateway_executor.ledger.store import Change, Entry, LedgerStore, Step
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.order import UNCERTAIN, Order, OrderState
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
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._opened = clock.monotonic()
        self.found = LedgerSnapshot(None, 0)
        """What the ledger held when it was opened."""
        self.problem = ""
        """Why it can't be written; empty as long as it can. A sign of life tells when it can again."""

    async def stamp(self, mode: str) -> None:
        """Mark a new ledger with its mode; StartRefusedError for one of another mode or version."""
        await self._call(self._store.stamp, mode)

    async def accounts(self) -> tuple[str, ...]:
        """The accounts the ledger was proven with; empty before the first login."""
        return await self._call(self._store.accounts)

    async def claim(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Stamp a ledger that has no accounts yet; returns the accounts it is stamped with."""
        return await self._call(self._store.claim, accounts)

    async def accept(self, entry: Entry) -> tuple[Order, bool]:
        """Store a new order; (order, True) when it is new, (order, False) for a repeated request.

        OrderRefusedError for a key of another request, the entry's refusal and the day's limit.
        """
        order, new = await self._call(self._store.accept, entry, self._clock.now())
        if new:
            self._metrics.accepted()
            self._log(order)
            self._changed.set()
        return order, new

    async def advance(self, order_uid: str, step: Step) -> Order:
        """The order after a pure step; as it stands where its state forbids the step."""
        changes = await self._advance({order_uid: step})
        return changes[0].after

    async def advance_all(self, steps: Mapping[str, Step]) -> list[Order]:
        """Apply many steps in one transaction; returns the orders that changed."""
        changes = await self._advance(steps)
        return [after for before, after in changes if after != before]

    async def last_within(self, start: datetime, end: datetime, limit: int) -> int | None:
        """The last sequence of the orders accepted in that time that `limit` lets out; None for all of them."""
        return await self._call(self._store.last_within, start, end, limit)

    async def reserve(self, order_uid: str, *, client_id: int, next_valid_id: int) -> Order | None:
        """Commit Sending with a new order id; None where the order may not be sent any more.

        The id is above every id ever reserved, whatever the gateway says.
        """
        try:
            change = await self._call(
                self._store.reserve,
                order_uid,
                client_id=client_id,
                next_valid_id=next_valid_id,
                at=self._clock.now(),
            )
        except IllegalMoveError:
            return None
        self._announce(change)
        return change.after

    async def observe(self, event: OrderEvent) -> Order | None:
        """Fold a broker event into its order; None where it says nothing new."""
        change = await self._call(self._store.observe, event, self._clock.now())
        if change is None or change.after == change.before:
            return None
        if change.before.state is OrderState.SENDING:
            self._metrics.acknowledged(change.after, self._clock.now())
        self._announce(change, text=change.after.message)
        return change.after

    async def recover(self) -> None:
        """At start: what was being sent has an unknown fate now."""
        self._opened, self.found = self._clock.monotonic(), await self._call(self._store.snapshot)
        for change in await self._call(self._store.recover, self._clock.now()):
            self._announce(change)

    async def mark_written(self) -> None:
        """A sign of life, from which a restart is told from a restored copy."""
        await self._call(self._store.mark_written, self._clock.now())
        if self.problem:
            logger.warning("the ledger can be written again")
            self.problem = ""
            self._changed.set()

    async def forget_sightings(self, now: datetime) -> None:
        """Drop old words about ended orders that are not here. `now` is IBKR's time: ours may be wrong."""
        await self._call(self._store.forget_sightings, now - SIGHTINGS_KEPT)

    def hides_a_day(self, now: datetime) -> bool:
        """Whether it may be a copy that lacks orders which the broker shows no more at `now`."""
        opened = now - timedelta(seconds=self._clock.monotonic() - self._opened)
        return hides_a_day(self.found, opened=opened, now=now)

    async def active(self) -> list[Order]:
        """Every order that is not done, in order of acceptance."""
        return await self._call(self._store.active)

    async def find(self, order_uid: str) -> Order | None:
        """One order by its id."""
        return await self._call(self._store.find, order_uid)

    async def page(self, *, after: int, limit: int, state: str | None) -> list[Order]:
        """Orders accepted after sequence `after`, oldest first."""
        return await self._call(self._store.page, after=after, limit=limit, state=state)

    async def counts(self) -> dict[str, int]:
        """How many orders are in each state."""
        return await self._call(self._store.counts)

    def close(self) -> None:
        """Finish what was asked and release the store."""
        self._thread.shutdown(wait=True)
        self._store.close()

    async def _call(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The store's answer; calls are done one after the other, in the order asked."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: method(*args, **kwargs))
        except LedgerUnavailableError as error:
            if not self.problem:
                logger.error("%s", error)  # noqa: TRY400 - the words say it all
            self.problem = str(error)
            raise

    async def _advance(self, steps: Mapping[str, Step]) -> list[Change]:
        if not steps:
            return []
        changes = await self._call(self._store.advance, steps, self._clock.now())
        for change in changes:
            self._announce(change)
        return changes

    def _announce(self, change: Change, text: str = "") -> None:
        """One log line and one count for what somebody watching would call a change."""
        if change.after == change.before:
            return
        if _visible(change.after) != _visible(change.before):
            self._log(change.after, text)
            self._metrics.order_moved(change.after)
        self._changed.set()

    def _log(self, order: Order, text: str = "") -> None:
        """`text` is the broker's; a message of our own may quote a client and stays out of the log."""
        logger.log(
            logging.WARNING if order.state in UNCERTAIN else logging.INFO,
            "order %s is %s (%s of %d filled)%s",
            *(order.id, order.state, order.filled, order.terms.quantity),
            "".join(f" {words}" for words in (order.reason, text) if words),
        )


def _visible(order: Order) -> tuple[object, ...]:
    return order.state, order.reason, order.message, order.filled
