"""Orders read and written within a transaction, many at once, each by an index."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import order_of, row_of, text
from ibgateway_executor.ledger.store import Change, Delay, Step
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent, apply, concerns
from ibgateway_executor.orders.order import UNSENT, Order, OrderState

VARIABLES: Final = 500
"""SQLite takes a limited number of them in a statement."""

_orders = tables.orders.c
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


def one(connection: Connection, order_uid: str) -> Order:
    """An order that is there."""
    return select_orders(connection, _orders.id == order_uid)[0]


def advance(connection: Connection, steps: Mapping[str, Step], at: datetime) -> list[Change]:
    """Each order after its step; as it is where its state forbids the step."""
    found: dict[str, Order] = {}
    for ids in _portions(list(steps)):
        found |= {order.id: order for order in select_orders(connection, _orders.id.in_(ids))}
    changes = [_after(found[order_uid], step) for order_uid, step in steps.items()]
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
    for event in events:
        before = _meant(connection, event, known)
        if before is None:
            foreign.append(event)
            continue
        change = Change(before, apply(before, event))
        if change.after != before:
            change = Change(before, replace(change.after, updated_at=at))
        known[before.id] = change.after
        changes.append(change)
    changed = {c.after.id for c in changes if c.after != c.before}
    if changed:
        rows = [_parameters(known[order_uid], at) for order_uid in changed]
        connection.execute(_BY_ID, rows)
    return changes, foreign


def _meant(connection: Connection, event: OrderEvent, known: Mapping[str, Order]) -> Order | None:
    """The order that an event is about, as it stands after the events before it.

    An error names an order by its ids alone. Each way to know one is a query of its own: joined by OR they are a scan.
    """
    if isinstance(event, OrderError):
        ways = [_by_ids(event)]
    elif event.order_ref:
        ways = [_orders.order_ref == event.order_ref]
    else:
        same = (o for o in known.values() if event.perm_id and o.perm_id == event.perm_id)
        if (order := next(same, None)) is not None:
            return order
        ways = [_orders.perm_id == event.perm_id] if event.perm_id else []
        ways.append(_by_ids(event))
    for way in ways:
        for order in select_orders(connection, way):
            if concerns(current := known.get(order.id, order), event):
                return current
    return None


def _by_ids(event: OrderEvent) -> Any:
    ours = (_orders.client_id == event.client_id) & (_orders.order_id == event.order_id)
    return ours & (_orders.order_id > 0)


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
