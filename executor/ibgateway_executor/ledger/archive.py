"""Orders that ended long ago, in a table of their own: what is asked all the time does not pass over them.

Nothing is forgotten. Whatever changes an archived order brings it back first, with its sequence and its key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import text
from ibgateway_executor.ledger.session import LedgerSession
from ibgateway_executor.orders.order import OrderState

AT_ONCE: Final = 200
"""Orders in one transaction: others wait for it."""
ENDED: Final = (
    OrderState.FILLED.value,
    OrderState.CANCELLED.value,
    OrderState.REJECTED.value,
    OrderState.EXPIRED.value,
)
"""Not Unverified: a person may still find out what became of it."""

_orders = tables.orders.c
_NAMES: Final = [column.name for column in tables.orders.columns]
_MINE: Final = f"FROM {tables.archive.name} WHERE id = ?"
_BACK: Final = (
    f"INSERT INTO {tables.orders.name} ({', '.join(_NAMES)}) SELECT {', '.join(_NAMES)} {_MINE}"
)
_GONE: Final = f"DELETE {_MINE}"


def archive(connection: Connection, before: datetime) -> int:
    """Put away the next orders that have ended and not changed since `before`; how many.

    An order changes after it was accepted: the index of acceptances finds those that may be old enough.
    """
    old = (_orders.accepted_at < text(before)) & (_orders.updated_at < text(before))
    found = select(_orders.sequence).where(old & _orders.state.in_(ENDED))
    numbers = connection.execute(found.order_by(_orders.accepted_at).limit(AT_ONCE)).scalars().all()
    if numbers:
        mine = _orders.sequence.in_(numbers)
        rows = select(*(_orders[name] for name in _NAMES)).where(mine)
        connection.execute(insert(tables.archive).from_select(_NAMES, rows))
        connection.execute(delete(tables.orders).where(mine))
    return len(numbers)


def bring_back(file: LedgerSession, ids: Sequence[str]) -> None:
    """Take these orders out of the archive; the others stay where they are."""
    for order_uid in ids:
        file.execute(_BACK, (order_uid,))
        file.execute(_GONE, (order_uid,))
