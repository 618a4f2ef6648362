"""Orders read and written within a transaction, many at once, each by an index."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.archive import bring_back
from ibgateway_executor.ledger.rows import order_of, row_of, text
from ibgateway_executor.ledger.store import Change, Delay, Step
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent, apply, concerns
from ibgateway_executor.orders.order import UNSENT, Order, OrderState

VARIABLES: Final = 500
"""SQLite takes a limited number of them in a statement."""

_orders, _archived = tables.orders.c, tables.archive.c
_BY_ID: Final = (
    update(tables.orders)
    .where(_orders.id == bindparam("which"))
    .values(
        {
            column.name: bindparam(column.name)
            for column in _orders
            if column.name not in ("sequence", "id", "idempotency_key", "request_hash")
        }
    )
)


def select_orders(connection: Connection, condition: Any, limit: int | None = None) -> list[Order]:
    """In order of acceptance."""
    query = select(tables.orders).where(condition).order_by(_orders.sequence).limit(limit)
    return [order_of(dict(row)) for row in connection.execute(query).mappings()]


def active_orders(connection: Connection, states: Iterable[str]) -> list[Order]:
    """Every order in these states, in order of acceptance; sorted here, as SQLite would copy all rows for it."""
    query = select(tables.orders).where(_orders.state.in_(list(states)))
    rows = connection.execution_options(yield_per=VARIABLES).execute(query).mappings()
    return sorted((order_of(dict(row)) for row in rows), key=lambda order: order.sequence)


def archived_orders(connection: Connection, condition: Any) -> list[Order]:
    """Those of the archive; the condition is about its columns."""
    query = select(tables.archive).where(condition).order_by(_archived.sequence)
    return [order_of(dict(row)) for row in connection.execute(query).mappings()]


def found(connection: Connection, order_uid: str) -> Order | None:
    """An order by its id, archived or not."""
    here = select_orders(connection, _orders.id == order_uid)
    orders = here or archived_orders(connection, _archived.id == order_uid)
    return orders[0] if orders else None


def advance(connection: Connection, steps: Mapping[str, Step], at: datetime) -> list[Change]:
    """Each order after its step; as it is where its state forbids the step."""
    known: dict[str, Order] = {}
    for ids in _portions(list(steps)):
        known |= {order.id: order for order in select_orders(connection, _orders.id.in_(ids))}
    away: dict[str, Order] = {}
    for ids in _portions([order_uid for order_uid in steps if order_uid not in known]):
        away |= {order.id: order for order in archived_orders(connection, _archived.id.in_(ids))}
    known |= away
    changes = [_after(known[order_uid], step) for order_uid, step in steps.items()]
    _bring_changed_back(connection, changes, away)
    return write(connection, changes, at)


def write(connection: Connection, changes: Sequence[Change], at: datetime) -> list[Change]:
    """Write the orders that have changed; what was written has its time."""
    written = [
        change
        if change.after == change.before
        else Change(change.before, replace(change.after, updated_at=at))
        for change in changes
    ]
    rows = [_parameters(change.after, at) for change in written if change.after != change.before]
    if rows:
        connection.execute(_BY_ID, rows)
    return written


def delay(connection: Connection, delays: Iterable[Delay], at: datetime) -> list[int]:
    """Write why orders wait; sequences of those that are still unsent."""
    unsent = _orders.state.in_([state.value for state in UNSENT])
    written: list[int] = []
    for why in delays:
        values = {"state": OrderState.WAITING.value, "reason": str(why.reason)}
        values |= {"message": why.message, "updated_at": text(at)}
        for numbers in _portions(why.sequences):
            of = _orders.sequence.in_(numbers) & unsent
            statement = update(tables.orders).where(of).values(values)
            written += connection.execute(statement.returning(_orders.sequence)).scalars()
    return written


def observe(
    connection: Connection, events: Iterable[OrderEvent], at: datetime
) -> tuple[list[Change], list[OrderEvent]]:
    """Each order after each event about it, and the events that are about none of ours."""
    changes: list[Change] = []
    foreign: list[OrderEvent] = []
    known: dict[str, Order] = {}
    away: set[str] = set()
    for event in events:
        before = _meant(connection, event, known)
        if before is None and (before := _archived_meant(connection, event, known)) is not None:
            away.add(before.id)
        if before is None:
            foreign.append(event)
            continue
        change = Change(before, apply(before, event))
        if change.after != before:
            change = Change(before, replace(change.after, updated_at=at))
        known[before.id] = change.after
        changes.append(change)
    changed = {c.after.id for c in changes if c.after != c.before}
    _bring_changed_back(connection, changes, away)
    if changed:
        rows = [_parameters(known[order_uid], at) for order_uid in changed]
        connection.execute(_BY_ID, rows)
    return changes, foreign


def _meant(connection: Connection, event: OrderEvent, known: Mapping[str, Order]) -> Order | None:
    """The order that an event is about, as it stands after the events before it."""
    if not isinstance(event, OrderError) and not event.order_ref and event.perm_id:
        same = (order for order in known.values() if order.perm_id == event.perm_id)
        if (order := next(same, None)) is not None:
            return order
    for way in _ways(event, _orders):
        for order in select_orders(connection, way):
            if concerns(current := known.get(order.id, order), event):
                return current
    return None


def _archived_meant(
    connection: Connection, event: OrderEvent, known: Mapping[str, Order]
) -> Order | None:
    """The same of the archive: a late report about an order that ended long ago."""
    for way in _ways(event, _archived):
        for order in archived_orders(connection, way):
            if concerns(current := known.get(order.id, order), event):
                return current
    return None


def _ways(event: OrderEvent, columns: Any) -> list[Any]:
    """Each way to know an order by an event is a query of its own: joined by OR they are a scan."""
    ours = (columns.client_id == event.client_id) & (columns.order_id == event.order_id)
    by_ids = ours & (columns.order_id > 0)
    if isinstance(event, OrderError):
        return [by_ids]
    if event.order_ref:
        return [columns.order_ref == event.order_ref]
    return [columns.perm_id == event.perm_id, by_ids] if event.perm_id else [by_ids]


def _bring_changed_back(
    connection: Connection, changes: Iterable[Change], away: Container[str]
) -> None:
    ids = {c.after.id for c in changes if c.after != c.before and c.after.id in away}
    if ids:
        bring_back(connection, list(ids))


def _after(before: Order, step: Step) -> Change:
    try:
        return Change(before, step(before))
    except IllegalMoveError:
        return Change(before, before)


def _parameters(order: Order, at: datetime) -> dict[str, Any]:
    values = row_of(order, at)
    return values | {"which": values.pop("id")}


def _portions(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + VARIABLES] for start in range(0, len(items), VARIABLES)]
