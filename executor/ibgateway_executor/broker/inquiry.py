"""What the broker was asked about orders of unknown fate once the link had been good for long: everything, answered completely.

It is of one connection and of one moment, and worth nothing once anything has come in between.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibgateway_executor.broker.answer_watch import AnswerWatch
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.orders.broker_reports import (
    FillReport,
    OrderError,
    OrderEvent,
    OrderStatusReport,
    concerns,
    ended,
)
from ibgateway_executor.orders.order import Order
from ibgateway_executor.orders.portfolio import ExecutionReport, PositionReport

logger = logging.getLogger(__name__)

BEFORE: Final = timedelta(minutes=1)
"""IBKR's clock and ours differ: an execution of the minute before the sending is taken for a later one."""


async def positions_and_executions(
    broker: Broker, watch: AnswerWatch
) -> tuple[tuple[PositionReport, ...], tuple[ExecutionReport, ...]] | None:
    """Both, or None: without an answer there is no proof, and nothing else is the worse for it."""
    try:
        positions = await watch.answer(broker.positions())
        return positions, await watch.answer(broker.day_executions())
    except BrokerError as error:
        logger.warning("whether a lost order may be sent again can't be told: %s", error)
        return None


@dataclass(frozen=True)
class BrokerInquiry:
    """All three questions, twice, then positions and executions. Moments are monotonic seconds.

    `healthy_seconds`: for so long the link had been good when the first question left. `heard` counts what this connection has been
    told about orders by the end of the last answer.
    """

    broker: Broker
    healthy_seconds: float
    ended: float
    heard: int
    answer: tuple[OrderEvent, ...]
    positions: tuple[PositionReport, ...]
    executions: tuple[ExecutionReport, ...]

    def shows(self, order: Order) -> bool:
        """Whether anything in it is the order or may be: a part of its orderRef will do, and so will its ids.

        A completed order has no ids, so one whose orderRef came back cut off can be told from no other that begins alike.
        """
        told = (event for event in self.answer if not isinstance(event, OrderError))
        return any(_may_be(order, event) for event in told) or any(
            _executed_as(order, row) for row in self.executions
        )

    def position(self, order: Order) -> Decimal | None:
        """What the account holds of the order's contract; None where the login does not have the account."""
        account, con_id = order.terms.account, order.terms.contract.con_id
        if account not in self.broker.accounts or not con_id:
            return None
        held = [
            row.quantity
            for row in self.positions
            if (row.account, row.contract.con_id) == (account, con_id)
        ]
        return sum(held, Decimal(0))

    def executions_since(self, order: Order) -> int | None:
        """How often its contract was traded in the account since it was sent, by whomever; None where that can't be told."""
        if order.sent_at is None or not order.terms.contract.con_id:
            return None
        since = order.sent_at - BEFORE
        return sum(
            _same_contract(order, row.account, row.contract.con_id) and _since(row.at, since)
            for row in self.executions
        )

    def foreign_orders(self, order: Order, ours: Iterable[Order]) -> int:
        """How many open orders of its contract and account are none of ours."""
        known = tuple(ours)
        working = (
            event
            for event in self.answer
            if isinstance(event, OrderStatusReport) and event.con_id is not None
        )
        found = {
            event.perm_id or (event.client_id, event.order_id)
            for event in working
            if not ended(event)
            and _same_contract(order, event.account, event.con_id or 0)
            and not any(concerns(other, event) for other in known)
        }
        return len(found)

    def highest_id(self, client_id: int) -> int:
        """The highest order id of this client that the broker shows; 0 where it shows none."""
        events = (event.order_id for event in self.answer if event.client_id == client_id)
        executed = (row.order_id for row in self.executions if row.client_id == client_id)
        return max([*events, *executed], default=0)


def _may_be(order: Order, event: OrderStatusReport | FillReport) -> bool:
    if event.order_ref and order.order_ref.startswith(event.order_ref):
        return True
    if order.perm_id and event.perm_id == order.perm_id:
        return True
    return _same_ids(order, event.client_id, event.order_id)


def _executed_as(order: Order, row: ExecutionReport) -> bool:
    if row.order_ref and order.order_ref.startswith(row.order_ref):
        return True
    return _same_ids(order, row.client_id, row.order_id)


def _same_ids(order: Order, client_id: int, order_id: int) -> bool:
    return order_id != 0 and (client_id, order_id) == (order.client_id, order.order_id)


def _same_contract(order: Order, account: str, con_id: int) -> bool:
    """What does not say of which account and contract it is may be of this one."""
    mine = order.terms
    return account in ("", mine.account) and con_id in (0, mine.contract.con_id)


def _since(at: datetime, since: datetime) -> bool:
    """A time without a zone tells nothing and is taken for the worse."""
    return at.tzinfo is None or at >= since
