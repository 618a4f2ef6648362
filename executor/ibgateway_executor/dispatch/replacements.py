"""Orders that replace others: each step is written before the next one, and repeated until it has been done."""

from functools import partial

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.replacement import begin, begun, settle
from ibgateway_runtime.clock import Clock


class OrderReplacements:
    """Has the replaced orders cancelled, and lets the new ones go once those have ended and the broker has told every fill."""

    def __init__(self, ledger: Ledger, connection: CurrentConnection, clock: Clock) -> None:
        self._ledger = ledger
        self._connection = connection
        self._clock = clock

    async def look(self) -> None:
        """The next step of each replacement."""
        for order in tuple(self._ledger.active.replacing.values()):
            replaced = await self._ledger.find(order.replaces)
            if replaced is not None and not begun(replaced, order.id):
                start = partial(begin, by=order.id)
                replaced = await self._ledger.advance(replaced.id, start, ChangeCause.CLIENT)
            step = partial(settle, replaced=replaced, now=self._clock.now())
            if self._connection.state.reconciled and step(order) != order:
                await self._ledger.advance(order.id, step)
