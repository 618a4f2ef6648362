"""What the broker told about orders that carry an executor's orderRef and are not in this ledger.

The ledger may have been lost or restored: a request that comes again with its key gets the same
orderRef, and what the broker has told about it is folded in before it can be sent.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.history import ChangedOrder
from ibgateway_executor.ledger.rows import text
from ibgateway_executor.ledger.session import LedgerSession
from ibgateway_executor.orders.broker_reports import (
    FillReport,
    OrderError,
    OrderEvent,
    OrderStatusReport,
    apply,
    ended,
)
from ibgateway_executor.orders.order import REF_PREFIX, Order

_columns = tables.sightings.c
_REMEMBER: Final = (
    f"INSERT INTO {tables.sightings.name} (order_ref, report, at) VALUES (?, ?, ?) "  # noqa: S608 - our own name
    "ON CONFLICT DO NOTHING"
)


def remember(file: LedgerSession, event: OrderEvent, at: datetime) -> None:
    """Keep a report about an executor's order; other people's orders are none of ours."""
    if isinstance(event, OrderError) or not event.order_ref.startswith(REF_PREFIX):
        return
    report = json.dumps(_document(event), sort_keys=True)
    file.execute(_REMEMBER, (event.order_ref, report, text(at)))


def sightings(connection: Connection, order_ref: str) -> list[OrderEvent]:
    """What was told about this orderRef, in the order in which it came."""
    query = select(_columns.report).where(_columns.order_ref == order_ref)
    return [
        _event(json.loads(row[0])) for row in connection.execute(query.order_by(_columns.sequence))
    ]


def fold(file: LedgerSession, orders: Sequence[Order]) -> dict[str, list[ChangedOrder]]:
    """What was told about orders that are about to be stored makes of them, by their ids; of the others nothing.

    From here on the order itself is the evidence.
    """
    references = [order.order_ref for order in orders]
    told: dict[str, list[OrderEvent]] = {}
    for reference, report in file.execute(_told(len(orders)), references):
        told.setdefault(reference, []).append(_event(json.loads(report)))
    if told:
        file.execute(_fold(len(orders)), references)
    return {
        order.id: list(_changes(order, told[order.order_ref]))
        for order in orders
        if order.order_ref in told
    }


def _changes(order: Order, events: Iterable[OrderEvent]) -> Iterator[ChangedOrder]:
    for event in events:
        after = apply(order, event)
        yield ChangedOrder(order, after, event)
        order = after


def forget(connection: Connection, before: datetime) -> None:
    """Drop what was told about orders that ended at the broker, where nothing was told since `before`.

    An order that was not told to have ended is never forgotten, however long ago that was.
    """
    old = select(_columns.order_ref).where(_columns.at < text(before)).distinct()
    for order_ref in connection.execute(old).scalars().all():
        mine = _columns.order_ref == order_ref
        last = connection.execute(select(func.max(_columns.at)).where(mine)).scalar_one()
        if last < text(before) and any(ended(e) for e in sightings(connection, order_ref)):
            connection.execute(delete(tables.sightings).where(mine))


@cache
def _told(count: int) -> str:
    return f"SELECT order_ref, report FROM {_among(count)} ORDER BY sequence"  # noqa: S608 - our own names


@cache
def _fold(count: int) -> str:
    return f"DELETE FROM {_among(count)}"  # noqa: S608 - our own names


def _among(count: int) -> str:
    return f"{tables.sightings.name} WHERE order_ref IN ({', '.join('?' * count)})"


def _document(event: OrderStatusReport | FillReport) -> dict[str, Any]:
    fields = {k: str(v) if isinstance(v, Decimal) else v for k, v in asdict(event).items()}
    return {"kind": type(event).__name__, **fields}


def _event(document: dict[str, Any]) -> OrderEvent:
    fields = {k: v for k, v in document.items() if k != "kind"}
    for name in ("filled", "cumulative", "average_price"):
        if fields.get(name) is not None:
            fields[name] = Decimal(fields[name])
    made = FillReport if document["kind"] == FillReport.__name__ else OrderStatusReport
    event: OrderStatusReport | FillReport = made(**fields)
    return event
