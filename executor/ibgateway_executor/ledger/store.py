"""What a store of orders must do. `SqliteStore` is one; each method is one transaction.

One thread calls it at a time, another one `find`, `page` and `history`; what it returns has been committed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from ibgateway_api.reports import PauseReport
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.history import ChangeCause, HistoryLine, LedgerLine
from ibgateway_executor.orders.limits import DayTally
from ibgateway_executor.orders.order import Order, OrderState
from ibgateway_executor.orders.restored import LedgerSnapshot
from ibgateway_executor.rebalance.progress import RebalanceRun

Step = Callable[[Order], Order]
"""A pure step; IllegalMoveError where the order's state forbids it."""


@dataclass(frozen=True)
class Entry:
    """A new order for the ledger: `hash` tells a repeated request from another one.

    `earlier_hashes` makes what earlier versions have stored for the same request.

    `refusal` is raised only where the key is new: what was accepted once stays accepted.
    """

    key: str
    hash: str
    order: Order
    refusal: OrderRefusedError | None
    day_start: datetime
    day_limit: int | None
    earlier_hashes: Callable[[], tuple[str, ...]] = tuple


class EntryResult(NamedTuple):
    """An order that the ledger has, and whether it is new; else the request came again."""

    order: Order
    new: bool


Answer = EntryResult | Exception
"""What became of an entry: OrderRefusedError, or the error of a row that can't be stored."""


class Change(NamedTuple):
    """An order before and after a step; equal where the step changed nothing."""

    before: Order
    after: Order


@dataclass(frozen=True)
class Delay:
    """Why orders wait: one reason and message for many of them."""

    reason: str
    message: str
    sequences: tuple[int, ...]

    def delayed(self, order: Order, at: datetime) -> Order:
        """One of them, as it is written."""
        return replace(
            order,
            state=OrderState.WAITING,
            reason=str(self.reason),
            message=self.message,
            updated_at=at,
        )


RebalanceMove = Callable[[RebalanceRun], RebalanceRun]
"""A pure step; IllegalMoveError where the rebalance's state forbids it."""


class RebalanceChange(NamedTuple):
    """A rebalance before and after a step; equal where the step changed nothing."""

    before: RebalanceRun
    after: RebalanceRun


class LedgerStore(Protocol):
    """Orders by id and key, the highest order id ever reserved, and what the ledger is stamped with."""

    def stamp(self, mode: str) -> None:
        """Mark a new ledger with its mode; StartRefusedError for one of another mode or version."""
        ...

    def accounts(self) -> tuple[str, ...]:
        """The accounts the ledger was proven with; empty before the first login."""
        ...

    def claim(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Stamp a ledger that has no accounts yet; returns the accounts it is stamped with."""
        ...

    def accept(self, entries: Sequence[Entry], at: datetime) -> list[Answer]:
        """Store what is new of them, all in one transaction; an answer for each, in their order.

        An entry that is refused or can't be stored leaves the others alone. LedgerUnavailableError: none is stored.
        """
        ...

    def advance(
        self, steps: Mapping[str, Step], at: datetime, cause: ChangeCause = ChangeCause.EXECUTOR
    ) -> list[Change]:
        """Apply each step to its order as it stands now; a forbidden step changes nothing.

        Every method that changes orders writes their history in the same transaction.
        """
        ...

    def day_tally(self, start: datetime, end: datetime, limit: int) -> DayTally:
        """How many orders of that time were accepted and have left, and the limit-th of them."""
        ...

    def reserve(
        self,
        order_uid: str,
        *,
        client_id: int,
        next_valid_id: int,
        at: datetime,
        position: Decimal | None = None,
    ) -> Change:
        """Commit Sending with a new order id; IllegalMoveError where it may not be sent any more.

        `position` is what the account holds of the contract, None where that is not known.
        """
        ...

    def prove(self, order_uid: str, step: Step, proofs: Mapping[str, Any], at: datetime) -> Change:
        """Apply a step, with the proofs behind it in a line of the order's history; IllegalMoveError where it is forbidden."""
        ...

    def acknowledged_id(self, client_id: int) -> int:
        """The highest order id of this client of which the broker has ever told anything; 0 where there is none."""
        ...

    def delay(self, delays: Sequence[Delay], at: datetime) -> list[int]:
        """Write why orders wait; sequences of those that are still unsent, and only these were written."""
        ...

    def observe(self, events: Sequence[OrderEvent], at: datetime) -> list[Change]:
        """Fold broker events into their orders, one after the other.

        Reports about an executor's orders that are not here are kept for `accept`.
        """
        ...

    def forget_sightings(self, before: datetime) -> None:
        """Drop what `observe` has kept about orders that ended, where nothing was told since `before`."""
        ...

    def snapshot(self) -> LedgerSnapshot:
        """What the ledger holds: when it was written last, and its last sequence."""
        ...

    def opened(self, at: datetime) -> LedgerSnapshot:
        """What it held when it was opened, now or at an earlier start whose doubt was never settled."""
        ...

    def rule_out_copy(self) -> None:
        """The broker has been asked about all that a copy may lack: from here on it is the ledger."""
        ...

    def mark_written(self, at: datetime) -> None:
        """A sign of life: until now nobody else has written this ledger."""
        ...

    def recover(self, at: datetime) -> list[Change]:
        """At start: what was being sent has an unknown fate now."""
        ...

    def active(self) -> list[Order]:
        """Every order that is not done, in order of acceptance."""
        ...

    def paused(self) -> PauseReport | None:
        """A person's pause of trading, while it stands."""
        ...

    def pause(self, pause: PauseReport) -> None:
        """Trading is paused, until `resume`."""
        ...

    def resume(self) -> None:
        """Trading is not paused."""
        ...

    def find(self, order_uid: str) -> Order | None:
        """One order by its id, archived or not."""
        ...

    def find_all(self, order_uids: Sequence[str]) -> list[Order]:
        """Those of these orders that are there, archived or not, with one question."""
        ...

    def page(
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
        """Orders accepted after sequence `after`, oldest first; none of the archive.

        Empty and None leave a choice open; `since` is the earliest acceptance. `newest_first`: those before `after`, of which 0 leaves out none.
        """
        ...

    def history(self, sequence: int, *, after: int, limit: int) -> list[HistoryLine]:
        """The history of an order, archived or not, or with a minus sign of a rebalance, beyond line `after`, oldest first."""
        ...

    def newest_line(self) -> int:
        """The position of the last line of all histories; 0 where there is none."""
        ...

    def lines(self, *, after: int, limit: int) -> list[LedgerLine]:
        """Lines of all orders and rebalances beyond a position, in the order in which they were committed."""
        ...

    def add_rebalance(
        self, key: str, request_hash: str, run: RebalanceRun, at: datetime
    ) -> tuple[RebalanceRun, bool]:
        """The stored rebalance, and whether it is new: not where the request came again. OrderRefusedError for a key of another
        request, and where the account has one that has not ended.
        """
        ...

    def advance_rebalance(
        self,
        run_id: str,
        step: RebalanceMove,
        at: datetime,
        cause: ChangeCause = ChangeCause.EXECUTOR,
    ) -> RebalanceChange:
        """A pure step applied to it as it stands now; a forbidden one changes nothing.

        Every method that changes rebalances writes their history in the same transaction.
        """
        ...

    def rebalance(self, run_id: str) -> RebalanceRun | None:
        """One by its id."""
        ...

    def rebalances(self, *, after: int, limit: int) -> list[RebalanceRun]:
        """Those accepted after sequence `after`, oldest first."""
        ...

    def active_rebalances(self) -> list[RebalanceRun]:
        """Those that have not ended, oldest first."""
        ...

    def last_rebalances(self) -> list[RebalanceRun]:
        """The last one of each account, ended or not."""
        ...

    def archive(self, before: datetime) -> int:
        """Put away the next orders that have ended and not changed since `before`; how many, 0 when there are no more.

        They are found and change as before, but are in no page.
        """
        ...

    def close(self) -> None:
        """Release what the store holds."""
        ...
