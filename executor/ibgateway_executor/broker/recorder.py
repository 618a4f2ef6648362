"""Broker reports into the ledger, in the order in which they came."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent
from ibgateway_executor.orders.order import OrderState

Sleep = Callable[[float], Awaitable[None]]

AGAIN_SECONDS: Final = 1.0
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
        """Empty the queue for ever."""
        while True:
            event = await self._queue.get()
            try:
                await self._keep(event)
            finally:
                self._queue.task_done()

    async def _keep(self, event: OrderEvent) -> None:
        """Record it, however long the disk is full: the broker says it once."""
        while True:
            try:
                return await self.record((event,))
            except LedgerUnavailableError:
                await self._sleep(AGAIN_SECONDS)

    async def drained(self) -> None:
        """Return when everything queued so far is in the ledger."""
        await self._queue.join()

    async def record(self, events: Iterable[OrderEvent]) -> None:
        """Write what the reports say; where that leaves an order uncertain, the broker is asked."""
        for event in events:
            order = await self._ledger.observe(event)
            uncertain = order is not None and order.state is OrderState.UNKNOWN
            if uncertain or (isinstance(event, OrderError) and event.code == CANCEL_OF_UNKNOWN):
                self._connection.request_reconciliation()
