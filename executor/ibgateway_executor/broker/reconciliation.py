"""Asking the broker what became of our orders, and what may be concluded from its answers.

Every request must answer, and two rounds must be equal, before anything is concluded. Found orders
are adopted by orderRef. An order that is not found is never sent again here: proof that the broker
never had it also needs IBKR's "maintain and resubmit" setting to be off, which can't be asked.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from ibgateway_api.week import NEW_YORK
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import NoAnswerError
from ibgateway_executor.orders.broker_reports import OrderEvent, OrderStatusReport, concerns
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, move

ROUNDS: Final = 10
PAUSE_SECONDS: Final = 0.05
AT_BROKER: Final = frozenset({OrderState.WORKING, OrderState.UNKNOWN})
"""Not Sending: its acknowledgement is still awaited, and it becomes Unknown when that fails."""

Answer = tuple[OrderEvent, ...]


async def ask(broker: Broker, orders: Sequence[Order]) -> Answer:
    """Answers to all three questions, twice in a row equal as far as they concern `orders`.

    NoAnswerError when they never agree, any BrokerError of a question.
    """
    before = await _round(broker)
    for _ in range(ROUNDS):
        await asyncio.sleep(PAUSE_SECONDS)
        answer = await _round(broker)
        if _ours(answer, orders) == _ours(before, orders):
            return answer
        before = answer
    raise NoAnswerError("the broker's orders kept changing while they were being compared")


async def _round(broker: Broker) -> Answer:
    executions = await broker.executions()
    completed = await broker.completed_orders()
    return executions + completed + await broker.open_orders()


def conclude(order: Order, answer: Answer, now: datetime) -> Order:
    """The order after answers that have been recorded already: what was not found is not resent.

    Unchanged where the broker knows the order, or where none of it may have left.
    """
    if not questionable(order) or any(_is_about(order, event) for event in answer):
        return order
    if order.sent_at is None or _day(order.sent_at) != _day(now):
        return move(
            order, OrderState.UNVERIFIED, reason=OrderReason.NOT_FOUND_AT_BROKER, message=_OLD
        )
    if order.state is OrderState.UNKNOWN and order.reason == OrderReason.NOT_FOUND_AT_BROKER:
        return order
    return move(order, OrderState.UNKNOWN, reason=OrderReason.NOT_FOUND_AT_BROKER, message=_PARKED)


def questionable(order: Order) -> bool:
    """Whether the broker should know this order."""
    return order.state in AT_BROKER


def _ours(answer: Answer, orders: Sequence[Order]) -> frozenset[OrderEvent]:
    return frozenset(e for e in answer if any(concerns(order, e) for order in orders))


def _is_about(order: Order, event: OrderEvent) -> bool:
    if isinstance(event, OrderStatusReport) and not event.order_ref:
        return bool(order.perm_id) and event.perm_id == order.perm_id
    return concerns(order, event)


def _day(at: datetime) -> date:
    """Executions and completed orders can be asked for until midnight in New York."""
    return at.astimezone(NEW_YORK).date()


_PARKED: Final = (
    "the broker shows no such order, neither open nor filled nor ended. It is not sent again: look at "
    "the account in IBKR's own screens, then place a new order if it is missing. Later orders for this "
    "contract wait until midnight in New York"
)
_OLD: Final = (
    "the order is from an earlier day and the broker tells nothing about it any more: compare the "
    "account's statement"
)
