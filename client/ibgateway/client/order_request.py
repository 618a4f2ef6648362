"""An order as it is asked for. The executor has the last word on it; a misspelt field is refused here already."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Request(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    def document(self) -> dict[str, Any]:
        """What is sent: only what was said."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class ContractRequest(_Request):
    """A contract by its number, or by symbol; what is left out is the executor's default."""

    con_id: int | None = None
    symbol: str | None = None
    sec_type: str | None = None
    exchange: str | None = None
    currency: str | None = None
    primary_exchange: str | None = None


class OrderRequest(_Request):
    """The fields of `POST /v1/orders` (docs/executor.md); prices are sent as text, times need a zone."""

    contract: ContractRequest
    side: str
    quantity: int
    order_type: str
    account: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str | None = None
    outside_regular_hours: bool | None = None
    not_before: datetime | None = None
    market_closed: str | None = None
    priority: str | None = None
    client_reference: str | None = None
    valid_until: datetime | None = None

    @classmethod
    def market(cls, symbol: str, side: str, quantity: int, **more: Any) -> Self:
        """A market order for shares."""
        contract = ContractRequest(symbol=symbol)
        return cls(contract=contract, side=side, quantity=quantity, order_type="MKT", **more)

    @classmethod
    def limit(
        cls, symbol: str, side: str, quantity: int, price: Decimal | str, **more: Any
    ) -> Self:
        """A limit order for shares."""
        return cls(
            contract=ContractRequest(symbol=symbol),
            side=side,
            quantity=quantity,
            order_type="LMT",
            limit_price=Decimal(price),
            **more,
        )
