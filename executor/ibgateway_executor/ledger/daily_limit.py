"""How many orders of a New York day may be accepted, and sent where the limit was lowered later."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import text
from ibgateway_executor.ledger.store import Answer, Entry, EntryResult
from ibgateway_executor.orders.limits import DayTally

_orders = tables.orders.c
_SINCE: Final = f"SELECT count(*) FROM {tables.orders.name} WHERE accepted_at >= ?"  # noqa: S608 - our own name


class DailyLimit:
    """The orders accepted since a midnight, counted once and then on: counting them anew for each order would
    cost more with every order of the day.
    """

    def __init__(self) -> None:
        self._start = ""
        self._count = 0

    def refusal(
        self, file: sqlite3.Connection, entry: Entry, before: Collection[Entry]
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
    """The orders accepted from `start` until before `end`."""
    accepted = (_orders.accepted_at >= text(start)) & (_orders.accepted_at < text(end))
    sequences = select(_orders.sequence).where(accepted).order_by(_orders.sequence)
    last = connection.execute(sequences.offset(limit - 1).limit(1)).scalar_one_or_none()
    left = (_orders.order_id > 0) | (_orders.perm_id > 0) | _orders.sent_at.is_not(None)
    return DayTally(
        start,
        end,
        limit,
        accepted=_count(connection, accepted),
        left=_count(connection, accepted & left),
        last=last,
    )


def _count(connection: Connection, condition: Any) -> int:
    counted: int = connection.execute(
        select(func.count()).select_from(tables.orders).where(condition)
    ).scalar_one()
    return counted
