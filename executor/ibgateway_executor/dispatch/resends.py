"""Orders that were lost on the way, sent once more where everything proves that they never arrived.

Whether they may be is decided in `orders.resend` alone. Here is gathered what it is decided from, and what was found is written into
the order's history: what was sent again with the commit before its bytes, and why something was not, each reason once.
"""

import logging
from collections.abc import Callable
from typing import Final

from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_api.gate import NEWS_LIMIT_SECONDS, Closed, Gate
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.inquiry import BrokerInquiry
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order, OrderState
from ibgateway_executor.orders.resend import (
    FRESH_SECONDS,
    ProofResult,
    ResendFacts,
    evidence_of,
    failing,
    may_resend,
    proofs,
    resendable,
)
from ibgateway_executor.sentinel import SentinelStatus
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
"""The same answers are looked at again this often: a price or hours may have been missing."""


class OrderResends:
    """One at a time, the one with the lowest order id first: a higher one that IBKR has had forbids it."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        sentinel: SentinelStatus,
        settings: Callable[[], ExecutorSettings],
        gate: Callable[[], Gate],
        submitter: OrderSubmitter,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._sentinel = sentinel
        self._settings = settings
        self._gate = gate
        self._submitter = submitter
        self._clock = clock
        self._looked_at = float("-inf")
        self._noted: dict[str, set[tuple[str, ...]]] = {}

    async def look(self) -> bool:
        """Send one again, if there is one that may be; whether there was."""
        inquiry, now = self._connection.inquiry, self._clock.monotonic()
        if inquiry is None or self._settings().resend is not ResendPolicy.PROVEN:
            return False
        if now - inquiry.ended > FRESH_SECONDS:
            self._connection.inquiry = None
            return False
        if self._ledger.active.sending or now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        lost = filter(resendable, self._ledger.active.in_state(OrderState.UNKNOWN))
        for order in sorted(lost, key=lambda order: order.order_id):
            if await self._judge(order, inquiry):
                return True
        return False

    async def _judge(self, order: Order, inquiry: BrokerInquiry) -> bool:
        """Whether it was taken for one that may be sent again; the answers are used up by that."""
        self._submitter.learn(order)
        acknowledged = await self._ledger.acknowledged_id(order.client_id)
        results = self._proofs(order, inquiry, acknowledged)
        if not may_resend(results):
            await self._note(order, results)
            return False
        self._connection.inquiry = None
        await self._submitter.send_again(
            order,
            evidence_of(results),
            lambda: failing(self._proofs(order, inquiry, acknowledged)),
        )
        return True

    def _proofs(
        self, order: Order, inquiry: BrokerInquiry, acknowledged: int
    ) -> tuple[ProofResult, ...]:
        return proofs(order, self._facts(order, inquiry, acknowledged))

    def _facts(self, order: Order, inquiry: BrokerInquiry, acknowledged: int) -> ResendFacts:
        connection, settings, broker = self._connection, self._settings(), inquiry.broker
        same = connection.broker is broker
        report = self._sentinel.report
        healthy = connection.healthy_seconds()
        fresh = report is not None and self._sentinel.age <= NEWS_LIMIT_SECONDS
        gate, obstacle = self._gate(), self._submitter.obstacle(order)
        return ResendFacts(
            policy=settings.resend,
            now=connection.time(),
            own_since=self._ledger.found.own_since,
            client_id=broker.client_id if same else None,
            connected_at=connection.made_at if same else None,
            sent_over_it=connection.has_written(order.id),
            healthy_seconds=inquiry.healthy_seconds if healthy is not None else None,
            answer_seconds=self._clock.monotonic() - inquiry.ended,
            login=report.state.value if report is not None and fresh else None,
            answered=connection.heard == inquiry.heard,
            shown=inquiry.shows(order),
            gateway_zone=settings.gateway_time_zone,
            calendar=settings.calendar,
            position=inquiry.position(order),
            executions=inquiry.executions_since(order),
            foreign_orders=inquiry.foreign_orders(order, self._ledger.active.sent.values()),
            offered_id=broker.offered_id,
            acknowledged_id=max(acknowledged, inquiry.highest_id(order.client_id)),
            resubmits=report.resubmits_orders if report is not None and fresh else None,
            gate=str(gate.reason) if isinstance(gate, Closed) else "",
            obstacle="" if obstacle is None else str(obstacle.reason),
        )

    async def _note(self, order: Order, results: tuple[ProofResult, ...]) -> None:
        """Why it is not sent again, where that was not written down before in this process."""
        missing, noted = failing(results), self._noted.setdefault(order.id, set())
        if missing in noted:
            return
        noted.add(missing)
        logger.info("order %s is not sent again, not proven: %s", order.id, ", ".join(missing))
        await self._ledger.prove(order.id, _unchanged, evidence_of(results))


def _unchanged(order: Order) -> Order:
    return order
