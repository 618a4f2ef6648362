"""The real store, with a place to let something happen at the worst moment."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from executor_fakes.values import NOON
from ibgateway_executor.ledger.engine import LedgerFile
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite
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


@cache
def empty_ledger() -> bytes:
    """The file of a new paper ledger: made once a process, because its tables take longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        store = open_sqlite(path)
        store.stamp("paper")
        store.close()
        assert [found.name for found in Path(folder).iterdir()] == ["ledger.db"], "all is in it"
        return path.read_bytes()


def open_hooked(path: Path) -> HookedStore:
    """A new paper ledger in a file, or the one that is there."""
    if not path.exists():
        path.write_bytes(empty_ledger())
    store = HookedStore(LedgerFile(path))
    store.stamp("paper")
    return store


_: type[LedgerStore] = HookedStore
