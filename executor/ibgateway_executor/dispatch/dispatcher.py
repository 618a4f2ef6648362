"""The loop that moves orders on. What one look costs does not depend on how many orders wait or are done.

End what has expired, call unknown what is not acknowledged, complete what may be sent, choose one, send it. A closed gate
stops only the sending: ending and cancelling go on. What has changed in the ledger is looked at in each look; what changes
without it (hours, prices, answers about contracts) in the next one that has the time to look at every lane.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.replacements import OrderReplacements
from ibgateway_executor.dispatch.resends import OrderResends
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.dispatch.waits import SLOW_SECONDS, OrderWaits
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.order import (
    UNSENT,
    Order,
    OrderReason,
    OrderState,
    cancel,
    expire,
    move,
)
from ibgateway_executor.orders.queue import LaneHeads
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.5
ACKNOWLEDGEMENT_SECONDS: Final = 10.0
QUICK_SECONDS: Final = 0.02
"""So long after an order was sent nothing else is written: its acknowledgement usually comes within that."""
ENDS_AT_ONCE: Final = 200
SHARE_OF_LANES: Final = 10
"""Looking at every lane takes at most this part of the time: with many lanes it is done less often."""


class Dispatcher:
    """`wakeup` makes it look at once."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        gate: Callable[[], Gate],
        preparation: Preparation,
        submitter: OrderSubmitter,
        waits: OrderWaits,
        cancels: CancelWriter,
        replacements: OrderReplacements,
        resends: OrderResends,
        metrics: ExecutorMetrics,
        clock: Clock,
        wakeup: Wakeup,
    ) -> None:
        self.dispatched_at = clock.monotonic()
        self._ledger = ledger
        self._connection = connection
        self._gate = gate
        self._preparation = preparation
        self._submitter = submitter
        self._waits = waits
        self._cancels = cancels
        self._replacements = replacements
        self._resends = resends
        self._metrics = metrics
        self._clock = clock
        self._wakeup = wakeup
        self._stopping = False
        self._heads = LaneHeads()
        self._lanes_at = float("-inf")
        self._sending: dict[int, float] = {}
        self._slow: set[int] = set()
        self._pause = IDLE_SECONDS

    def stop(self) -> None:
        """Send nothing more; `run` ends after the look it is in, never between commit and write."""
        self._stopping = True
        self._wakeup.set()

    async def run(self) -> None:
        """Look until `stop`. A ledger that can't be written is waited for; another failure is an error of ours."""
        while not self._stopping:
            self._wakeup.clear()
            self._pause = IDLE_SECONDS
            try:
                more = await self.dispatch()
            except LedgerUnavailableError:
                more = False
            self.dispatched_at = self._clock.monotonic()
            if more:
                await asyncio.sleep(0)
            else:
                await self._wakeup.pause(self._pause)

    async def dispatch(self) -> bool:
        """One look; True when the next one may follow at once."""
        await self._submitter.take_back()
        self._ledger.active.begin(self._connection.now())
        self._hear()
        await self._end_overdue()
        if self._ledger.active.replacing:
            await self._replacements.look()
            self._hear()
        self._cancels.write(self._ledger.active.cancels.values())
        gate, broker = self._gate(), self._connection.broker
        self._metrics.gate(gate)
        await self._prepare(gate, broker)
        if await self._submitter.count_days():
            self._waits.put_all()
            self._heads.put_all(self._ledger.active)
        self._waits.begin(self._gate())
        self._hear()
        if await self._send_next():
            return True
        if self._awaiting():
            return False
        more = await self._write_waits()
        return more or self._submitter.uncounted or self._may_prepare()

    def _hear(self) -> None:
        """What has changed in the ledger since the last look."""
        numbers, lanes = self._ledger.active.news()
        for number in numbers:
            self._preparation.put(number)
            self._submitter.put(number)
        self._waits.put(numbers)
        for of in lanes:
            self._heads.put(self._ledger.active, of)
            self._waits.put_lane(of)

    async def _prepare(self, gate: Gate, broker: Broker | None) -> None:
        """Complete the next orders; while the gate is closed only what may be learnt about them."""
        trading: bool | None = None
        if broker is not None and not isinstance(gate, Closed):
            trading = True
        elif broker is not None and self._may_read(gate):
            trading = False
        anew = self._preparation.begin(trading=trading)
        if anew or self._clock.monotonic() >= self._lanes_at:
            self._look_at_lanes(broker if trading is not None else None)
        if broker is None or trading is None or self._awaiting() or not self._may_prepare():
            return
        self._waits.put(await self._preparation.look(broker))

    async def _write_waits(self) -> bool:
        """Whether there are more reasons to be written down at once."""
        if (pause := self._waits.pause()) > 0:
            self._pause = min(self._pause, pause)
            return False
        return await self._waits.record(sent_for=self._sent_for())

    def _may_prepare(self) -> bool:
        """Whether orders may be completed now: there are some, and none that could be sent before."""
        return self._preparation.able and self._next() is None

    def _look_at_lanes(self, broker: Broker | None) -> None:
        """Whatever may have changed without the ledger."""
        began, active = self._clock.monotonic(), self._ledger.active
        if broker is not None:
            self._preparation.refresh(broker)
        self._heads.put_all(active)
        for of in active.lanes():
            self._waits.put_lane(of)
        now = self._clock.monotonic()
        self._lanes_at = now + SHARE_OF_LANES * (now - began)

    async def _send_next(self) -> bool:
        """Send the oldest order that nothing holds; whether there was one."""
        if self._ledger.active.sending or self._stopping:
            return False
        if self._submitter.pause() <= 0 and await self._resends.look():
            return True
        if (chosen := self._next()) is None:
            return False
        if (pause := self._submitter.pause()) > 0:
            self._pause = min(self._pause, pause)
            return False
        if await self._submitter.check_limits(chosen):
            await self._submitter.send(chosen)
        else:
            self._waits.put([chosen.sequence])
        return True

    def _next(self) -> Order | None:
        """The oldest order that nothing holds."""
        return self._heads.next(
            self._ledger.active, wait=self._waits.own, before=self._preparation.first
        )

    def _awaiting(self) -> bool:
        """Whether an acknowledgement may come any moment: it would have to wait for what is written meanwhile."""
        sent_for = self._sent_for()
        if sent_for is None or sent_for >= QUICK_SECONDS:
            return False
        self._pause = min(self._pause, QUICK_SECONDS - sent_for)
        return True

    def _may_read(self, gate: Gate) -> bool:
        """Whether the broker answers although the gate is closed: logged in, and proven over the connection."""
        if not isinstance(gate, Closed) or not isinstance(gate.reason, GateReason):
            return False
        return gate.reason is not GateReason.NO_NEWS and self._connection.state.reconciled

    async def _end_overdue(self) -> None:
        """End what is over; what the broker has not acknowledged in time has an unknown fate.

        Validity ends by IBKR's time: before it is known in this process nothing expires.
        """
        proven, active = self._connection.time(), self._ledger.active
        steps: dict[str, Step] = {}
        if proven is not None:
            due = active.due(proven, ENDS_AT_ONCE)
            steps = {order.id: partial(expire, now=proven) for order in due}
        for order in active.cancels.values():
            if order.state in UNSENT:
                steps[order.id] = cancel
        silent = self._unacknowledged_for_long()
        steps |= dict.fromkeys(silent, not_acknowledged)
        await self._ledger.advance_all(steps)
        self._hear()
        for _ in silent:
            self._connection.request_reconciliation()

    def _unacknowledged_for_long(self) -> list[str]:
        """Orders that have been Sending for too long, whatever the clock is set to meanwhile."""
        now, before, sending = self._clock.monotonic(), self._sending, self._ledger.active.sending
        self._sending = {number: before.get(number, now) for number in sending}
        return [
            order.id
            for number, order in sending.items()
            if now - self._sending[number] >= ACKNOWLEDGEMENT_SECONDS
        ]

    def _sent_for(self) -> float | None:
        """For how long an order has been on its way; once that is long, the others wait for a reason."""
        now, sending = self._clock.monotonic(), self._ledger.active.sending
        if not sending:
            return None
        longest = max(now - self._sending.get(number, now) for number in sending)
        if longest >= SLOW_SECONDS and self._slow != set(sending):
            self._slow = set(sending)
            self._waits.put_heads()
        return longest


def not_acknowledged(order: Order) -> Order:
    """An order that was sent and of which the broker has said nothing."""
    if order.state is not OrderState.SENDING:
        return order
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.NO_ACKNOWLEDGEMENT,
        message="the broker did not acknowledge the order in time; it is being asked",
    )
