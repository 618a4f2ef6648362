"""Orders that replace others: each step is written before the next one, and repeated until it has been done."""

from functools import partial

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.replacement import begin, begun, settle


class OrderReplacements:
    """Has the replaced orders cancelled, and lets the new ones go once those have ended."""

    def __init__(self, ledger: Ledger, connection: CurrentConnection) -> None:
        self._ledger = ledger
        self._connection = connection

    async def look(self) -> None:
        """The next step of each replacement."""
        for order in tuple(self._ledger.active.replacing.values()):
            replaced = await self._ledger.find(order.replaces)
            if replaced is not None and not begun(replaced, order.id):
                start = partial(begin, by=order.id)
                replaced = await self._ledger.advance(replaced.id, start, ChangeCause.CLIENT)
            step = partial(settle, replaced=replaced, now=self._connection.now())
            if step(order) != order:
                await self._ledger.advance(order.id, step)
