"""New orders into the ledger: many in one transaction, each with an outcome of its own.

Written as text, because what SQLAlchemy adds to a statement costs several times what the
statement does (docs/decisions/0029-orders-share-a-commit.md). The columns are those of `tables`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.daily_limit import DailyLimit
from ibgateway_executor.ledger.history import ChangedOrder, add_first, add_lines, add_new
from ibgateway_executor.ledger.rows import order_of, row_of
from ibgateway_executor.ledger.session import BAD_ROW, LedgerDatabase, LedgerSession
from ibgateway_executor.ledger.sightings import fold
from ibgateway_executor.ledger.store import Answer, Entry, EntryResult
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.order import OrderReason
from ibgateway_executor.rebalance.progress import ENDED

_NAMES: Final = tuple(c.name for c in tables.orders.columns)
_COLUMNS: Final = tuple(c.name for c in tables.orders.columns if c.name != "sequence")
_REBALANCE: Final = f"SELECT state, document FROM {tables.rebalances.name} WHERE id = ?"  # noqa: S608 - our own name
_ENDED: Final = frozenset(state.value for state in ENDED)
_ENDING: Final = ("cancel_requested", "given_up")
Row = Mapping[str, Any]


class OrderWriter:
    """The way of orders into one ledger, by its only writer."""

    def __init__(self, database: LedgerDatabase) -> None:
        self._ledger = database
        self._day = DailyLimit()

    def accept(self, entries: Sequence[Entry], at: datetime) -> list[Answer]:
        """Store what is new of them, all in one transaction; an answer for each, in their order.

        An entry that is refused or can't be stored leaves the others alone. LedgerUnavailableError: none is stored.
        """
        with self._day.kept(), self._ledger.direct() as file:
            answers = self._answers(file, entries, at)
            self._day.add(answers)
        return answers

    def _answers(self, file: LedgerSession, entries: Sequence[Entry], at: datetime) -> list[Answer]:
        """A key that is not found is free: the transaction has begun with the file's write lock."""
        known = _known(file, list({entry.key for entry in entries}))
        fresh: dict[str, Entry] = {}
        refused: dict[int, Answer] = {}
        rebalances: dict[str, bool] = {}
        for number, entry in enumerate(entries):
            if entry.key not in known and entry.key not in fresh:
                refusal = (
                    entry.refusal
                    or self._day.refusal(file, entry, fresh.values())
                    or _cancelled(file, entry, rebalances)
                )
                if refusal is None:
                    fresh[entry.key] = entry
                else:
                    refused[number] = refusal
        rows: dict[str, Row | Exception] = {**known, **_stored(file, list(fresh.values()), at)}
        return [
            refused.get(number)
            or _answer(rows[entry.key], entry, new=fresh.get(entry.key) is entry)
            for number, entry in enumerate(entries)
        ]


def _cancelled(
    file: LedgerSession, entry: Entry, known: dict[str, bool]
) -> OrderRefusedError | None:
    """Why an order of a rebalance is not stored, as that stands in this transaction: what a client cancels meanwhile comes before its
    orders, or after them and then finds them. `known`: rebalances that were looked at, and whether they place nothing more.
    """
    name = entry.order.rebalance
    if name and name not in known:
        row = file.execute(_REBALANCE, (name,)).fetchone()
        known[name] = row is not None and (row[0] in _ENDED or _ending(row[1]))
    if not known.get(name):
        return None
    words = f"rebalance {name} places no more orders"
    return OrderRefusedError(409, OrderReason.CANCELLED_BY_CLIENT, words)


def _ending(document: str) -> bool:
    told = json.loads(document)
    return any(told.get(name) for name in _ENDING)


def _known(file: LedgerSession, keys: Sequence[str]) -> dict[str, Row]:
    """Rows by key, also of the archive."""
    rows = [
        dict(zip(_NAMES, values, strict=True))
        for values in file.execute(_selection(len(keys)), [*keys, *keys])
    ]
    return {row["idempotency_key"]: row for row in rows}


def _stored(
    file: LedgerSession, entries: Sequence[Entry], at: datetime
) -> dict[str, Row | Exception]:
    """Rows by key: all with one statement. Where that fails, one by one: a bad one fails alone.

    A savepoint takes back what a failed one has done, such as sightings that were folded in.
    """
    if not entries:
        return {}
    file.execute("SAVEPOINT entries")
    try:
        rows = _inserted(file, entries, at)
    except BAD_ROW as problem:
        file.execute("ROLLBACK TO SAVEPOINT entries")
        if len(entries) == 1:
            return {entries[0].key: problem}
    else:
        file.execute("RELEASE SAVEPOINT entries")
        return rows
    return {key: row for entry in entries for key, row in _stored(file, [entry], at).items()}


def _inserted(
    file: LedgerSession, entries: Sequence[Entry], at: datetime
) -> dict[str, Row | Exception]:
    told = fold(file, [entry.order for entry in entries])
    folded = {uid: changes[-1].after for uid, changes in told.items()}
    rows = [
        {
            **row_of(folded.get(entry.order.id, entry.order), at),
            "idempotency_key": entry.key,
            "request_hash": entry.hash,
        }
        for entry in entries
    ]
    values = [row[name] for row in rows for name in _COLUMNS]
    numbers: dict[str, int] = dict(file.execute(_insertion(len(rows)), values))
    _begin_histories(file, entries, told, numbers, at)
    return {
        row["idempotency_key"]: {**row, "sequence": numbers[row["idempotency_key"]]} for row in rows
    }


def _begin_histories(
    file: LedgerSession,
    entries: Sequence[Entry],
    told: Mapping[str, Sequence[ChangedOrder]],
    numbers: Mapping[str, int],
    at: datetime,
) -> None:
    """`told`: what the broker had told before the order came, by its id; `numbers`: sequences by key.

    Nobody else has written meanwhile: between the first and the last of these sequences are no others.
    """
    if not told:
        add_new(file, min(numbers.values()), max(numbers.values()))
        return
    for entry in entries:
        number = numbers[entry.key]
        add_first(file, replace(entry.order, sequence=number), at)
        changes = [
            c._replace(after=replace(c.after, sequence=number))
            for c in told.get(entry.order.id, ())
        ]
        add_lines(file, changes, ChangeCause.BROKER, at)


def _answer(row: Row | Exception, entry: Entry, *, new: bool) -> Answer:
    if isinstance(row, Exception):
        return row
    if not new and row["request_hash"] not in (entry.hash, *entry.earlier_hashes()):
        return OrderRefusedError(
            422,
            "IdempotencyKeyReused",
            f"this Idempotency-Key belongs to order {row['id']}, which was a different request: "
            "use a new key for a new order",
        )
    return EntryResult(order_of(row), new)


@cache
def _selection(count: int) -> str:
    holes, names = ", ".join("?" * count), ", ".join(_NAMES)
    return " UNION ALL ".join(
        f"SELECT {names} FROM {table.name} WHERE idempotency_key IN ({holes})"  # noqa: S608 - our own names
        for table in (tables.orders, tables.archive)
    )


@cache
def _insertion(count: int) -> str:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    columns, rows = ", ".join(_COLUMNS), ", ".join([row] * count)
    insertion = f"INSERT INTO {tables.orders.name} ({columns}) VALUES {rows}"  # noqa: S608 - our own names
    return f"{insertion} RETURNING idempotency_key, sequence"
