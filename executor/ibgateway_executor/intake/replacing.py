"""`POST /v1/orders/{id}/replace`: what is to be different, and the order that comes of it. Pure but for the key's order."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.combinations import price_problems
from ibgateway_executor.intake.schema import Moment, Price, Quantity, canonical
from ibgateway_executor.orders.market_hours import default_validity
from ibgateway_executor.orders.order import Order, OrderState, OrderTerms


class OrderReplacementBody(BaseModel):
    """What the new order has otherwise than the one it replaces; everything else stays."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    quantity: Quantity | None = None
    """The whole quantity that is wanted, with what the replaced order has filled."""
    limit_price: Price | None = None
    """Text, in the contract's currency."""
    stop_price: Price | None = None
    """Text, in the contract's currency."""
    valid_until: Moment | None = None
    """Last moment at which the new order may be sent; default: the end of its market's session."""
    client_reference: Annotated[
        str | None, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = None
    """Your own text for the new order."""

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError(
                "say what is to be different: quantity, limitPrice, stopPrice, validUntil"
            )
        return self

    def fingerprint(self, order_uid: str) -> str:
        """The same for requests that mean the same."""
        said = self.model_dump(by_alias=True, exclude_none=True)
        document = json.dumps(said, sort_keys=True, default=canonical)
        return f"2:{hashlib.sha256(f'{order_uid}:{document}'.encode()).hexdigest()}"

    def terms(self, old: OrderTerms) -> OrderTerms:
        """The new order's terms, with the whole quantity."""
        return replace(
            old,
            quantity=self.quantity or old.quantity,
            limit_price=self.limit_price or old.limit_price,
            stop_price=self.stop_price or old.stop_price,
        )

    def order(self, old: Order, order_uid: str, now: datetime) -> Order:
        """The new order, which waits for the end of the old one."""
        by_default = self.valid_until is None and (old.valid_by_default or old.valid_until <= now)
        usual = default_validity(now) if old.valid_until <= now else old.valid_until
        reference = self.client_reference
        return Order(
            id=order_uid,
            sequence=0,
            terms=self.terms(old.terms),
            accepted_at=now,
            valid_until=self.valid_until or usual,
            valid_by_default=by_default,
            not_before=old.not_before,
            market_closed=old.market_closed,
            priority=old.priority,
            client_reference=old.client_reference if reference is None else reference,
            replaces=old.id,
            awaits_end=True,
        )


def replacement_refusal(old: Order, body: OrderReplacementBody) -> OrderRefusedError | None:
    """Why the order can't be replaced like this."""
    terms = body.terms(old.terms)
    problems = list(price_problems(terms.order_type, terms.limit_price, terms.stop_price))
    if problems:
        return OrderRefusedError(422, "InvalidRequest", "; ".join(problems))
    if old.rebalance and not old.terminal:
        text = (
            f"it is an order of rebalance {old.rebalance}, which would not know the new one: cancel the rebalance with "
            f"DELETE /v1/rebalances/{old.rebalance}, then place orders of your own"
        )
    elif old.replaced_by:
        text = f"order {old.replaced_by} replaces it already: replace that one"
    elif old.awaits_end and not old.terminal:
        text = f"it waits for the end of order {old.replaces}: wait until it is sent, or cancel it first"
    elif old.terminal:
        text = f"the order is {old.state} already: place a new one"
    elif old.state is OrderState.UNKNOWN:
        text = f"the order's fate is not known, so nothing may take its place: {old.message}"
    elif old.cancel_requested:
        text = "the order is being cancelled: wait for its end, then place a new one"
    else:
        return None
    return OrderRefusedError(409, "CannotReplace", text)
