"""The HTTP documents of `/v1/orders`, in IBKR's words, and their translation. Pure.

An unknown field is an error: a misspelt `limitPrice` must not become a market order.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.functional_validators import AfterValidator, BeforeValidator

from ibgateway_api.executor_spec import MarketClosedAction
from ibgateway_executor.intake.combinations import price_problems, time_problems
from ibgateway_executor.orders.history import HistoryLine
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderTerms,
    OrderType,
    Priority,
    Side,
    TimeInForce,
)

LARGEST_QUANTITY: Final = 10_000_000
LARGEST_CON_ID: Final = 2**31 - 1
_MONEY: Final = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?")
_WHOLE: Final = re.compile(r"(0|[1-9][0-9]{0,9})")
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _integer(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return None


def _whole(value: object) -> int:
    number = _integer(value)
    if number is None:
        raise ValueError('write whole shares, such as 10 or "10": the API takes no fractions')
    return number


def _number(value: object) -> int:
    number = _integer(value)
    if number is None:
        raise ValueError("write IBKR's contract number, such as 265598")
    return number


def _money(value: object) -> object:
    if isinstance(value, str) and _MONEY.fullmatch(value) and Decimal(value) > 0:
        return Decimal(value)
    raise ValueError('write a price above 0 as text, such as "190.25": numbers lose digits')


def _rfc_3339(value: object) -> object:
    if value is None or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError('write a time with its zone, such as "2026-11-23T16:00:00-05:00"')


def _on_the_calendar(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("write a time between the years 1 and 9999 in UTC") from error
    return value


Quantity = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=LARGEST_QUANTITY)]
ConId = Annotated[int, BeforeValidator(_number), Field(ge=0, le=LARGEST_CON_ID)]
Price = Annotated[Decimal, BeforeValidator(_money)]
Moment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_on_the_calendar)]


class ClientBody(BaseModel):
    """A document in which every field is one that we know."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, use_attribute_docstrings=True
    )


class ContractBody(ClientBody):
    """A contract by `conId`, or by symbol."""

    con_id: ConId = 0
    """IBKR's contract number; enough by itself."""
    symbol: str = Field(default="", pattern=r"^([!-~]([ -~]{0,30}[!-~])?)?$")
    """Symbol, such as AAPL."""
    sec_type: Literal[
        "STK", "CASH", "CFD", "CMDTY", "CRYPTO", "FUND", "FUT", "FOP", "OPT", "WAR"
    ] = "STK"
    """STK for stocks and exchange-traded funds; of the others name one by `conId`, as the symbol alone fits many."""
    exchange: str = Field(default="SMART", pattern=r"^[A-Z0-9.]{1,20}$")
    """Where to route."""
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """The contract's currency."""
    primary_exchange: str = Field(default="", pattern=r"^[A-Z0-9.]{0,20}$")
    """Listing exchange: tells contracts of the same symbol apart."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.con_id and not self.symbol:
            raise ValueError("name the contract by conId or by symbol")
        return self


class OrderBody(ClientBody):
    """`POST /v1/orders`."""

    account: str = Field(default="", pattern=r"^([A-Z]{1,3}[0-9]{3,12})?$")
    """Account to trade; may be left out where there is exactly one."""
    contract: ContractBody
    side: Side
    """BUY or SELL."""
    quantity: Quantity
    """Whole shares."""
    order_type: OrderType
    """MKT, LMT, STP, STP LMT; MOC and LOC for the closing auction."""
    limit_price: Price | None = None
    """Text, in the contract's currency; for LMT, STP LMT and LOC only."""
    stop_price: Price | None = None
    """Text, in the contract's currency; for STP and STP LMT only: the order becomes active at this price."""
    time_in_force: TimeInForce = TimeInForce.DAY
    """DAY, GTC or IOC, for the time after the order was sent; OPG makes MKT and LMT orders for the opening auction."""
    outside_regular_hours: bool = Field(default=False, strict=True)
    """Whether it may be sent and executed before and after the regular session too; for LMT and STP LMT only."""
    not_before: Moment | None = None
    """First moment at which it may be sent; it has its place in its lane from then on."""
    valid_until: Moment | None = None
    """Last moment at which it may be sent; default: the end of its market's session."""
    market_closed: MarketClosedAction | None = None
    """wait or reject, while its market is closed or its auction's cut-off is past; default: spec.executor.marketClosed."""
    priority: Priority = Priority.NORMAL
    """high goes before normal; orders for one account and contract keep their order."""
    client_reference: str = Field(default="", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    """Your own text: stored and listed with the order, and `GET /v1/orders?clientReference=` finds it."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        problems = [
            *price_problems(self.order_type, self.limit_price, self.stop_price),
            *time_problems(
                self.order_type,
                self.time_in_force,
                outside_regular_hours=self.outside_regular_hours,
            ),
        ]
        if self.not_before and self.valid_until and self.valid_until <= self.not_before:
            problems.append("validUntil is before notBefore: it could never be sent")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def terms(self, account: str) -> OrderTerms:
        """The order's terms. Beside a `conId` only what the client has said, not our defaults."""
        contract = self.contract
        said = contract.model_fields_set
        defaults = not contract.con_id
        return OrderTerms(
            account=account,
            contract=Contract(
                con_id=contract.con_id,
                symbol=contract.symbol,
                sec_type=contract.sec_type if defaults or "sec_type" in said else "",
                exchange=contract.exchange,
                currency=contract.currency if defaults or "currency" in said else "",
                primary_exchange=contract.primary_exchange,
            ),
            side=self.side,
            quantity=self.quantity,
            order_type=self.order_type,
            limit_price=self.limit_price,
            time_in_force=self.time_in_force,
            stop_price=self.stop_price,
            outside_regular_hours=self.outside_regular_hours,
        )

    def fingerprint(self) -> str:
        """The same for requests that mean the same, however they are written.

        Only what differs from a default is in it, so a field that a later version adds changes none.
        """
        said = self.model_dump(by_alias=True, exclude_defaults=True)
        document = json.dumps(said, sort_keys=True, default=canonical)
        return f"2:{hashlib.sha256(document.encode()).hexdigest()}"

    def earlier_fingerprints(self) -> tuple[str, ...]:
        """What earlier versions have stored for this request; the first knew these fields alone."""
        document = self.model_dump_json(by_alias=True, include=_FIRST_FIELDS)
        return (hashlib.sha256(document.encode()).hexdigest(),)


_FIRST_FIELDS: Final[dict[str, Any]] = {
    "account": True,
    "contract": {"con_id", "symbol", "sec_type", "exchange", "currency", "primary_exchange"},
    "side": True,
    "quantity": True,
    "order_type": True,
    "limit_price": True,
    "time_in_force": True,
    "valid_until": True,
}


def canonical(value: object) -> str:
    """One text for each price and each instant."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


def order_document(order: Order) -> dict[str, Any]:
    """An order as `GET /v1/orders/{id}` shows it; money as text, times in RFC 3339."""
    terms = order.terms
    return {
        "id": order.id,
        "state": order.state.value,
        "reason": str(order.reason),
        "message": order.message,
        "brokerMessage": order.broker_message,
        "resolution": order.resolution or None,
        "note": order.note or None,
        "account": terms.account,
        "contract": contract_document(terms.contract),
        "side": terms.side.value,
        "quantity": terms.quantity,
        "orderType": terms.order_type.value,
        "limitPrice": _text(terms.limit_price),
        "stopPrice": _text(terms.stop_price),
        "timeInForce": terms.time_in_force.value,
        "outsideRegularHours": terms.outside_regular_hours,
        "notBefore": _time(order.not_before),
        "marketClosed": order.market_closed or None,
        "priority": order.priority.value,
        "clientReference": order.client_reference or None,
        "replaces": order.replaces or None,
        "replacedBy": order.replaced_by or None,
        "rebalance": order.rebalance or None,
        "validUntil": order.valid_until.isoformat(),
        "orderRef": order.order_ref,
        "orderId": order.order_id or None,
        "permId": order.perm_id or None,
        "filledQuantity": str(order.filled),
        "averagePrice": _text(order.average_price),
        "cancelRequested": order.cancel_requested,
        "acceptedAt": order.accepted_at.isoformat(),
        "sentAt": _time(order.sent_at),
        "resentAt": _time(order.resent_at),
        "updatedAt": _time(order.updated_at),
    }


def history_document(line: HistoryLine) -> dict[str, Any]:
    """A line of an order's history; `from` is null in the first one."""
    return {
        "number": line.number,
        "at": line.at.isoformat(),
        "from": line.before or None,
        "to": line.state,
        "reason": line.reason,
        "message": line.message,
        "cause": line.cause,
        "evidence": dict(line.evidence),
    }


def contract_document(contract: Contract) -> dict[str, Any]:
    """A contract as far as it is known."""
    return {
        "conId": contract.con_id or None,
        "symbol": contract.symbol,
        "secType": contract.sec_type,
        "exchange": contract.exchange,
        "currency": contract.currency,
        "primaryExchange": contract.primary_exchange,
        "multiplier": contract.multiplier or None,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
