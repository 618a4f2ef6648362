"""The loop that moves orders on: level-triggered, it looks at the whole ledger each time.

End what has expired, call unknown what is not acknowledged, complete what may be sent, choose one, send
it. A closed gate stops only the sending: ending and cancelling go on.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ibgateway_api.executor_spec import MarketClosedAction
from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.metrics import ExecutorMetrics
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
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.5
ACKNOWLEDGEMENT_SECONDS: Final = 10.0


class Dispatcher:
    """`wakeup` makes it look at once."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        gate: Callable[[], Gate],
        settings: Callable[[], ExecutorSettings],
        contracts: Contracts,
        preparation: Preparation,
        submitter: OrderSubmitter,
        cancels: CancelWriter,
        metrics: ExecutorMetrics,
        clock: Clock,
        wakeup: Wakeup,
    ) -> None:
        self.dispatched_at = clock.monotonic()
        self._ledger = ledger
        self._connection = connection
        self._gate = gate
        self._settings = settings
        self._contracts = contracts
        self._preparation = preparation
        self._submitter = submitter
        self._cancels = cancels
        self._metrics = metrics
        self._clock = clock
        self._wakeup = wakeup
        self._stopping = False
        self._sending: dict[str, float] = {}

    def stop(self) -> None:
        """Send nothing more; `run` ends after the look it is in, never between commit and write."""
        self._stopping = True
        self._wakeup.set()

    async def run(self) -> None:
        """Look until `stop`. A ledger that can't be written is waited for; another failure is an error of ours."""
        while not self._stopping:
            self._wakeup.clear()
            try:
                more = await self.dispatch()
            except LedgerUnavailableError:
                more = False
            self.dispatched_at = self._clock.monotonic()
            if not more:
                await self._wakeup.pause(IDLE_SECONDS)

    async def dispatch(self) -> bool:
        """One look at the ledger; True when something was sent and the next may follow."""
        await self._submitter.take_back()
        orders = await self._end_overdue(sorted(self._ledger.active, key=lambda o: o.sequence))
        self._cancels.write(orders)
        gate, broker = self._gate(), self._connection.broker
        self._metrics.gate_open.set(not isinstance(gate, Closed))
        delays: dict[str, Waiting] = {}
        if not isinstance(gate, Closed) and broker is not None:
            delays = await self._preparation.prepare(broker, orders)
            orders, gate = sorted(self._ledger.active, key=lambda o: o.sequence), self._gate()
        elif broker is not None and self._may_read(gate):
            await self._preparation.learn(broker, orders)
        delays |= await self._submitter.delays(orders) | self._late(orders)
        choice = choose(orders, gate=gate, markets=self._markets(orders), delays=delays)
        sent = False
        if choice.next is not None and self._submitter.paced() and not self._stopping:
            if await self._submitter.check_value(choice.next):
                await self._submitter.send(choice.next)
            sent = True
        await self._record_waits(orders, choice)
        return sent

    def _may_read(self, gate: Gate) -> bool:
        """Whether the broker answers although the gate is closed: logged in, and proven over the connection."""
        if not isinstance(gate, Closed) or not isinstance(gate.reason, GateReason):
            return False
        return gate.reason is not GateReason.NO_NEWS and self._connection.state.reconciled

    async def _end_overdue(self, orders: Sequence[Order]) -> list[Order]:
        """End what is over; what the broker has not acknowledged in time has an unknown fate.

        Validity ends by IBKR's time: before it is known in this process nothing expires.
        """
        proven, kept = self._connection.time(), []
        silent = self._unacknowledged_for_long(orders)
        for order in orders:
            after = order
            if proven is not None and expire(order, proven) != order:
                after = await self._ledger.advance(order.id, partial(expire, now=proven))
            elif order.state in UNSENT and order.cancel_requested:
                after = await self._ledger.advance(order.id, cancel)
            elif order.id in silent:
                after = await self._ledger.advance(order.id, _unacknowledged)
                self._connection.request_reconciliation()
            if not after.terminal:
                kept.append(after)
        return kept

    def _unacknowledged_for_long(self, orders: Sequence[Order]) -> set[str]:
        """Orders that have been Sending for too long, whatever the clock is set to meanwhile."""
        now, before = self._clock.monotonic(), self._sending
        sending = [order.id for order in orders if order.state is OrderState.SENDING]
        self._sending = {order_uid: before.get(order_uid, now) for order_uid in sending}
        return {
            uid for uid, since in self._sending.items() if now - since >= ACKNOWLEDGEMENT_SECONDS
        }

    async def _record_waits(self, orders: Sequence[Order], choice: QueueChoice) -> None:
        """Write down why orders wait, where that is new, in one transaction."""
        reject = self._settings().market_closed is MarketClosedAction.REJECT
        steps: dict[str, Step] = {}
        for order in orders:
            wait = self._past_validity(order, choice.waits.get(order.id))
            if wait is None or wait.brief:
                continue
            if reject and wait.reason == OrderReason.MARKET_CLOSED:
                steps[order.id] = partial(_move, state=OrderState.REJECTED, wait=wait)
            elif (order.state, order.reason) != (OrderState.WAITING, wait.reason):
                steps[order.id] = partial(_move, state=OrderState.WAITING, wait=wait)
        await self._ledger.advance_all(steps)

    def _late(self, orders: Sequence[Order]) -> dict[str, Waiting]:
        """Orders past their validity by our clock: in the seconds until IBKR's ends them they are not tried."""
        now = self._clock.now()
        late = Waiting(OrderReason.VALIDITY_ENDED, "validUntil is past by this clock", brief=True)
        return {o.id: late for o in orders if o.state in UNSENT and now >= o.valid_until}

    def _past_validity(self, order: Order, wait: Waiting | None) -> Waiting | None:
        """Why an order waits past its validity: before IBKR's time is known nothing expires, nor is it sent."""
        unproven = wait is not None and not wait.brief and self._connection.time() is None
        if not unproven or self._clock.now() < order.valid_until:
            return wait
        return Waiting(
            OrderReason.VALIDITY_ENDED,
            "validUntil is past by this clock, and the order is not sent any more; it expires once IBKR's time is "
            "known, because this clock may be wrong",
        )

    def _markets(self, orders: Sequence[Order]) -> dict[int, Market]:
        numbers = {order.terms.contract.con_id for order in orders if order.state in UNSENT}
        return {number: self._contracts.market(number) for number in numbers}


def _move(order: Order, state: OrderState, wait: Waiting) -> Order:
    return move(order, state, reason=wait.reason, message=wait.message)


def _unacknowledged(order: Order) -> Order:
    if order.state is not OrderState.SENDING:
        return order
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.NO_ACKNOWLEDGEMENT,
        message="the broker did not acknowledge the order in time; it is being asked",
    )
