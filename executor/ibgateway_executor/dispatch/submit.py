"""Sending one order: the last checks, Sending on disk, the last look at the gate, the write.

Between the commit of Sending and the write there is no await: what the gate said holds for the byte
that leaves. Whatever keeps the write from happening puts the order back to Waiting; once it may have
happened only the broker's word counts.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibgateway_api.gate import Closed
from ibgateway_executor.broker.connection import GatewayConnection
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError, IllegalMoveError, NotConnectedError
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.market_hours import MarketOpen
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, OrderTerms, move, unsend
from ibgateway_executor.orders.queue import Waiting

logger = logging.getLogger(__name__)

ORDERS_A_SECOND: Final = 20
"""IBKR takes 50 messages a second of a connection; requests need their share."""
PACE: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Tools:
    """What sending needs."""

    ledger: LedgerThread
    link: GatewayConnection
    desk: TradingGate
    contracts: Contracts
    metrics: ExecutorMetrics


class OrderSubmitter:
    """Sends one order at a time."""

    def __init__(self, tools: Tools, clock: Callable[[], datetime]) -> None:
        self._tools = tools
        self._clock = clock
        self._recent: deque[datetime] = deque(maxlen=ORDERS_A_SECOND)

    def paced(self) -> bool:
        """Whether IBKR's message rate leaves room for one more order now."""
        full = len(self._recent) == ORDERS_A_SECOND
        return not full or self._clock() - self._recent[0] >= PACE

    async def check_value(self, order: Order) -> Order | Waiting:
        """The order within the value limit, refused by it, or waiting for a price: fail closed."""
        limit, broker = self._tools.desk.settings.max_order_value, self._tools.link.broker
        if limit is None:
            return order
        price = order.terms.limit_price
        if price is None and broker is not None:
            try:
                price = await broker.price(order.terms.contract)
            except BrokerError as error:
                return Waiting(OrderReason.NO_PRICE, _no_price(order.terms, str(error)))
        if price is None:
            return Waiting(
                OrderReason.NO_PRICE, _no_price(order.terms, "the broker tells no price")
            )
        if exceeds(order.terms, price, Decimal(limit)):
            return await self._change(
                order, lambda order: refuse_value(order, price, Decimal(limit))
            )
        return order

    async def send(self, order: Order) -> None:
        """Reserve, commit, look again, write."""
        tools = self._tools
        broker = tools.link.broker
        if broker is None:
            return
        try:
            sending = await tools.ledger.call(
                tools.ledger.ledger.reserve,
                order.id,
                client_id=tools.desk.settings.client_id,
                next_valid_id=broker.next_valid_id,
                at=self._clock(),
            )
        except IllegalMoveError:
            return
        kept = self._obstacle(sending, broker)
        if kept is None:
            try:
                broker.place(sending)
            except NotConnectedError as error:
                kept = Waiting(OrderReason.CONNECTION_LOST, str(error))
        if kept is not None:
            await self._back(sending, kept)
            return
        self._recent.append(self._clock())
        tools.metrics.sent()
        logger.info("order %s sent as %d (%s)", sending.id, sending.order_id, sending.order_ref)

    def _obstacle(self, order: Order, broker: Broker) -> Waiting | None:
        """What has come up during the commit; no await between this and the write."""
        tools = self._tools
        gate = tools.desk.gate()
        if isinstance(gate, Closed):
            return Waiting(gate.reason, gate.message, gate.until)
        if tools.link.broker is not broker:
            return Waiting(OrderReason.CONNECTION_LOST, "the connection changed")
        if not isinstance(tools.contracts.market(order.terms.contract.con_id), MarketOpen):
            return Waiting(OrderReason.MARKET_CLOSED, "the market is closing")
        if self._clock() >= order.valid_until:
            return Waiting(OrderReason.VALIDITY_ENDED, "its validity has ended")
        return None

    async def _back(self, order: Order, wait: Waiting) -> None:
        logger.info("order %s was not written: %s", order.id, wait.reason)
        await self._change(order, lambda j: unsend(j, reason=wait.reason, message=wait.message))

    async def _change(self, order: Order, step: Callable[[Order], Order]) -> Order:
        ledger = self._tools.ledger
        return await ledger.call(ledger.ledger.change, order.id, step, self._clock())


def exceeds(terms: OrderTerms, price: Decimal, limit: Decimal) -> bool:
    """Whether the order's value at `price` is above `limit`."""
    return terms.quantity * price > limit


def refuse_value(order: Order, price: Decimal, limit: Decimal) -> Order:
    """Rejected because of the value limit."""
    value = order.terms.quantity * price
    return move(
        order,
        OrderState.REJECTED,
        reason=OrderReason.ORDER_VALUE_LIMIT,
        message=f"worth {value} at {price}, above spec.executor.limits.maxOrderValue {limit}",
    )


def _no_price(terms: OrderTerms, detail: str) -> str:
    return (
        f"a market order needs a price of {terms.contract} to be checked against maxOrderValue: "
        f"{detail}. Use a limit order, subscribe to market data, or remove the limit"
    )
