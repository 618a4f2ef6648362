"""Broker events into the ledger, in the order in which they came."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent
from ibgateway_executor.orders.order import Order, OrderState

logger = logging.getLogger(__name__)

CANCEL_OF_UNKNOWN: Final = 10147
"""The broker does not know the order it was to cancel: ask what became of it."""


class ReportRecorder:
    """A queue of events and the task that empties it. `changed` after each changed order."""

    def __init__(
        self,
        ledger: LedgerThread,
        metrics: ExecutorMetrics,
        clock: Callable[[], datetime],
    ) -> None:
        self.changed: Callable[[], None] = lambda: None
        self.doubted: Callable[[], None] = lambda: None
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._queue: asyncio.Queue[OrderEvent] = asyncio.Queue()

    def put(self, event: OrderEvent) -> None:
        """File an event; never waits."""
        self._queue.put_nowait(event)

    async def run(self) -> None:
        """Empty the queue for ever."""
        while True:
            event = await self._queue.get()
            try:
                await self.fold((event,))
            finally:
                self._queue.task_done()

    async def settled(self) -> None:
        """Return when everything filed so far is in the ledger."""
        await self._queue.join()

    async def fold(self, events: Iterable[OrderEvent]) -> None:
        """Write what the events tell."""
        for event in events:
            told = await self._ledger.call(self._ledger.ledger.observe, event, self._clock())
            if told is not None:
                self._told(*told)
            if isinstance(event, OrderError) and event.code == CANCEL_OF_UNKNOWN:
                self.doubted()

    def _told(self, before: Order, order: Order) -> None:
        logger.info(
            "order %s is %s (%s of %d filled) %s",
            order.id,
            order.state,
            order.filled,
            order.terms.quantity,
            order.message,
        )
        self._metrics.order_moved(order)
        if before.state is OrderState.SENDING:
            self._metrics.acknowledged(order, self._clock())
        if order.state is OrderState.UNKNOWN:
            self.doubted()
        self.changed()
