"""The lines of an order's or a rebalance's history, written in the transaction of the change and never touched again.

The tables' triggers forbid it. A line belongs to the order's sequence, so nothing moves when the order is archived, or to the
rebalance's sequence with a minus sign: both have one series of positions.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, exists, func, insert, select

from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import Row, instant, text
from ibgateway_executor.ledger.session import LedgerSession
from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.history import (
    ChangeCause,
    HistoryLine,
    LedgerLine,
    LineSubject,
    evidence,
)
from ibgateway_executor.orders.order import UNSENT, Order, OrderState
from ibgateway_executor.rebalance import history as rebalance_history
from ibgateway_executor.rebalance.progress import RebalanceRun

_line = tables.history.c
_NAME: Final = tables.history.name
_COLUMNS: Final = "order_sequence, number, at, before, state, reason, message, cause, evidence"
_NEXT: Final = f"(SELECT coalesce(max(number), 0) + 1 FROM {_NAME} WHERE order_sequence = "  # noqa: S608 - our own name
_ADD: Final = f"INSERT INTO {_NAME} ({_COLUMNS}) VALUES (?, {_NEXT}?), ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own names
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_ADD_NEW: Final = (
    f"INSERT INTO {_NAME} ({_COLUMNS}) SELECT sequence, 1, updated_at, '', state, reason, message, "  # noqa: S608 - our own names
    f"'{ChangeCause.CLIENT}', '' FROM {tables.orders.name} WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
)


class ChangedOrder(NamedTuple):
    """One change for the history: the order's sequence is that of `after`."""

    before: Order
    after: Order
    event: OrderEvent | None = None
    proofs: Mapping[str, Any] | None = None


def add_lines(
    file: LedgerSession, changes: Iterable[ChangedOrder], cause: ChangeCause, at: datetime
) -> None:
    """A line for each change that is worth one, in their order."""
    for before, after, event, proofs in changes:
        told = evidence(before, after, event, proofs)
        if told is not None:
            line = (text(at), before.state.value, *_standing(after), cause.value, _json(told))
            file.execute(_ADD, (after.sequence, after.sequence, *line))


def add_new(file: LedgerSession, first: int, last: int) -> None:
    """The first line of each order that was just stored, as it was accepted from a client."""
    file.execute(_ADD_NEW, (first, last))


def add_first(file: LedgerSession, order: Order, at: datetime) -> None:
    """The first line of one order, as it was accepted, whatever its row says by now."""
    line = (text(at), "", *_standing(order), ChangeCause.CLIENT.value, "")
    file.execute(_ADD, (order.sequence, order.sequence, *line))


def add_delays(
    file: LedgerSession, reason: str, message: str, sequences: Sequence[int], at: datetime
) -> None:
    """A line for each of these unsent orders that never waited for this reason before; to be called before they wait.

    A crowd that waits for the one and the other in turn has a line for each, not one for each turn.
    """
    values = (text(at), OrderState.WAITING.value, reason, message, ChangeCause.EXECUTOR.value)
    known = (*(state.value for state in UNSENT), OrderState.WAITING.value, reason)
    file.execute(_delays(len(sequences)), (*values, *sequences, *known))


def add_rebalance_line(
    connection: Connection,
    before: RebalanceRun | None,
    after: RebalanceRun,
    cause: ChangeCause,
    at: datetime,
) -> None:
    """A line for a change that is worth one; `before` None: it was just stored.

    One that waits for the one and the other in turn has a line for each, not one for each turn.
    """
    told = rebalance_history.evidence(before, after)
    if told is None:
        return
    mine = _line.order_sequence == -after.sequence
    same = mine & (_line.state == after.state.value) & (_line.reason == after.reason)
    waits = before is not None and not told and before.state is after.state
    if waits and connection.execute(select(exists().where(same))).scalar_one():
        return
    last = select(func.coalesce(func.max(_line.number), 0)).where(mine)
    connection.execute(
        insert(tables.history).values(
            order_sequence=-after.sequence,
            number=connection.execute(last).scalar_one() + 1,
            at=text(at),
            before="" if before is None else before.state.value,
            state=after.state.value,
            reason=after.reason,
            message=after.message,
            cause=cause.value,
            evidence=_json(told),
        )
    )


def lines(connection: Connection, sequence: int, *, after: int, limit: int) -> list[HistoryLine]:
    """The lines of an order beyond number `after`, oldest first; with a minus sign of a rebalance."""
    mine = (_line.order_sequence == sequence) & (_line.number > after)
    query = select(tables.history).where(mine).order_by(_line.number).limit(limit)
    return [_line_of(dict(row)) for row in connection.execute(query).mappings()]


def newest(connection: Connection) -> int:
    """The position of the last line of all; 0 where there is none."""
    return connection.execute(select(func.max(_line.position))).scalar_one() or 0


def lines_of_all(connection: Connection, *, after: int, limit: int) -> list[LedgerLine]:
    """Lines of all orders and rebalances beyond a position, in the order in which they were committed."""
    ids = [
        select(table.c.id).where(table.c.sequence == sequence).scalar_subquery()
        for table, sequence in (
            (tables.orders, _line.order_sequence),
            (tables.archive, _line.order_sequence),
            (tables.rebalances, -_line.order_sequence),
        )
    ]
    query = (
        select(tables.history, func.coalesce(*ids).label("id"))
        .where(_line.position > after)
        .order_by(_line.position)
        .limit(limit)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [LedgerLine(row["position"], _subject(row), row["id"], _line_of(row)) for row in rows]


def _subject(row: Row) -> LineSubject:
    return LineSubject.ORDER if row["order_sequence"] > 0 else LineSubject.REBALANCE


def _standing(order: Order) -> tuple[str, str, str]:
    return order.state.value, str(order.reason), order.message


def _json(told: dict[str, Any]) -> str:
    return _ENCODER.encode(told) if told else ""


def _line_of(row: Row) -> HistoryLine:
    return HistoryLine(
        number=row["number"],
        at=instant(row["at"]),
        before=row["before"],
        state=row["state"],
        reason=row["reason"],
        message=row["message"],
        cause=row["cause"],
        evidence=json.loads(row["evidence"] or "{}"),
    )


@cache
def _delays(count: int) -> str:
    holes, unsent = ", ".join("?" * count), ", ".join("?" * len(UNSENT))
    return (
        f"INSERT INTO {_NAME} ({_COLUMNS}) "  # noqa: S608 - our own names
        f"SELECT o.sequence, {_NEXT}o.sequence), ?, o.state, ?, ?, ?, ?, '' FROM {tables.orders.name} o "
        f"WHERE o.sequence IN ({holes}) AND o.state IN ({unsent}) AND NOT EXISTS ("
        f"SELECT 1 FROM {_NAME} h WHERE h.order_sequence = o.sequence AND h.state = ? AND h.reason = ?)"
    )
