"""Orders in SQLite. Every method is one transaction, on disk when it returns.

WAL with synchronous=FULL; BEGIN IMMEDIATE, so what a transaction read is still true when it writes.
A change of an order is a pure step applied to the row as it is now.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import OperationalError

from ibgateway_executor.errors import (
    IllegalMoveError,
    LedgerUnavailableError,
    OrderRefusedError,
    StartRefusedError,
)
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.daily_limit import check_day, last_within
from ibgateway_executor.ledger.engine import opened, unavailable
from ibgateway_executor.ledger.migration import migrate
from ibgateway_executor.ledger.rows import instant, order_of, row_of, text
from ibgateway_executor.ledger.sightings import fold, forget, remember
from ibgateway_executor.ledger.store import Change, Entry, Step
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent, apply, concerns
from ibgateway_executor.orders.order import TERMINAL, Order, OrderReason, OrderState, move, reserve
from ibgateway_executor.orders.restored import LedgerSnapshot

MODE = "trading-mode"
ACCOUNTS = "accounts"
HIGHEST_ORDER_ID = "highest-order-id"
SCHEMA_VERSION = "schema-version"
WRITTEN_AT = "written-at"
ACTIVE: Final = tuple(state.value for state in OrderState if state not in TERMINAL)
"""Named one by one: an index serves IN and not NOT IN."""

_orders = tables.orders.c


class SqliteStore:
    """A `LedgerStore` in one SQLite file."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def stamp(self, mode: str) -> None:
        """Mark a new ledger with its mode; refuse one of another mode or version."""
        with self._transaction() as connection:
            found = _fact(connection, MODE)
            version = _fact(connection, SCHEMA_VERSION)
            if found == mode and version is not None:
                version = str(migrate(connection, int(version)))
                _set_fact(connection, SCHEMA_VERSION, version)
            if found is None:
                _set_fact(connection, MODE, mode)
                _set_fact(connection, SCHEMA_VERSION, str(tables.VERSION))
            elif found != mode:
                raise StartRefusedError(
                    f"this ledger belongs to a {found} gateway and the executor is {mode}: "
                    "a ledger never changes its mode; give this gateway a volume of its own"
                )
            elif version != str(tables.VERSION):
                raise StartRefusedError(
                    f"the ledger has schema {version} and this executor reads {tables.VERSION}: "
                    "run the version that wrote it"
                )

    def accounts(self) -> tuple[str, ...]:
        """The accounts the ledger was proven with; empty before the first login."""
        with self._transaction() as connection:
            return tuple((_fact(connection, ACCOUNTS) or "").split())

    def claim(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Stamp a ledger that has no accounts yet; returns the accounts it is stamped with."""
        with self._transaction() as connection:
            found = _fact(connection, ACCOUNTS)
            if found is None:
                _set_fact(connection, ACCOUNTS, " ".join(accounts))
                return accounts
            return tuple(found.split())

    def accept(self, entry: Entry, at: datetime) -> tuple[Order, bool]:
        """Store a new order; (order, True) when it is new, (order, False) for a repeated request."""
        with self._transaction() as connection:
            known = connection.execute(
                select(tables.orders).where(_orders.idempotency_key == entry.key)
            ).one_or_none()
            if known is not None:
                return _repeated(known._mapping, entry), False  # noqa: SLF001 - SQLAlchemy's public name for it
            if entry.refusal is not None:
                raise entry.refusal
            check_day(connection, entry)
            row = row_of(entry.order, at)
            row |= {"idempotency_key": entry.key, "request_hash": entry.hash}
            connection.execute(insert(tables.orders).values(row))
            order = _order(connection, entry.order.id)
            return _write(connection, Change(order, fold(connection, order)), at).after, True

    def advance(self, steps: Mapping[str, Step], at: datetime) -> list[Change]:
        """Apply each step to its order as it stands now; a forbidden step changes nothing."""
        with self._transaction() as connection:
            return [_advance(connection, order_uid, step, at) for order_uid, step in steps.items()]

    def last_within(self, start: datetime, end: datetime, limit: int) -> int | None:
        """The last sequence of the orders accepted in that time that `limit` lets out; None for all of them."""
        with self._transaction() as connection:
            return last_within(connection, (text(start), text(end)), limit)

    def reserve(
        self, order_uid: str, *, client_id: int, next_valid_id: int, at: datetime
    ) -> Change:
        """Commit Sending with a new order id: above every id ever reserved, whatever the gateway says.

        IllegalMoveError where the order may not be sent any more; then no id is used up.
        """
        with self._transaction() as connection:
            mark = int(_fact(connection, HIGHEST_ORDER_ID) or 0)
            order_id = max(next_valid_id, mark + 1)
            _set_fact(connection, HIGHEST_ORDER_ID, str(order_id))
            before = _order(connection, order_uid)
            after = reserve(before, order_id=order_id, client_id=client_id, at=at)
            return _write(connection, Change(before, after), at)

    def observe(self, event: OrderEvent, at: datetime) -> Change | None:
        """Fold a broker event into its order; None where it is about none of ours."""
        with self._transaction() as connection:
            for order in _candidates(connection, event):
                if concerns(order, event):
                    return _write(connection, Change(order, apply(order, event)), at)
            remember(connection, event, at)
        return None

    def forget_sightings(self, before: datetime) -> None:
        """Drop what the broker told about others' orders that ended, where nothing was told since `before`."""
        with self._transaction() as connection:
            forget(connection, before)

    def snapshot(self) -> LedgerSnapshot:
        """What the ledger holds: when it was written last, and its last sequence."""
        with self._transaction() as connection:
            query = select(func.max(_orders.updated_at), func.max(_orders.sequence))
            row = connection.execute(query).one()
            written = [at for at in (_fact(connection, WRITTEN_AT), row[0]) if at]
            return LedgerSnapshot(instant(max(written)) if written else None, row[1] or 0)

    def mark_written(self, at: datetime) -> None:
        """A sign of life: until now nobody else has written this ledger."""
        with self._transaction() as connection:
            _set_fact(connection, WRITTEN_AT, text(at))

    def recover(self, at: datetime) -> list[Change]:
        """At start: what was being sent has an unknown fate now."""
        with self._transaction() as connection:
            sending = _select(connection, _orders.state == OrderState.SENDING.value)
            return [_advance(connection, order.id, _lost_in_restart, at) for order in sending]

    def active(self) -> list[Order]:
        """Every order that is not done, in order of acceptance."""
        with self._transaction() as connection:
            return _select(connection, _orders.state.in_(ACTIVE))

    def find(self, order_uid: str) -> Order | None:
        """One order by its id."""
        with self._transaction() as connection:
            found = _select(connection, _orders.id == order_uid)
            return found[0] if found else None

    def page(self, *, after: int, limit: int, state: str | None) -> list[Order]:
        """Orders accepted after sequence `after`, oldest first."""
        with self._transaction() as connection:
            condition = _orders.sequence > after
            if state is not None:
                condition = condition & (_orders.state == state)
            return _select(connection, condition, limit)

    def counts(self) -> dict[str, int]:
        """How many orders are in each state."""
        with self._transaction() as connection:
            query = select(_orders.state, func.count()).group_by(_orders.state)
            return {row[0]: row[1] for row in connection.execute(query)}

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise LedgerUnavailableError(unavailable(str(error.orig))) from error


def open_sqlite(path: Path) -> SqliteStore:
    """Open or create the file; StartRefusedError when the file is damaged or can't be written."""
    return SqliteStore(opened(path))


def _lost_in_restart(order: Order) -> Order:
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.EXECUTOR_RESTARTED,
        message="the executor ended while the order was being sent; the broker is being asked",
    )


def _repeated(row: Any, entry: Entry) -> Order:
    if row["request_hash"] not in (entry.hash, *entry.earlier_hashes):
        raise OrderRefusedError(
            409,
            "IdempotencyKeyReused",
            f"this Idempotency-Key belongs to order {row['id']}, which was a different request: "
            "use a new key for a new order",
        )
    return order_of(row)


def _advance(connection: Connection, order_uid: str, step: Step, at: datetime) -> Change:
    before = _order(connection, order_uid)
    try:
        after = step(before)
    except IllegalMoveError:
        return Change(before, before)
    return _write(connection, Change(before, after), at)


def _write(connection: Connection, change: Change, at: datetime) -> Change:
    if change.after != change.before:
        values = row_of(change.after, at)
        where = _orders.id == change.after.id
        connection.execute(update(tables.orders).where(where).values(values))
    return change


def _order(connection: Connection, order_uid: str) -> Order:
    return _select(connection, _orders.id == order_uid)[0]


def _select(connection: Connection, condition: Any, limit: int | None = None) -> list[Order]:
    query = select(tables.orders).where(condition).order_by(_orders.sequence).limit(limit)
    return [order_of(dict(row)) for row in connection.execute(query).mappings()]


def _candidates(connection: Connection, event: OrderEvent) -> list[Order]:
    """Orders that may be meant; `concerns` decides. An error names an order by its ids alone."""
    condition = (_orders.client_id == event.client_id) & (_orders.order_id == event.order_id)
    condition = condition & (_orders.order_id > 0)
    if not isinstance(event, OrderError):
        if event.order_ref:
            condition = condition | (_orders.order_ref == event.order_ref)
        if event.perm_id:
            condition = condition | (_orders.perm_id == event.perm_id)
    return _select(connection, condition)


def _fact(connection: Connection, name: str) -> str | None:
    return connection.execute(
        select(tables.facts.c.value).where(tables.facts.c.name == name)
    ).scalar_one_or_none()


def _set_fact(connection: Connection, name: str, value: str) -> None:
    connection.execute(tables.facts.delete().where(tables.facts.c.name == name))
    connection.execute(insert(tables.facts).values(name=name, value=value))
