"""`maxOrdersPerDay` for orders that were accepted before it was lowered.

An order is held that would not have been accepted on its day under the limit of now, and so is each of a
day of which as many have left already.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.limits import day_end, day_start
from ibgateway_executor.orders.order import UNSENT, Order, OrderReason
from ibgateway_executor.orders.queue import Waiting


class DailyLimit:
    """Looks at the ledger; what it found is true as long as the setting stays."""

    def __init__(self, ledger: Ledger, settings: Callable[[], ExecutorSettings]) -> None:
        self._ledger = ledger
        self._settings = settings
        self._looked_with: int | None = None

    async def delays(self, orders: Iterable[Order]) -> dict[str, Waiting]:
        """Which unsent orders are above the limit, by order id; `orders` in order of acceptance."""
        limit = self._looked_with = self._settings().max_orders_per_day
        if limit is None:
            return {}
        waits: dict[str, Waiting] = {}
        day: tuple[datetime, datetime] | None = None
        last: int | None = None
        for order in (order for order in orders if order.state in UNSENT):
            if day is None or not day[0] <= order.accepted_at < day[1]:
                day = day_start(order.accepted_at), day_end(order.accepted_at)
                last = await self._ledger.last_within(*day, limit)
            if last is not None and order.sequence > last:
                waits[order.id] = _wait(limit)
        return waits

    def changed(self) -> bool:
        """Whether the setting is another one than `delays` has looked with."""
        return self._settings().max_orders_per_day != self._looked_with


def _wait(limit: int) -> Waiting:
    return Waiting(
        OrderReason.DAILY_ORDER_LIMIT,
        f"spec.executor.limits.maxOrdersPerDay was lowered to {limit} after the order was accepted, and as "
        "many orders of that day go before it: raise the limit, or cancel the order",
    )
