"""Orders that change: read, stepped and written within a transaction, each found by an index.

Written as text, as `insertion` is: every order that is sent passes here twice, and SQLAlchemy's part of it took
longer than the disk's (docs/decisions/0029-orders-share-a-commit.md). The columns are those of `tables`. Only the columns
that differ are written: SQLite touches the indexes of no others.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import Table

from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.archive import bring_back
from ibgateway_executor.ledger.facts import HIGHEST_ORDER_ID, fact, set_fact
from ibgateway_executor.ledger.history import ChangedOrder, add_delays, add_lines
from ibgateway_executor.ledger.rows import order_of, row_of, text
from ibgateway_executor.ledger.session import LedgerSession
from ibgateway_executor.ledger.store import Change, Delay, Step
from ibgateway_executor.orders import order as steps_of
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent, apply, concerns
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.order import REF_PREFIX, UNSENT, Order, OrderState

VARIABLES: Final = 500
"""SQLite takes a limited number of them in a statement."""

_NAMES: Final = tuple(column.name for column in tables.orders.columns)
_TOLD: Final = (
    OrderState.WORKING,
    OrderState.FILLED,
    OrderState.CANCELLED,
    OrderState.REJECTED,
)
"""Whoever is in one of these and has an order id was answered by the broker, with a permanent id or without."""
_UNSENT: Final = tuple(state.value for state in UNSENT)

Way = tuple[str, tuple[Any, ...]]
"""A condition and what it compares with."""


def reserve(
    file: LedgerSession,
    order_uid: str,
    *,
    client_id: int,
    next_valid_id: int,
    at: datetime,
    position: Decimal | None = None,
) -> Change:
    """Sending with a new order id: above every id ever reserved, whatever the gateway says.

    IllegalMoveError where the order may not be sent any more; then the transaction is to end with nothing written.
    """
    before = _one(file, order_uid)
    order_id = max(next_valid_id, int(fact(file, HIGHEST_ORDER_ID) or 0) + 1)
    after = steps_of.reserve(
        before, order_id=order_id, client_id=client_id, at=at, position=position
    )
    set_fact(file, HIGHEST_ORDER_ID, str(order_id))
    return _write(file, [Change(before, after)], ChangeCause.EXECUTOR, at)[0]


def prove(
    file: LedgerSession, order_uid: str, step: Step, proofs: Mapping[str, Any], at: datetime
) -> Change:
    """The order after the step, with a line of its history that has the proofs, whatever else has changed.

    IllegalMoveError where its state forbids the step; then nothing is written.
    """
    before = _one(file, order_uid)
    change = Change(before, replace(step(before), updated_at=at))
    _store(file, change, at)
    add_lines(file, [ChangedOrder(*change, proofs=proofs)], ChangeCause.EXECUTOR, at)
    return change


def acknowledged_id(file: LedgerSession, client_id: int) -> int:
    """The highest order id of this client of which the broker has ever told anything; 0 where there is none."""
    states = tuple(state.value for state in _TOLD)
    values = (client_id, *states)
    return max(
        (file.execute(_acknowledged(table.name), values).fetchone() or (0,))[0]
        for table in (tables.orders, tables.archive)
    )


def advance(
    file: LedgerSession, steps: Mapping[str, Step], cause: ChangeCause, at: datetime
) -> list[Change]:
    """Each order after its step; as it is where its state forbids the step."""
    known, away = _known(file, list(steps))
    changes = [_after(known[order_uid], step) for order_uid, step in steps.items()]
    _bring_changed_back(file, changes, away)
    return _write(file, changes, cause, at)


def observe(
    file: LedgerSession, events: Iterable[OrderEvent], at: datetime
) -> tuple[list[Change], list[OrderEvent]]:
    """Each order after each event about it, and the events that are about none of ours."""
    changes: list[Change] = []
    told: list[ChangedOrder] = []
    foreign: list[OrderEvent] = []
    known: dict[str, Order] = {}
    away: set[str] = set()
    first: dict[str, Order] = {}
    for event in events:
        before = _seen(event, known.values()) or _meant(file, tables.orders, event, known)
        if before is None and (before := _meant(file, tables.archive, event, known)) is not None:
            away.add(before.id)
        if before is None:
            foreign.append(event)
            continue
        change = Change(before, apply(before, event))
        if change.after != before:
            change = Change(before, replace(change.after, updated_at=at))
        first.setdefault(before.id, before)
        known[before.id] = change.after
        changes.append(change)
        told.append(ChangedOrder(*change, event))
    _bring_changed_back(file, changes, away)
    for order_uid, before in first.items():
        _store(file, Change(before, known[order_uid]), at)
    add_lines(file, told, ChangeCause.BROKER, at)
    return changes, foreign


def delay(file: LedgerSession, delays: Iterable[Delay], at: datetime) -> list[int]:
    """Write why orders wait; sequences of those that are still unsent."""
    written: list[int] = []
    for why in delays:
        values = (OrderState.WAITING.value, str(why.reason), why.message, text(at))
        for numbers in _portions(why.sequences):
            add_delays(file, str(why.reason), why.message, numbers, at)
            rows = file.execute(_delaying(len(numbers)), (*values, *numbers, *_UNSENT))
            written += [row[0] for row in rows]
    return written


def in_states(file: LedgerSession, states: Sequence[str]) -> list[Order]:
    """Every order in these states, in order of acceptance; sorted here, as SQLite would copy all rows for it."""
    found = _orders(file, tables.orders, (f"state IN ({_holes(len(states))})", tuple(states)))
    return sorted(found, key=lambda order: order.sequence)


def _one(file: LedgerSession, order_uid: str) -> Order:
    order = _known(file, [order_uid])[0].get(order_uid)
    if order is None:
        raise IllegalMoveError(f"there is no order {order_uid}")
    return order


def _known(file: LedgerSession, ids: Sequence[str]) -> tuple[dict[str, Order], dict[str, Order]]:
    """Orders by their ids, and those among them that are archived."""
    known: dict[str, Order] = {}
    for portion in _portions(ids):
        known |= {order.id: order for order in _orders(file, tables.orders, _with_ids(portion))}
    away: dict[str, Order] = {}
    for portion in _portions([order_uid for order_uid in ids if order_uid not in known]):
        away |= {order.id: order for order in _orders(file, tables.archive, _with_ids(portion))}
    return known | away, away


def _seen(event: OrderEvent, known: Iterable[Order]) -> Order | None:
    """An order of earlier events, where this one names it by its orderRef or permanent id."""
    if isinstance(event, OrderError):
        return None
    if event.order_ref:
        return next((order for order in known if order.order_ref == event.order_ref), None)
    if event.perm_id:
        return next((order for order in known if order.perm_id == event.perm_id), None)
    return None


def _meant(
    file: LedgerSession, table: Table, event: OrderEvent, known: Mapping[str, Order]
) -> Order | None:
    """The order that an event is about, as it stands after the events before it."""
    for way in _ways(event):
        for order in _orders(file, table, way):
            if concerns(current := known.get(order.id, order), event):
                return current
    return None


def _ways(event: OrderEvent) -> list[Way]:
    """Each way to know an order by an event is a query of its own: joined by OR they are a scan."""
    by_ids: list[Way] = []
    if event.order_id > 0:
        by_ids = [
            ("client_id = ? AND order_id = ? ORDER BY sequence", (event.client_id, event.order_id))
        ]
    if isinstance(event, OrderError):
        return by_ids
    if event.perm_id:
        by_ids = [("perm_id = ? ORDER BY sequence", (event.perm_id,)), *by_ids]
    if not event.order_ref:
        return by_ids
    ours = event.order_ref.startswith(REF_PREFIX)
    return [("order_ref = ?", (event.order_ref,)), *(by_ids if ours else ())]


def _bring_changed_back(
    file: LedgerSession, changes: Iterable[Change], away: Container[str]
) -> None:
    ids = {c.after.id for c in changes if c.after != c.before and c.after.id in away}
    if ids:
        bring_back(file, list(ids))


def _after(before: Order, step: Step) -> Change:
    try:
        return Change(before, step(before))
    except IllegalMoveError:
        return Change(before, before)


def _write(
    file: LedgerSession, changes: Sequence[Change], cause: ChangeCause, at: datetime
) -> list[Change]:
    """Write the orders that have changed; what was written has its time."""
    written = [
        change
        if change.after == change.before
        else Change(change.before, replace(change.after, updated_at=at))
        for change in changes
    ]
    for change in written:
        _store(file, change, at)
    add_lines(file, (ChangedOrder(*change) for change in written), cause, at)
    return written


def _store(file: LedgerSession, change: Change, at: datetime) -> None:
    if change.after == change.before:
        return
    before, after = row_of(change.before, at), row_of(change.after, at)
    names = tuple(name for name in after if after[name] != before[name] or name == "updated_at")
    file.execute(_update(names), [*(after[name] for name in names), change.after.id])


def _orders(file: LedgerSession, table: Table, way: Way) -> list[Order]:
    condition, values = way
    rows = file.execute(_selection(table.name, condition), values)
    return [order_of(dict(zip(_NAMES, row, strict=True))) for row in rows]


def _with_ids(ids: Sequence[str]) -> Way:
    return f"id IN ({_holes(len(ids))})", tuple(ids)


def _portions(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + VARIABLES] for start in range(0, len(items), VARIABLES)]


def _holes(count: int) -> str:
    return ", ".join("?" * count)


@cache
def _selection(table: str, condition: str) -> str:
    return f"SELECT {', '.join(_NAMES)} FROM {table} WHERE {condition}"  # noqa: S608 - our own names


@cache
def _acknowledged(table: str) -> str:
    told = f"perm_id > 0 OR broker_message <> '' OR state IN ({_holes(len(_TOLD))})"
    return (
        f"SELECT order_id FROM {table} WHERE client_id = ? AND order_id > 0 AND ({told}) "  # noqa: S608 - our own names
        "ORDER BY order_id DESC LIMIT 1"
    )


@cache
def _update(names: tuple[str, ...]) -> str:
    values = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE {tables.orders.name} SET {values} WHERE id = ?"  # noqa: S608 - our own names


@cache
def _delaying(count: int) -> str:
    return (
        f"UPDATE {tables.orders.name} SET state = ?, reason = ?, message = ?, updated_at = ? "  # noqa: S608 - our own names
        f"WHERE sequence IN ({_holes(count)}) AND state IN ({_holes(len(_UNSENT))}) RETURNING sequence"
    )
