"""The connection to the gateway: makes it, proves it, notices when the proof is gone.

Connecting is driven by the sentinel's news and never tried before it says LoggedIn. Nothing is sent
until accounts, clock and ledger have been checked on this connection. 1100 takes the proof away;
1101, 1102 and a doubt about one order make it ask again. A kicked session keeps its socket.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ibgateway_executor.broker import reconciliation
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.broker.protocol import (
    Broker,
    BrokerEvent,
    Connect,
    Disconnected,
    LinkLost,
    LinkRestored,
)
from ibgateway_executor.errors import (
    BrokerError,
    ClientIdInUseError,
    IllegalMoveError,
    RequestRefusedError,
)
from ibgateway_executor.ledger.recorder import ReportRecorder
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.news import News
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, move

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 0.3
PING_SECONDS: Final = 2.0
"""At least 1.1: the gateway leaves a second question within a second unanswered."""
DEAF_SECONDS: Final = 5.0
"""Logged in for this long with our own 1100 still open: the restore was missed, connect afresh."""
FIRST_BACKOFF: Final = 2.0
LONGEST_BACKOFF: Final = 30.0
"""326: the gateway may hold our id for a while after the last connection went."""
REFUSED_SECONDS: Final = 5.0
"""A read-only API refuses to tell orders until a person changes its setting."""
ASK_AGAIN_SECONDS: Final = 60.0
"""Orders of unknown fate are looked for again this often."""


@dataclass(frozen=True)
class Parts:
    """What a link works with."""

    connect: Connect
    news: News
    ledger: LedgerThread
    recorder: ReportRecorder
    metrics: ExecutorMetrics


class GatewayConnection:
    """At most one broker connection. `trusted` says whether a login may be traded on."""

    def __init__(
        self,
        parts: Parts,
        *,
        trusted: Callable[[ConnectionState], bool],
        changed: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self.broker: Broker | None = None
        self.proof = ConnectionState()
        self._parts = parts
        self._trusted = trusted
        self._changed = changed
        self._clock = clock
        self._lost_at = 0.0
        self._asked_at = 0.0
        self._backoff = FIRST_BACKOFF
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again at once: the sentinel told something new."""
        self._wake.set()

    def doubt(self) -> None:
        """The fate of an order is not certain: nothing is sent until the broker was asked."""
        self._know(reconciled=False)
        self._wake.set()

    async def run(self) -> None:
        """Keep the connection for ever."""
        while True:
            self._wake.clear()
            try:
                pause = await self._turn()
            except BrokerError as error:
                logger.warning("the gateway's API: %s", error)
                self._know(detail=str(error))
                pause = await self._failed(error)
            await self._sleep(pause)

    def close(self) -> None:
        """End the connection."""
        if self.broker is not None:
            self.broker.close()

    async def _turn(self) -> float:
        """One step; returns how long to sleep after it."""
        if self.broker is None or not self.broker.connected:
            await self._drop("the connection ended")
            if self._parts.news.logged_in:
                await self._connect()
                return 0
            return RETRY_SECONDS
        if self.proof.link_lost:
            return await self._wait_for_link()
        if not self._trusted(self.proof):
            return PING_SECONDS
        if not self.proof.reconciled or await self._forgotten():
            await self._reconcile(self.broker)
            return PING_SECONDS
        await self._ping(self.broker)
        return PING_SECONDS

    async def _connect(self) -> None:
        broker = await self._parts.connect(self._heard)
        self.broker = broker
        self._backoff = FIRST_BACKOFF
        self._know(connected=True, accounts=broker.accounts)
        logger.info("connected to the gateway, accounts %s", ",".join(broker.accounts))
        await self._ping(broker)
        ledger = self._parts.ledger
        self._know(ledger_accounts=await ledger.call(ledger.ledger.accounts))

    async def _ping(self, broker: Broker) -> None:
        """IBKR's clock: whole seconds, so half a second is added; also proof that somebody answers."""
        told = await broker.server_time()
        ours = self._clock()
        self._know(skew=(ours - told).total_seconds() - 0.5)

    async def _reconcile(self, broker: Broker) -> None:
        parts, ledger = self._parts, self._parts.ledger
        self._know(ledger_accounts=await ledger.call(ledger.ledger.claim, broker.accounts))
        await parts.recorder.settled()
        # Only these: an order sent while the broker was being asked is not in its answer.
        orders = await ledger.call(ledger.ledger.active)
        answer = await reconciliation.ask(broker, orders)
        await parts.recorder.settled()
        await parts.recorder.fold(answer)
        for order in filter(reconciliation.questionable, orders):
            await self._change(
                order, lambda order: reconciliation.conclude(order, answer, self._clock())
            )
        if not broker.connected or self.proof.link_lost:
            return
        self._asked_at = time.monotonic()
        parts.metrics.reconciliations.inc()
        self._know(reconciled=True, detail="")
        logger.info("reconciled with the broker")

    async def _change(self, order: Order, step: Callable[[Order], Order]) -> None:
        """Apply a step that the broker's own word may have made impossible meanwhile."""
        ledger = self._parts.ledger
        try:
            after = await ledger.call(ledger.ledger.change, order.id, step, self._clock())
        except IllegalMoveError:
            return
        if after.state is not order.state or after.reason != order.reason:
            logger.warning("order %s is %s: %s", after.id, after.state, after.reason)
            self._parts.metrics.order_moved(after)
            self._changed()

    async def _forgotten(self) -> bool:
        """Whether an order of unknown fate should be looked for again."""
        if time.monotonic() - self._asked_at < ASK_AGAIN_SECONDS:
            return False
        ledger = self._parts.ledger
        active = await ledger.call(ledger.ledger.active)
        return any(order.state is OrderState.UNKNOWN for order in active)

    async def _wait_for_link(self) -> float:
        """1100 is open. If the sentinel has been logged in for long, our restore was missed."""
        if not self._parts.news.logged_in:
            self._lost_at = time.monotonic()
        elif time.monotonic() - self._lost_at > DEAF_SECONDS:
            await self._drop("no word of the restored link")
        return RETRY_SECONDS

    async def _failed(self, error: BrokerError) -> float:
        """After an error: a connection that does not answer is given up, a refusal is not asked twice."""
        if isinstance(error, RequestRefusedError):
            return REFUSED_SECONDS
        await self._drop(str(error))
        if not isinstance(error, ClientIdInUseError):
            return RETRY_SECONDS
        pause, self._backoff = self._backoff, min(self._backoff * 2, LONGEST_BACKOFF)
        return pause

    async def _drop(self, why: str) -> None:
        """Forget the connection; what was being sent over it has an unknown fate."""
        if self.broker is None:
            return
        self.broker.close()
        self.broker = None
        self.proof = ConnectionState(detail=why)
        logger.warning("the connection to the gateway is gone: %s", why)
        self._changed()
        await self._parts.recorder.settled()
        ledger = self._parts.ledger
        for order in await ledger.call(ledger.ledger.active):
            if order.state is OrderState.SENDING:
                await self._change(order, _lost)

    def _heard(self, event: BrokerEvent) -> None:
        if isinstance(event, LinkLost):
            self._lost_at = time.monotonic()
            self._know(link_lost=True, reconciled=False, detail=event.message)
        elif isinstance(event, LinkRestored):
            self._know(link_lost=False, reconciled=False, detail="")
            self._wake.set()
        elif isinstance(event, Disconnected):
            self._know(connected=False, reconciled=False, detail=event.message)
            self._wake.set()
        else:
            self._parts.recorder.put(event)

    def _know(self, **news: object) -> None:
        before = self.proof
        self.proof = replace(before, **news)  # type: ignore[arg-type]  # fields of Proof by name
        self._parts.metrics.connected.set(self.proof.connected)
        if before.reconciled != self.proof.reconciled or before.connected != self.proof.connected:
            self._changed()

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return


def _lost(order: Order) -> Order:
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.CONNECTION_LOST,
        message="the connection ended before the broker acknowledged the order",
    )
