"""What a person says about an order whose fate is in doubt. Pure.

It ends the doubt and frees the lane; nothing is sent. The broker's word still outranks it.
"""

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import UNCERTAIN, Order, OrderReason, OrderState


class Resolution(StrEnum):
    """What a person found."""

    FOUND = "found"
    NOT_AT_BROKER = "notAtBroker"
    GIVE_UP = "giveUp"


def resolve(order: Order, resolution: Resolution, *, note: str, filled: int = 0) -> Order:
    """The order as a person resolved it; the same word a second time changes nothing.

    `filled` shares were executed, for `FOUND`. IllegalMoveError where the fate is not in doubt, and where
    the person says that the broker never had what it reported fills of.
    """
    if order.resolution == resolution:
        return order
    if order.state not in UNCERTAIN:
        raise IllegalMoveError(f"order {order.id} is {order.state}: its fate is not in doubt")
    if resolution is Resolution.NOT_AT_BROKER and order.filled:
        raise IllegalMoveError(f"order {order.id} was at the broker: {order.filled} filled")
    return replace(
        order,
        state=_state(order, resolution, filled),
        filled=max(order.filled, Decimal(filled)),
        reason=OrderReason.RESOLVED,
        message=_MESSAGES[resolution],
        resolution=resolution.value,
        note=note,
    )


def fate_told(before: Order, after: Order) -> bool:
    """Whether something has become known of an order in doubt: by the broker, by a person, or that nobody will tell."""
    doubt = before.state, before.resolution
    return before.state in UNCERTAIN and (after.state, after.resolution) != doubt


def _state(order: Order, resolution: Resolution, filled: int) -> OrderState:
    if resolution is Resolution.GIVE_UP:
        return OrderState.UNVERIFIED
    whole = resolution is Resolution.FOUND and filled >= order.terms.quantity
    return OrderState.FILLED if whole else OrderState.CANCELLED


_MESSAGES = {
    Resolution.FOUND: "a person found it at the broker, and that it has ended there",
    Resolution.NOT_AT_BROKER: "a person found that the broker never had it",
    Resolution.GIVE_UP: "a person gave it up: what became of it is not known",
}
