"""How many orders of a New York day may be accepted, and sent where the limit was lowered later."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, func, select, true, union_all

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import text
from ibgateway_executor.ledger.session import LedgerSession
from ibgateway_executor.ledger.store import Answer, Entry, EntryResult
from ibgateway_executor.orders.limits import DayTally

_TABLES: Final = (tables.orders, tables.archive)
_ALL: Final = true()
_SINCE: Final = f"SELECT count(*) FROM {tables.orders.name} WHERE accepted_at >= ?"  # noqa: S608 - our own name


class DailyLimit:
    """The orders accepted since a midnight, counted once and then on: counting them anew for each order would
    cost more with every order of the day.
    """

    def __init__(self) -> None:
        self._start = ""
        self._count = 0

    def refusal(
        self, file: LedgerSession, entry: Entry, before: Collection[Entry]
    ) -> OrderRefusedError | None:
        """Why the entry's day has no room for it, after those `before` it in the same transaction."""
        if entry.day_limit is None:
            return None
        if text(entry.day_start) != self._start:
            self._start = text(entry.day_start)
            (self._count,) = file.execute(_SINCE, (self._start,)).fetchone()
        if self._count + _since(entry.day_start, before) < entry.day_limit:
            return None
        return OrderRefusedError(
            429,
            "DailyOrderLimit",
            f"spec.executor.limits.maxOrdersPerDay is {entry.day_limit} and that many orders were "
            "accepted since midnight in New York: raise the limit or wait for tomorrow",
        )

    def add(self, answers: Iterable[Answer]) -> None:
        """What was stored counts from now on."""
        new = [a.order for a in answers if isinstance(a, EntryResult) and a.new]
        self._count += sum(text(order.accepted_at) >= self._start for order in new)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Around a transaction: where it is not committed the count is forgotten, and made anew."""
        try:
            yield
        except BaseException:
            self._start = ""
            raise


def _since(start: datetime, entries: Collection[Entry]) -> int:
    return sum(entry.order.accepted_at >= start for entry in entries)


def day_tally(connection: Connection, start: datetime, end: datetime, limit: int) -> DayTally:
    """The orders accepted from `start` until before `end`, archived or not."""
    day = (text(start), text(end))
    sequences = [_of_day(table.c.sequence, table, day) for table in _TABLES]
    last = union_all(*sequences).order_by("sequence").offset(limit - 1).limit(1)
    return DayTally(
        start,
        end,
        limit,
        accepted=sum(_count(connection, table, day) for table in _TABLES),
        left=sum(_count(connection, table, day, _left(table)) for table in _TABLES),
        last=connection.execute(last).scalar_one_or_none(),
    )


def _of_day(what: Any, table: Table, day: tuple[str, str]) -> Select[Any]:
    return select(what).where((table.c.accepted_at >= day[0]) & (table.c.accepted_at < day[1]))


def _left(table: Table) -> Any:
    """What the broker has, or had."""
    return (table.c.order_id > 0) | (table.c.perm_id > 0) | table.c.sent_at.is_not(None)


def _count(connection: Connection, table: Table, day: tuple[str, str], only: Any = _ALL) -> int:
    counting = _of_day(func.count(), table, day).select_from(table).where(only)
    counted: int = connection.execute(counting).scalar_one()
    return counted
