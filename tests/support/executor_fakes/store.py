"""The real store, with a place to let something happen at the worst moment."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from executor_fakes.values import NOON
from ibgateway_executor.ledger.engine import LedgerFile
from ibgateway_executor.ledger.sqlite import SqliteStore
from ibgateway_executor.ledger.store import Change, Entry, EntryResult, LedgerStore, Step
from ibgateway_executor.orders.broker_reports import OrderEvent


def nothing() -> None:
    """The hook that does nothing."""


class HookedStore(SqliteStore):
    """`after_reserve` is called, in the store's thread, when Sending has been committed, `after_prove` when a step with proofs was."""

    after_reserve: Callable[[], None] = staticmethod(nothing)
    after_prove: Callable[[], None] = staticmethod(nothing)

    def reserve(
        self,
        order_uid: str,
        *,
        client_id: int,
        next_valid_id: int,
        at: datetime,
        position: Decimal | None = None,
    ) -> Change:
        """As the real one; then the hook."""
        change = super().reserve(
            order_uid, client_id=client_id, next_valid_id=next_valid_id, at=at, position=position
        )
        self.after_reserve()
        return change

    def prove(self, order_uid: str, step: Step, proofs: Mapping[str, Any], at: datetime) -> Change:
        """As the real one; then the hook."""
        change = super().prove(order_uid, step, proofs, at)
        self.after_prove()
        return change


def observe(store: LedgerStore, event: OrderEvent, at: datetime) -> Change | None:
    """One event of the broker; None where it is about none of the orders."""
    return next(iter(store.observe([event], at)), None)


def accept(store: LedgerStore, entry: Entry, at: datetime = NOON) -> EntryResult:
    """The answer to an entry that comes alone; raised where it is an error."""
    (answer,) = store.accept([entry], at)
    if isinstance(answer, Exception):
        raise answer
    return answer


def open_hooked(path: Path) -> HookedStore:
    """A new paper ledger in a file."""
    store = HookedStore(LedgerFile(path))
    store.stamp("paper")
    return store


_: type[LedgerStore] = HookedStore
