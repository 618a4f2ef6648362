"""`maxOrdersPerDay` for orders that were accepted before it was lowered.

An order is held that would not have been accepted on its day under the limit of now, and so is each of a
day of which as many have left already.
"""

from collections.abc import Callable
from datetime import datetime

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.limits import day_end, day_start
from ibgateway_executor.orders.order import Order, OrderReason
from ibgateway_executor.orders.queue import Waiting

NOT_COUNTED = Waiting(
    OrderReason.DAILY_ORDER_LIMIT, "the orders of its day are being counted", brief=True
)


class DailyLimit:
    """A day is counted by the ledger once; from then on the tally follows each order."""

    def __init__(self, ledger: Ledger, settings: Callable[[], ExecutorSettings]) -> None:
        self._ledger = ledger
        self._settings = settings
        self._looked_with: int | None = None
        self._uncounted: set[datetime] = set()
        self._full: dict[datetime, bool] = {}

    def wait(self, order: Order) -> Waiting | None:
        """Whether an unsent order is above the limit."""
        limit = self._looked_with = self._settings().max_orders_per_day
        if limit is None:
            return None
        start = day_start(order.accepted_at)
        tally = self._ledger.tallies.get(start)
        if tally is None or tally.limit != limit:
            self._uncounted.add(start)
            return NOT_COUNTED
        return None if tally.allows(order) else _wait(limit)

    @property
    def uncounted(self) -> bool:
        """Whether `wait` was asked about a day that is to be counted first."""
        return bool(self._uncounted)

    async def count(self) -> bool:
        """Have the ledger count the days that `wait` was asked about; whether orders may wait otherwise than before."""
        days, self._uncounted = self._uncounted, set()
        limit = self._settings().max_orders_per_day
        for start in days:
            if limit is not None:
                await self._ledger.count_day(start, day_end(start), limit)
        tallies = self._ledger.tallies
        full = {start: tally.left >= tally.limit for start, tally in tallies.items()}
        before, self._full = self._full, full
        return bool(days) or before != full

    def changed(self) -> bool:
        """Whether the setting is another one than `wait` has looked with."""
        return self._settings().max_orders_per_day != self._looked_with


def _wait(limit: int) -> Waiting:
    return Waiting(
        OrderReason.DAILY_ORDER_LIMIT,
        f"spec.executor.limits.maxOrdersPerDay was lowered to {limit} after the order was accepted, and as "
        "many orders of that day go before it: raise the limit, or cancel the order",
    )
