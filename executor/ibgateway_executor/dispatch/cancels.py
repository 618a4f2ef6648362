"""Cancels of orders that the broker has: each is written once a connection and once for each DELETE."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessageKind, MessagePacer
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import NotConnectedError
from ibgateway_executor.orders.order import Order, OrderState
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 1.0
"""A client that repeats its DELETE faster writes no more cancels."""
ANSWER_SECONDS: Final = 2.0
"""So long a DELETE waits for its cancel to leave: longer than it may be held back after the last one."""


class CancelWriter:
    """What was written over the connection of the moment, and what clients have asked for again."""

    def __init__(
        self,
        *,
        connection: CurrentConnection,
        pacer: MessagePacer,
        clock: Clock,
        changed: Wakeup,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._connection = connection
        self._pacer = pacer
        self._clock = clock
        self._changed = changed
        self._answer_seconds = answer_seconds
        self._awaited: dict[str, asyncio.Event] = {}
        self._over: Broker | None = None
        self._written: dict[str, float] = {}
        self._again: set[str] = set()

    def last(self, order_uid: str) -> float | None:
        """When the last cancel of an order left over this connection, by the monotonic clock; None for never."""
        return self._written.get(order_uid) if self._over is self._connection.broker else None

    async def ask(self, order_uid: str, last: float | None) -> bool:
        """A client wants the cancel of an order, once more if need be; whether it has left a moment later.

        `last` is what `last` gave before the wish was in the ledger: from there on the dispatcher sees it,
        so that a cancel since then is the one that is wanted.
        """
        if self.last(order_uid) not in (None, last):
            return True
        self._again.add(order_uid)
        self._changed.set()
        left = self._awaited.setdefault(order_uid, asyncio.Event())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._answer_seconds):
                await left.wait()
        self._awaited.pop(order_uid, None)
        return left.is_set() or self.written(order_uid)

    def again(self, order_uids: Iterable[str]) -> None:
        """A client wants the cancels of many orders, once more if need be."""
        self._again.update(order_uids)
        self._changed.set()

    def written(self, order_uid: str) -> bool:
        """Whether the last cancel that was asked for has left over this connection."""
        same = self._over is self._connection.broker
        return same and order_uid in self._written and order_uid not in self._again

    def write(self, orders: Iterable[Order]) -> None:
        """Write the cancels that are due and for which there is room; the others stay due."""
        broker, state = self._connection.broker, self._connection.state
        if broker is None or state.link_lost or not state.reconciled:
            return
        if self._over is not broker:
            self._over, self._written = broker, {}
        wanted = {o.id: o for o in orders if o.state is OrderState.WORKING and o.cancel_requested}
        self._again &= wanted.keys()
        for order in wanted.values():
            if order.client_id == broker.client_id and self._due(order.id) and self._room():
                with suppress(NotConnectedError):
                    broker.cancel(order.order_id)
                    self._pacer.count(MessageKind.ORDER)
                    self._written[order.id] = self._clock.monotonic()
                    self._again.discard(order.id)
                    self._tell(order.id)
                    logger.info("order %s: cancel sent", order.id)

    def _tell(self, order_uid: str) -> None:
        """Whoever waits for the cancel is answered."""
        if left := self._awaited.pop(order_uid, None):
            left.set()

    def _room(self) -> bool:
        return self._pacer.room(MessageKind.ORDER)

    def _due(self, order_uid: str) -> bool:
        if order_uid not in self._written:
            return True
        age = self._clock.monotonic() - self._written[order_uid]
        return order_uid in self._again and age >= AGAIN_SECONDS
