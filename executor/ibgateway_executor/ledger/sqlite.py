"""Orders in SQLite. Every method is one transaction, on disk when it returns.

WAL with synchronous=FULL; what changes begins with BEGIN IMMEDIATE, so what it read is still true when it writes.
What clients ask for is read over another connection, and waits for no change.
A change of an order is a pure step applied to the row as it is now.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import and_, true

from ibgateway_api.reports import PauseReport
from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_executor.ledger import rebalance_rows, tables
from ibgateway_executor.ledger.archive import archive
from ibgateway_executor.ledger.changes import (
    acknowledged_id,
    advance,
    delay,
    in_states,
    observe,
    prove,
    reserve,
)
from ibgateway_executor.ledger.daily_limit import day_tally
from ibgateway_executor.ledger.engine import LedgerFile, holds_orders
from ibgateway_executor.ledger.facts import (
    ACCOUNTS,
    DOUBTED,
    MODE,
    OWN_SINCE,
    PAUSED,
    SCHEMA_VERSION,
    STAGED,
    WRITTEN_AT,
    fact,
    set_fact,
)
from ibgateway_executor.ledger.history import lines, lines_of_all, newest
from ibgateway_executor.ledger.insertion import OrderWriter
from ibgateway_executor.ledger.migration import upgrade
from ibgateway_executor.ledger.rows import instant, text
from ibgateway_executor.ledger.session import LedgerDatabase, LedgerSession
from ibgateway_executor.ledger.sightings import forget, remember
from ibgateway_executor.ledger.statements import found, found_all, select_orders
from ibgateway_executor.ledger.store import (
    Answer,
    Change,
    Delay,
    Entry,
    RebalanceChange,
    RebalanceMove,
    Step,
)
from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.history import ChangeCause, HistoryLine, LedgerLine
from ibgateway_executor.orders.limits import DayTally
from ibgateway_executor.orders.order import TERMINAL, Order, OrderReason, OrderState, move
from ibgateway_executor.orders.restored import LedgerSnapshot, doubted
from ibgateway_executor.rebalance.progress import RebalanceRun

logger = logging.getLogger(__name__)

ACTIVE: Final = tuple(state.value for state in OrderState if state not in TERMINAL)
"""Named one by one: an index serves IN and not NOT IN."""

_orders = tables.orders.c
_snapshots: Final = TypeAdapter(LedgerSnapshot)
_LAST: Final = f"SELECT max(updated_at), max(sequence) FROM {tables.orders.name}"  # noqa: S608 - our own name


class OrderStore:
    """A `LedgerStore` in a database's tables."""

    def __init__(self, database: LedgerDatabase) -> None:
        self._database = database
        self._orders = OrderWriter(database)

    def stamp(self, mode: str) -> None:
        """Mark a new ledger with its mode, upgrade an older one; refuse one of another mode or a newer version."""
        with self._database.writing() as connection:
            file = self._database.session(connection)
            found = fact(file, MODE)
            if found not in {None, mode}:
                raise StartRefusedError(
                    f"this ledger belongs to a {found} gateway and the executor is {mode}: "
                    "a ledger never changes its mode; give this gateway a volume of its own"
                )
            version = fact(file, SCHEMA_VERSION)
            upgrade(connection, version)
            if version != tables.REVISION:
                set_fact(file, SCHEMA_VERSION, tables.REVISION)
            if found is None:
                set_fact(file, MODE, mode)

    def accounts(self) -> tuple[str, ...]:
        """The accounts the ledger was proven with; empty before the first login."""
        with self._database.direct() as file:
            return tuple((fact(file, ACCOUNTS) or "").split())

    def claim(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Stamp a ledger that has no accounts yet; returns the accounts it is stamped with."""
        with self._database.direct() as file:
            found = fact(file, ACCOUNTS)
            if found is None:
                set_fact(file, ACCOUNTS, " ".join(accounts))
                return accounts
            return tuple(found.split())

    def accept(self, entries: Sequence[Entry], at: datetime) -> list[Answer]:
        """Store what is new of them, all in one transaction; an answer for each, in their order."""
        return self._orders.accept(entries, at)

    def advance(
        self, steps: Mapping[str, Step], at: datetime, cause: ChangeCause = ChangeCause.EXECUTOR
    ) -> list[Change]:
        """Apply each step to its order as it stands now; a forbidden step changes nothing."""
        with self._database.direct() as file:
            return advance(file, steps, cause, at)

    def delay(self, delays: Sequence[Delay], at: datetime) -> list[int]:
        """Write why orders wait; sequences of those that are still unsent, and only these were written."""
        with self._database.direct() as file:
            return delay(file, delays, at)

    def day_tally(self, start: datetime, end: datetime, limit: int) -> DayTally:
        """How many orders of that time were accepted and have left, and the limit-th of them."""
        with self._database.writing() as connection:
            return day_tally(connection, start, end, limit)

    def reserve(
        self,
        order_uid: str,
        *,
        client_id: int,
        next_valid_id: int,
        at: datetime,
        position: Decimal | None = None,
    ) -> Change:
        """Commit Sending with a new order id: above every id ever reserved, whatever the gateway says.

        IllegalMoveError where the order may not be sent any more; then no id is used up.
        """
        with self._database.direct() as file:
            return reserve(
                file,
                order_uid,
                client_id=client_id,
                next_valid_id=next_valid_id,
                at=at,
                position=position,
            )

    def prove(self, order_uid: str, step: Step, proofs: Mapping[str, Any], at: datetime) -> Change:
        """Apply the step, with the proofs in a line of the order's history; IllegalMoveError where it is forbidden."""
        with self._database.direct() as file:
            return prove(file, order_uid, step, proofs, at)

    def acknowledged_id(self, client_id: int) -> int:
        """The highest order id of this client of which the broker has ever told anything; 0 where there is none."""
        with self._database.direct() as file:
            return acknowledged_id(file, client_id)

    def observe(self, events: Sequence[OrderEvent], at: datetime) -> list[Change]:
        """Fold broker events into their orders; those that are about none of ours are remembered."""
        with self._database.direct() as file:
            changes, foreign = observe(file, events, at)
            for event in foreign:
                remember(file, event, at)
            return changes

    def forget_sightings(self, before: datetime) -> None:
        """Drop what the broker told about others' orders that ended, where nothing was told since `before`."""
        with self._database.writing() as connection:
            forget(connection, before)

    def snapshot(self) -> LedgerSnapshot:
        """What the ledger holds: when it was written last, and its last sequence."""
        with self._database.direct() as file:
            return _snapshot(file)

    def opened(self, at: datetime) -> LedgerSnapshot:
        """What it held when it was opened, now or at an earlier start whose doubt was never settled."""
        with self._database.direct() as file:
            kept, restored = fact(file, DOUBTED), bool(fact(file, STAGED))
            earlier = _snapshots.validate_json(kept) if kept else None
            found = doubted(_snapshot(file), earlier, opened=at, restored=restored)
            if found.opened is not None and found != earlier:
                set_fact(file, DOUBTED, _snapshots.dump_json(found).decode())
            if found.opened == at or fact(file, OWN_SINCE) is None:
                set_fact(file, OWN_SINCE, text(at))
            if restored:
                set_fact(file, STAGED, "")
            return replace(found, own_since=instant(fact(file, OWN_SINCE) or text(at)))

    def rule_out_copy(self) -> None:
        """The broker has been asked about all that a copy may lack: from here on it is the ledger."""
        with self._database.direct() as file:
            if fact(file, DOUBTED):
                set_fact(file, DOUBTED, "")

    def mark_written(self, at: datetime) -> None:
        """A sign of life: until now nobody else has written this ledger."""
        with self._database.direct() as file:
            set_fact(file, WRITTEN_AT, text(at))

    def recover(self, at: datetime) -> list[Change]:
        """At start: what was being sent has an unknown fate now."""
        with self._database.direct() as file:
            sending = in_states(file, [OrderState.SENDING.value])
            steps = {order.id: _lost_in_restart for order in sending}
            return advance(file, steps, ChangeCause.RESTART, at)

    def active(self) -> list[Order]:
        """Every order that is not done, in order of acceptance."""
        with self._database.direct() as file:
            return in_states(file, ACTIVE)

    def paused(self) -> PauseReport | None:
        """A person's pause of trading, while it stands."""
        with self._database.direct() as file:
            found = fact(file, PAUSED)
            return PauseReport.model_validate_json(found) if found else None

    def pause(self, pause: PauseReport) -> None:
        """Trading is paused, until `resume`."""
        with self._database.direct() as file:
            set_fact(file, PAUSED, pause.to_json())

    def resume(self) -> None:
        """Trading is not paused."""
        with self._database.direct() as file:
            set_fact(file, PAUSED, "")

    def find(self, order_uid: str) -> Order | None:
        """One order by its id."""
        with self._database.reading() as connection:
            return found(connection, order_uid)

    def find_all(self, order_uids: Sequence[str]) -> list[Order]:
        """Those of these orders that are there."""
        with self._database.reading() as connection:
            return found_all(connection, order_uids)

    def page(
        self,
        *,
        after: int,
        limit: int,
        state: str | None = None,
        account: str = "",
        symbol: str = "",
        client_reference: str = "",
        since: datetime | None = None,
        newest_first: bool = False,
    ) -> list[Order]:
        """Orders accepted after sequence `after`, oldest first; `newest_first`: before it, where it is not 0."""
        asked = {
            _orders.state: state,
            _orders.account: account,
            _orders.symbol: symbol,
            _orders.client_reference: client_reference,
        }
        conditions = [column == value for column, value in asked.items() if value]
        if since is not None:
            conditions.append(_orders.accepted_at >= text(since))
        if newest_first and after:
            conditions.append(_orders.sequence < after)
        if not newest_first:
            conditions.append(_orders.sequence > after)
        with self._database.reading() as connection:
            wanted = and_(true(), *conditions)
            return select_orders(connection, wanted, limit, newest_first=newest_first)

    def history(self, sequence: int, *, after: int, limit: int) -> list[HistoryLine]:
        """An order's history beyond line `after`, oldest first."""
        with self._database.reading() as connection:
            return lines(connection, sequence, after=after, limit=limit)

    def newest_line(self) -> int:
        """The position of the last line of all histories; 0 where there is none."""
        with self._database.reading() as connection:
            return newest(connection)

    def lines(self, *, after: int, limit: int) -> list[LedgerLine]:
        """Lines of all orders and rebalances beyond a position, in the order in which they were committed."""
        with self._database.reading() as connection:
            return lines_of_all(connection, after=after, limit=limit)

    def add_rebalance(
        self, key: str, request_hash: str, run: RebalanceRun, at: datetime
    ) -> tuple[RebalanceRun, bool]:
        """Store a new one; OrderRefusedError where its account has one that has not ended."""
        with self._database.writing() as connection:
            return rebalance_rows.add(connection, key, request_hash, run, at)

    def advance_rebalance(
        self,
        run_id: str,
        step: RebalanceMove,
        at: datetime,
        cause: ChangeCause = ChangeCause.EXECUTOR,
    ) -> RebalanceChange:
        """A pure step applied to it as it stands now."""
        with self._database.writing() as connection:
            return rebalance_rows.advance(connection, run_id, step, cause, at)

    def rebalance(self, run_id: str) -> RebalanceRun | None:
        """One by its id."""
        with self._database.reading() as connection:
            return rebalance_rows.find(connection, run_id)

    def rebalances(self, *, after: int, limit: int) -> list[RebalanceRun]:
        """Those accepted after sequence `after`, oldest first."""
        with self._database.reading() as connection:
            return rebalance_rows.page(connection, after=after, limit=limit)

    def active_rebalances(self) -> list[RebalanceRun]:
        """Those that have not ended, oldest first."""
        with self._database.reading() as connection:
            return rebalance_rows.active(connection)

    def last_rebalances(self) -> list[RebalanceRun]:
        """The last one of each account."""
        with self._database.reading() as connection:
            return rebalance_rows.last_of_accounts(connection)

    def archive(self, before: datetime) -> int:
        """Put away the next orders that have ended and not changed since `before`; how many."""
        with self._database.writing() as connection:
            return archive(connection, before)

    def close(self) -> None:
        """Release the file."""
        self._database.close()


class SqliteStore(OrderStore):
    """Orders in one SQLite file."""

    def __init__(self, file: LedgerFile) -> None:
        super().__init__(file)
        self._file = file


def open_sqlite(path: Path) -> SqliteStore:
    """Open or create the file. One that is there and can't be written now is opened for writing once it can be.

    StartRefusedError when the file is damaged, or new and can't be made.
    """
    there, file = holds_orders(path), LedgerFile(path)
    try:
        file.engine  # noqa: B018 - opened by asking for it
    except LedgerUnavailableError as error:
        if not there:
            raise StartRefusedError(str(error)) from error
        logger.warning("%s", error)
    return SqliteStore(file)


def _snapshot(file: LedgerSession) -> LedgerSnapshot:
    row = file.execute(_LAST).fetchone()
    written = [at for at in (fact(file, WRITTEN_AT), row[0]) if at]
    return LedgerSnapshot(instant(max(written)) if written else None, row[1] or 0)


def _lost_in_restart(order: Order) -> Order:
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.EXECUTOR_RESTARTED,
        message="the executor ended while the order was being sent; the broker is being asked",
    )
