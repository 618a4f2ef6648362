"""An order as it is asked for on a command line, and the key that it is known by. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ibgateway.client import ContractRequest, OrderRequest
from ibgateway_cli.errors import ExitCode, PluginError


@dataclass(frozen=True)
class OrderOptions:
    """What stands on the command line; None and False are what was not said."""

    symbol: str
    quantity: int
    limit: str | None = None
    stop: str | None = None
    tif: str | None = None
    on_close: bool = False
    account: str | None = None
    conid: int | None = None
    exchange: str | None = None
    primary_exchange: str | None = None
    currency: str | None = None
    valid_until: str | None = None
    not_before: str | None = None
    outside_hours: bool = False
    reference: str | None = None


_PRICE: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_SHARES: Final = re.compile(r"[1-9][0-9]{0,8}")


def shares(text: str) -> int:
    """Whole shares, in digits and nothing else: Python's int takes 1_0 too. Raises ValueError."""
    if not _SHARES.fullmatch(text):
        raise ValueError(text)
    return int(text)


def order_request(side: str, options: OrderOptions) -> OrderRequest:
    """The order, with what was said alone. Raises PluginError."""
    contract = {
        "con_id": options.conid,
        "symbol": options.symbol,
        "exchange": options.exchange,
        "primary_exchange": options.primary_exchange,
        "currency": options.currency,
    }
    said = {
        "account": options.account,
        "limit_price": _price("--limit", options.limit),
        "stop_price": _price("--stop", options.stop),
        "time_in_force": options.tif.upper() if options.tif else None,
        "outside_regular_hours": options.outside_hours or None,
        "not_before": _moment("--not-before", options.not_before),
        "valid_until": _moment("--valid-until", options.valid_until),
        "client_reference": options.reference,
    }
    return OrderRequest(
        contract=ContractRequest(**_given(contract)),
        side=side,
        quantity=options.quantity,
        order_type=_order_type(options),
        **_given(said),
    )


def new_key(now: datetime, drawn: str) -> str:
    """With the day in it, so that an order of a lost ledger is not taken for a new one by a later repetition."""
    return f"kubectl-{now:%Y-%m-%d}-{drawn}"


def in_words(request: OrderRequest) -> str:
    """`BUY 10 AAPL, LMT 190.25, DAY`."""
    contract = request.contract
    name = contract.symbol or ""
    number = f"conId {contract.con_id}" if contract.con_id else ""
    where = [contract.exchange or "", contract.primary_exchange or "", contract.currency or ""]
    words = [request.side, f"{request.quantity:,}", name, number, *where]
    parts = [" ".join(word for word in words if word), _terms(request)]
    parts.append(request.time_in_force or "DAY")
    if request.outside_regular_hours:
        parts.append("outside regular hours too")
    if request.not_before:
        parts.append(f"not before {request.not_before.isoformat()}")
    if request.valid_until:
        parts.append(f"valid until {request.valid_until.isoformat()}")
    return ", ".join(parts)


def account_in_words(named: str | None, known: Sequence[str]) -> str:
    """The account that an order is for, as far as it is known here."""
    if named:
        return f"account {named}"
    return f"account {known[0]}" if len(known) == 1 else "the only account"


def _terms(request: OrderRequest) -> str:
    prices = []
    if request.stop_price is not None:
        prices.append(f"{request.stop_price:f}")
    if request.limit_price is not None:
        prices.append(f"limit {request.limit_price:f}" if prices else f"{request.limit_price:f}")
    return " ".join([request.order_type, *prices])


def _order_type(options: OrderOptions) -> str:
    if options.on_close:
        return "MOC" if options.limit is None else "LOC"
    if options.stop is not None:
        return "STP" if options.limit is None else "STP LMT"
    return "MKT" if options.limit is None else "LMT"


def _price(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    price = Decimal(text) if _PRICE.fullmatch(text) else Decimal(0)
    if price <= 0:
        raise PluginError(
            f"{option} {text} is no price",
            "write it like 190.25",
            ExitCode.USAGE,
        )
    return price


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise PluginError(
            f"{option} {text} is no time with a zone",
            "write it like 2026-11-23T16:00:00-05:00, or with a Z for UTC",
            ExitCode.USAGE,
        )
    return at


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
