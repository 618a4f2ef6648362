"""How many orders of a New York day may be accepted, and sent where the limit was lowered later."""

from typing import Any

from sqlalchemy import Connection, func, select

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import text
from ibgateway_executor.ledger.store import Entry

_orders = tables.orders.c


def check_day(connection: Connection, entry: Entry) -> None:
    """OrderRefusedError where the entry's day has no room for one more order."""
    if entry.day_limit is None:
        return
    if _count(connection, _orders.accepted_at >= text(entry.day_start)) >= entry.day_limit:
        raise OrderRefusedError(
            429,
            "DailyOrderLimit",
            f"spec.executor.limits.maxOrdersPerDay is {entry.day_limit} and that many orders were "
            "accepted since midnight in New York: raise the limit or wait for tomorrow",
        )


def last_within(connection: Connection, day: tuple[str, str], limit: int) -> int | None:
    """The last sequence that may still be sent of the orders accepted from `day[0]` until before `day[1]`.

    The first `limit` of them, and none where as many have left already; None where all may.
    """
    accepted = (_orders.accepted_at >= day[0]) & (_orders.accepted_at < day[1])
    beyond = select(_orders.sequence).where(accepted).order_by(_orders.sequence).offset(limit - 1)
    found = list(connection.execute(beyond.limit(2)).scalars())
    if len(found) < 2:
        return None
    left = (_orders.order_id > 0) | (_orders.perm_id > 0) | _orders.sent_at.is_not(None)
    return 0 if _count(connection, accepted & left) >= limit else found[0]


def _count(connection: Connection, condition: Any) -> int:
    counted: int = connection.execute(
        select(func.count()).select_from(tables.orders).where(condition)
    ).scalar_one()
    return counted
