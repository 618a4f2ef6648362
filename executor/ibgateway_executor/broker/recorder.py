"""Broker reports into the ledger, in the order in which they came."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent
from ibgateway_executor.orders.order import OrderState

Sleep = Callable[[float], Awaitable[None]]

AGAIN_SECONDS: Final = 1.0
AT_ONCE: Final = 100
"""Reports in one transaction: other writes wait for it."""
CANCEL_OF_UNKNOWN: Final = 10147
"""The broker does not know the order it was to cancel: ask what became of it."""


class ReportRecorder:
    """A queue of reports and the task that empties it."""

    def __init__(
        self, ledger: Ledger, connection: CurrentConnection, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._sleep = sleep
        self._queue: asyncio.Queue[OrderEvent] = asyncio.Queue()

    def put(self, event: OrderEvent) -> None:
        """Queue a report; never waits."""
        self._queue.put_nowait(event)

    async def run(self) -> None:
        """Empty the queue for ever; what has come together is written together."""
        while True:
            events = [await self._queue.get()]
            while len(events) < AT_ONCE and not self._queue.empty():
                events.append(self._queue.get_nowait())
            try:
                await self._keep(events)
            finally:
                for _ in events:
                    self._queue.task_done()

    async def _keep(self, events: Sequence[OrderEvent]) -> None:
        """Record them, however long the disk is full: the broker says it once."""
        while True:
            try:
                return await self.record(events)
            except LedgerUnavailableError:
                await self._sleep(AGAIN_SECONDS)

    async def drained(self) -> None:
        """Return when everything queued so far is in the ledger."""
        await self._queue.join()

    async def record(self, events: Sequence[OrderEvent]) -> None:
        """Write what the reports say; where that leaves an order uncertain, the broker is asked."""
        for start in range(0, len(events), AT_ONCE):
            orders = await self._ledger.observe(*events[start : start + AT_ONCE])
            if any(order.state is OrderState.UNKNOWN for order in orders):
                self._connection.request_reconciliation()
        if any(isinstance(e, OrderError) and e.code == CANCEL_OF_UNKNOWN for e in events):
            self._connection.request_reconciliation()
