"""What the broker told about orders that carry an executor's orderRef and are not in this ledger.

The ledger may have been lost or restored: a request that comes again with its key gets the same
orderRef, and what the broker has told about it is folded in before it can be sent.
"""

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from ibgateway_executor.ledger import tables
from ibgateway_executor.orders.broker_reports import (
    FillReport,
    OrderError,
    OrderEvent,
    OrderStatusReport,
)
from ibgateway_executor.orders.order import REF_PREFIX

_columns = tables.sightings.c


def remember(connection: Connection, event: OrderEvent) -> None:
    """Keep a report about an executor's order; other people's orders are none of ours."""
    if isinstance(event, OrderError) or not event.order_ref.startswith(REF_PREFIX):
        return
    row = {"order_ref": event.order_ref, "report": json.dumps(_document(event), sort_keys=True)}
    connection.execute(insert(tables.sightings).values(row).on_conflict_do_nothing())


def sightings(connection: Connection, order_ref: str) -> list[OrderEvent]:
    """What was told about this orderRef, in the order in which it came."""
    query = select(_columns.report).where(_columns.order_ref == order_ref)
    return [
        _event(json.loads(row[0])) for row in connection.execute(query.order_by(_columns.sequence))
    ]


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
