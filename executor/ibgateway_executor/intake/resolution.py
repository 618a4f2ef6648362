"""A person's word about an order in doubt: the body of `POST /v1/orders/{id}/resolve`, and its answer."""

import logging
from functools import partial
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.order import UNCERTAIN, Order, OrderState
from ibgateway_executor.orders.resolution import Resolution, resolve

logger = logging.getLogger(__name__)

Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^[^\x00]*$"),
]


class ResolutionBody(BaseModel):
    """What a person found, and how they know it."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    outcome: Resolution
    note: Note
    filled_quantity: Annotated[int, Field(strict=True, ge=0)] | None = None
    """Shares that were executed, for `found`."""

    @model_validator(mode="after")
    def _filled_belongs_to_found(self) -> Self:
        if (self.filled_quantity is None) == (self.outcome is Resolution.FOUND):
            raise ValueError(
                "filledQuantity belongs to the outcome found: the shares that were executed, 0 for none"
            )
        return self


async def resolved(ledger: Ledger, order: Order, body: ResolutionBody) -> Order:
    """The order as the person resolved it; OrderRefusedError where there is nothing to resolve."""
    filled = body.filled_quantity or 0
    if filled > order.terms.quantity:
        raise OrderRefusedError(
            422, "InvalidRequest", f"filledQuantity: the order has {order.terms.quantity} shares"
        )
    step = partial(resolve, resolution=body.outcome, note=body.note, filled=filled)
    after = await ledger.advance(order.id, step, ChangeCause.PERSON)
    if after.resolution != order.resolution:
        logger.warning("order %s: a person resolved it as %s", order.id, body.outcome)
    if after.resolution != body.outcome:
        raise OrderRefusedError(409, "CannotResolve", _why_not(after))
    return after


def _why_not(order: Order) -> str:
    if order.state in UNCERTAIN:
        return f"the broker has reported {order.filled} filled: use found or giveUp"
    if order.resolution:
        return f"the order is {order.state}; a person has resolved it as {order.resolution}"
    if order.state is OrderState.SENDING:
        return "the broker is about to acknowledge it: ask for the order again in a few seconds"
    return (
        f"the order is {order.state} and its fate is not in doubt: there is nothing to resolve. "
        "DELETE cancels an order that has not ended"
    )
