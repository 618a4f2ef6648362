"""Sending one order: the last checks, Sending on disk, the last look at the gate, the write.

Between the commit of Sending and the write there is no await: what the gate said holds for the byte
that leaves. Whatever keeps the write from happening puts the order back to Waiting; once it may have
happened only the broker's reports count.
"""

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from ibgateway_api.gate import Closed, Gate
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError, NotConnectedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.limits import exceeds, reject_value
from ibgateway_executor.orders.market_hours import MarketOpen
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, OrderTerms, unsend
from ibgateway_executor.orders.queue import Waiting
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

ORDERS_A_SECOND: Final = 20
"""IBKR takes 50 messages a second of a connection; requests need their share."""
PACE: Final = timedelta(seconds=1)


class OrderSubmitter:
    """Sends one order at a time."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        gate: Callable[[], Gate],
        settings: Callable[[], ExecutorSettings],
        contracts: Contracts,
        metrics: ExecutorMetrics,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._gate = gate
        self._settings = settings
        self._contracts = contracts
        self._metrics = metrics
        self._clock = clock
        self._recent: deque[datetime] = deque(maxlen=ORDERS_A_SECOND)

    def paced(self) -> bool:
        """Whether IBKR's message rate leaves room for one more order now."""
        full = len(self._recent) == ORDERS_A_SECOND
        return not full or self._clock.now() - self._recent[0] >= PACE

    async def check_value(self, order: Order) -> Order | Waiting:
        """The order within the value limit, refused by it, or waiting for a price: fail closed."""
        text, broker = self._settings().max_order_value, self._connection.broker
        if text is None:
            return order
        price, limit = order.terms.limit_price, Decimal(text)
        if price is None and broker is not None:
            try:
                price = await broker.price(order.terms.contract)
            except BrokerError as error:
                return _no_price(order.terms, str(error))
        if price is None:
            return _no_price(order.terms, "the broker tells no price")
        if exceeds(order.terms, price, limit):
            reject = partial(reject_value, price=price, limit=limit)
            return await self._ledger.advance(order.id, reject)
        return order

    async def send(self, order: Order) -> None:
        """Reserve, commit, look again, write."""
        broker = self._connection.broker
        if broker is None:
            return
        sending = await self._ledger.reserve(
            order.id,
            client_id=self._settings().client_id,
            next_valid_id=broker.next_valid_id,
        )
        if sending is None:
            return
        obstacle = self._obstacle(sending, broker)
        if obstacle is None:
            try:
                broker.place(sending)
            except NotConnectedError as error:
                obstacle = Waiting(OrderReason.CONNECTION_LOST, str(error))
        if obstacle is not None:
            logger.info("order %s was not written: %s", order.id, obstacle.reason)
            back = partial(unsend, reason=obstacle.reason, message=obstacle.message)
            after = await self._ledger.advance(order.id, back)
            if after.state is not OrderState.WAITING:
                logger.warning("order %s was not written and is %s", after.id, after.state)
            return
        self._recent.append(self._clock.now())
        self._metrics.sent()
        logger.info("order %s sent as %d (%s)", sending.id, sending.order_id, sending.order_ref)

    def _obstacle(self, order: Order, broker: Broker) -> Waiting | None:
        """What has come up during the commit; no await between this and the write."""
        gate = self._gate()
        if isinstance(gate, Closed):
            return Waiting(gate.reason, gate.message, gate.until)
        if self._connection.broker is not broker:
            return Waiting(OrderReason.CONNECTION_LOST, "the connection changed")
        if not isinstance(self._contracts.market(order.terms.contract.con_id), MarketOpen):
            return Waiting(OrderReason.MARKET_CLOSED, "the market is closing")
        if self._clock.now() >= order.valid_until:
            return Waiting(OrderReason.VALIDITY_ENDED, "its validity has ended")
        return None


def _no_price(terms: OrderTerms, detail: str) -> Waiting:
    return Waiting(
        OrderReason.NO_PRICE,
        f"a market order needs a price of {terms.contract} to be checked against maxOrderValue: "
        f"{detail}. Use a limit order, subscribe to market data, or remove the limit",
    )
