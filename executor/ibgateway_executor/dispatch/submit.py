"""Sending one order: the last checks, Sending on disk, the last look at the gate, the write.

Between the commit of Sending and the write there is no await: what the gate said holds for the byte
that leaves. Whatever keeps the write from happening puts the order back to Waiting; once it may have
happened only the broker's reports count.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ibgateway_api.gate import Closed, Gate
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessageKind, MessagePacer
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.dispatch.daily_limit import DailyLimit
from ibgateway_executor.dispatch.limit_check import LimitCheck
from ibgateway_executor.errors import NotConnectedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.market_hours import MarketOpen
from ibgateway_executor.orders.order import (
    Order,
    OrderReason,
    OrderState,
    OrderTerms,
    parked,
    unsend,
)
from ibgateway_executor.orders.queue import Waiting
from ibgateway_executor.orders.resend import park, resend
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)


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
        limits: LimitCheck,
        pacer: MessagePacer,
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
        self._limits = limits
        self._pacer = pacer
        self._daily_limit = DailyLimit(ledger, settings)
        self._unwritten: dict[str, Step] = {}

    def pause(self) -> float:
        """Seconds until IBKR's message rate leaves room for one more order; 0 when it does now."""
        return self._pacer.pause(MessageKind.ORDER)

    async def count_days(self) -> bool:
        """Count what the daily limit needs; whether orders may wait otherwise than before."""
        return await self._daily_limit.count()

    @property
    def uncounted(self) -> bool:
        """Whether the daily limit needs another count before an order can be chosen."""
        return self._daily_limit.uncounted

    def put(self, number: int) -> None:
        """The order has changed, or has ended."""
        self._limits.put(number)

    def wait(self, order: Order) -> Waiting | None:
        """What the limits say to an unsent order."""
        return self._daily_limit.wait(order) or self._limits.wait(order)

    async def check_limits(self, order: Order) -> bool:
        """Whether the order may be sent as far as the limits on it go: fail closed. One above a limit is refused."""
        return await self._limits.allows(order)

    async def send(self, order: Order) -> None:
        """Reserve, commit, look again, write."""
        broker = self._connection.broker
        if broker is None:
            return
        sending = await self._ledger.reserve(
            order.id,
            client_id=broker.client_id,
            next_valid_id=broker.next_valid_id,
            position=self._limits.position(order),
        )
        if sending is None:
            return
        obstacle = self._obstacle(sending, broker) or self._write(sending, broker)
        if obstacle is not None:
            logger.info("order %s was not written: %s", order.id, obstacle.reason)
            self._unwritten[order.id] = partial(
                unsend, reason=obstacle.reason, message=obstacle.message
            )
            await self.take_back()

    async def send_again(
        self, order: Order, evidence: Mapping[str, Any], failing: Callable[[], tuple[str, ...]]
    ) -> None:
        """Commit that it is sent again, with the evidence; look again, write. Whatever comes in between, it is never tried again.

        `failing` names what does not hold any more.
        """
        broker = self._connection.broker
        if broker is None:
            return
        again = partial(resend, at=self._clock.now())
        sending = await self._ledger.prove(order.id, again, evidence)
        if sending is None:
            return
        missing = failing()
        obstacle = self._write(sending, broker) if not missing else None
        if missing or obstacle is not None:
            why = obstacle.message if obstacle is not None else f"not proven: {', '.join(missing)}"
            text = f"it was about to be sent again and was not ({why}); it is not tried once more"
            logger.warning("order %s: %s", order.id, text)
            self._unwritten[order.id] = partial(park, message=text)
            await self.take_back()
            return
        self._metrics.resent()
        logger.warning("order %s was lost on the way and is sent again", order.id)

    def obstacle(self, order: Order) -> Waiting | None:
        """What forbids an order that was sent before to be sent now."""
        broker = self._connection.broker
        if broker is None:
            return Waiting(OrderReason.CONNECTION_LOST, "there is no connection")
        return self._obstacle(order, broker)

    def learn(self, order: Order) -> None:
        """Have the broker asked what `obstacle` has to know: hours, prices, positions."""
        broker = self._connection.broker
        if broker is not None:
            self._contracts.refresh(broker, order.terms.contract)
            self._limits.learn(order)

    def _write(self, order: Order, broker: Broker) -> Waiting | None:
        """Write it; why that was not possible, and then nothing has left."""
        try:
            broker.place(order)
        except NotConnectedError as error:
            return Waiting(OrderReason.CONNECTION_LOST, str(error))
        self._connection.wrote(order.id)
        self._pacer.count(MessageKind.ORDER)
        self._metrics.sent()
        logger.info("order %s sent as %d (%s)", order.id, order.order_id, order.order_ref)
        return None

    async def take_back(self) -> None:
        """Put back what was reserved and not written; again while the ledger can't be written."""
        for order_uid, step in tuple(self._unwritten.items()):
            after = await self._ledger.advance(order_uid, step)
            del self._unwritten[order_uid]
            if after.state is not OrderState.WAITING and not parked(after):
                logger.warning("order %s was not written and is %s", after.id, after.state)

    def _obstacle(self, order: Order, broker: Broker) -> Waiting | None:
        """What has come up during the commit; no await between this and the write."""
        gate = self._gate()
        if isinstance(gate, Closed):
            return Waiting(gate.reason, gate.message, gate.until)
        if self._connection.broker is not broker:
            return Waiting(OrderReason.CONNECTION_LOST, "the connection changed")
        if not isinstance(self._contracts.market(order.terms), MarketOpen):
            return Waiting(OrderReason.MARKET_CLOSED, "the market is closing")
        if self._clock.now() >= order.valid_until:
            return Waiting(OrderReason.VALIDITY_ENDED, "its validity has ended")
        if order.not_before and self._connection.now() < order.not_before:
            return Waiting(OrderReason.NOT_BEFORE, "its time has not come")
        return self._narrowed(order.terms) or self._limits.obstacle(order)

    def _narrowed(self, terms: OrderTerms) -> Waiting | None:
        """What the settings forbid by now: they may have changed since the order was chosen."""
        settings = self._settings()
        if settings.accounts and terms.account not in settings.accounts:
            return Waiting(
                OrderReason.UNKNOWN_ACCOUNT, f"{terms.account} may not be traded any more"
            )
        if self._daily_limit.changed():
            return Waiting(OrderReason.DAILY_ORDER_LIMIT, "the day's limit has changed")
        return None
