"""An order in place of another one: the first is cancelled, and what is left of the quantity is sent once it has ended. Pure.

Both are linked on disk before anything is cancelled, so a crash at any point finds the way on; the second can't be sent
(`order.reserve`) while the first may be alive.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import (
    UNSENT,
    Order,
    OrderReason,
    OrderState,
    cancel_wherever,
    move,
)

SETTLED: Final = timedelta(seconds=1)
"""After the end of an order its last fill may still be told."""


def begin(order: Order, by: str) -> Order:
    """The order that is replaced by the one with this id: to be cancelled. IllegalMoveError where another one replaces it."""
    if order.replaced_by not in ("", by):
        raise IllegalMoveError(f"order {order.replaced_by} replaces order {order.id}")
    return replace(cancel_wherever(order), replaced_by=by)


def begun(order: Order, by: str) -> bool:
    """Whether `begin` has been done, as far as it can be."""
    return order.replaced_by == by and (order.terminal or order.cancel_requested)


def settle(order: Order, replaced: Order | None, now: datetime) -> Order:
    """The order that replaces `replaced`, once that has ended: its quantity less what was filled.

    `now` is by the ledger's clock. To be called only while the broker has told all that it knows: a fill may have been missed.
    """
    if order.state not in UNSENT or not order.awaits_end:
        return order
    if replaced is None or replaced.replaced_by not in ("", order.id):
        return move(
            order,
            OrderState.REJECTED,
            reason=OrderReason.CANNOT_REPLACE,
            message="another order replaces it already: replace that one",
        )
    if not replaced.terminal or now - (replaced.updated_at or now) < SETTLED:
        return order
    if replaced.state is OrderState.UNVERIFIED:
        return move(
            order,
            OrderState.REJECTED,
            reason=OrderReason.CANNOT_REPLACE,
            message="what became of the order that it replaces is not known: find out, then place a new order",
        )
    rest = order.terms.quantity - int(_filled(replaced).to_integral_value(ROUND_CEILING))
    if rest <= 0:
        return move(
            order,
            OrderState.CANCELLED,
            reason=OrderReason.NOTHING_LEFT,
            message=f"the order that it replaces was filled with {_filled(replaced)}",
        )
    return replace(order, terms=replace(order.terms, quantity=rest), awaits_end=False)


def _filled(order: Order) -> Decimal:
    """What was filled: all of it where the broker said so, though it may have told the quantity of no fill yet."""
    if order.state is OrderState.FILLED:
        return max(order.filled, Decimal(order.terms.quantity))
    return order.filled
