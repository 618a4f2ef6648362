"""The loop that moves orders on: level-triggered, it looks at the whole ledger at every wake.

Sweep what has expired, doubt what is not acknowledged, complete what may be sent, choose one, send
it. A closed gate stops only the sending: sweeping and cancelling go on.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ibgateway_api.gate import Closed
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.submit import OrderSubmitter, Tools
from ibgateway_executor.errors import BrokerError, IllegalMoveError
from ibgateway_executor.ledger.sqlite import Step
from ibgateway_executor.orders.market_hours import Market
from ibgateway_executor.orders.order import (
    UNSENT,
    Order,
    OrderReason,
    OrderState,
    cancel,
    expire,
    move,
)
from ibgateway_executor.orders.queue import QueueChoice, Waiting, choose

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.5
ACKNOWLEDGEMENT_LIMIT: Final = timedelta(seconds=10)
PRICE_RETRY_SECONDS: Final = 5.0


class Dispatcher:
    """`wake` makes it look at once."""

    def __init__(
        self,
        tools: Tools,
        preparation: Preparation,
        sender: OrderSubmitter,
        clock: Callable[[], datetime],
    ) -> None:
        self.beat = time.monotonic()
        self._tools = tools
        self._preparation = preparation
        self._sender = sender
        self._clock = clock
        self._wake = asyncio.Event()
        self._stopping = False
        self._priceless: dict[str, tuple[float, Waiting]] = {}
        self._cancelled_over: Broker | None = None
        self._cancelled: set[str] = set()

    def wake(self) -> None:
        """Look at the ledger now."""
        self._wake.set()

    def stop(self) -> None:
        """Send nothing more; `run` ends after the turn it is in, never between commit and write."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Turn until `stop`. A failing turn is an error of ours: it ends the process."""
        while not self._stopping:
            self._wake.clear()
            more = await self._turn()
            self.beat = time.monotonic()
            if not more:
                await self._sleep()

    async def _turn(self) -> bool:
        """One look at the ledger; True when something was sent and the next may follow."""
        orders = await self._swept(await self._active())
        await self._cancel(orders)
        gate, broker, tools = self._tools.desk.gate(), self._tools.link.broker, self._tools
        tools.metrics.gate_open.set(not isinstance(gate, Closed))
        delays: dict[str, Waiting] = {}
        if not isinstance(gate, Closed) and broker is not None:
            delays = await self._preparation.prepare(broker, orders)
            orders, gate = await self._active(), tools.desk.gate()
        delays |= self._waiting_for_price()
        choice = choose(orders, gate=gate, markets=self._markets(orders), delays=delays)
        sent = False
        if choice.next is not None and self._sender.paced() and not self._stopping:
            sent = await self._attempt(choice.next)
        await self._tell(orders, choice)
        return sent

    async def _attempt(self, order: Order) -> bool:
        checked = await self._sender.check_value(order)
        if isinstance(checked, Waiting):
            self._priceless[order.id] = (time.monotonic() + PRICE_RETRY_SECONDS, checked)
            return True
        if not checked.terminal:
            await self._sender.send(checked)
        return True

    async def _swept(self, orders: Sequence[Order]) -> list[Order]:
        """End what is over, and doubt what the broker has not acknowledged in time."""
        now, kept = self._clock(), []
        for order in orders:
            after = order
            if expire(order, now) != order:
                after = await self._change(order, lambda order: expire(order, now))
            elif order.state in UNSENT and order.cancel_requested:
                after = await self._change(order, cancel)
            elif _overdue(order, now):
                after = await self._change(order, _unacknowledged)
                self._tools.link.doubt()
            if not after.terminal:
                kept.append(after)
        return kept

    async def _cancel(self, orders: Sequence[Order]) -> None:
        """Write each wanted cancel once a connection."""
        broker, proof = self._tools.link.broker, self._tools.link.proof
        if broker is None or proof.link_lost or not proof.reconciled:
            return
        if self._cancelled_over is not broker:
            self._cancelled_over, self._cancelled = broker, set()
        ours = self._tools.desk.settings.client_id
        for order in orders:
            wanted = order.state is OrderState.WORKING and order.cancel_requested
            if not wanted or order.client_id != ours or order.id in self._cancelled:
                continue
            with suppress(BrokerError):
                broker.cancel(order.order_id)
                self._cancelled.add(order.id)
                logger.info("order %s: cancel sent", order.id)

    async def _tell(self, orders: Sequence[Order], choice: QueueChoice) -> None:
        """Write down why orders wait, where it is news, in one transaction."""
        reject = self._tools.desk.settings.market_closed == "reject"
        steps: dict[str, Step] = {}
        for order in orders:
            wait = choice.waits.get(order.id)
            if wait is None:
                continue
            if reject and wait.reason == OrderReason.MARKET_CLOSED:
                steps[order.id] = partial(_move, state=OrderState.REJECTED, wait=wait)
            elif (order.state, order.reason) != (OrderState.WAITING, wait.reason):
                steps[order.id] = partial(_move, state=OrderState.WAITING, wait=wait)
        if steps:
            ledger = self._tools.ledger
            for order in await ledger.call(ledger.ledger.change_all, steps, self._clock()):
                self._moved(order)

    def _markets(self, orders: Sequence[Order]) -> dict[int, Market]:
        numbers = {order.terms.contract.con_id for order in orders if order.state in UNSENT}
        return {number: self._tools.contracts.market(number) for number in numbers}

    def _waiting_for_price(self) -> dict[str, Waiting]:
        now = time.monotonic()
        self._priceless = {k: v for k, v in self._priceless.items() if v[0] > now}
        return {order_uid: wait for order_uid, (_, wait) in self._priceless.items()}

    async def _active(self) -> list[Order]:
        ledger = self._tools.ledger
        return await ledger.call(ledger.ledger.active)

    async def _change(self, order: Order, step: Callable[[Order], Order]) -> Order:
        """Apply a step unless the broker or the client was faster."""
        ledger = self._tools.ledger
        try:
            after = await ledger.call(ledger.ledger.change, order.id, step, self._clock())
        except IllegalMoveError:
            return order
        if (after.state, after.reason) != (order.state, order.reason):
            self._moved(after)
        return after

    def _moved(self, order: Order) -> None:
        logger.info("order %s is %s %s", order.id, order.state, order.reason)
        self._tools.metrics.order_moved(order)

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return


def _move(order: Order, state: OrderState, wait: Waiting) -> Order:
    return move(order, state, reason=wait.reason, message=wait.message)


def _overdue(order: Order, now: datetime) -> bool:
    sending = order.state is OrderState.SENDING and order.sent_at is not None
    return sending and now - (order.sent_at or now) >= ACKNOWLEDGEMENT_LIMIT


def _unacknowledged(order: Order) -> Order:
    if order.state is not OrderState.SENDING:
        return order
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.NO_ACKNOWLEDGEMENT,
        message="the broker did not acknowledge the order in time; it is being asked",
    )
