"""Orders that clients ask for, within a transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import order_of
from ibgateway_executor.orders.order import Order


def select_orders(
    connection: Connection, condition: Any, limit: int | None = None, *, newest_first: bool = False
) -> list[Order]:
    """In order of acceptance, or against it."""
    sequence = tables.orders.c.sequence
    way = sequence.desc() if newest_first else sequence
    query = select(tables.orders).where(condition).order_by(way).limit(limit)
    return [order_of(dict(row)) for row in connection.execute(query).mappings()]


def found(connection: Connection, order_uid: str) -> Order | None:
    """An order by its id, archived or not."""
    for table in (tables.orders, tables.archive):
        query = select(table).where(table.c.id == order_uid)
        for row in connection.execute(query).mappings():
            return order_of(dict(row))
    return None


def found_all(connection: Connection, order_uids: Sequence[str]) -> list[Order]:
    """Orders by their ids, archived or not; those that are there."""
    return [
        order_of(dict(row))
        for table in (tables.orders, tables.archive)
        for row in connection.execute(select(table).where(table.c.id.in_(order_uids))).mappings()
    ]
