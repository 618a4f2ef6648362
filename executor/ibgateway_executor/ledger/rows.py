"""Orders as rows of the ledger and back. Pure.

Equal values of many orders are one object: a hundred thousand of them may be in memory.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any

from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Priority,
    Side,
    TimeInForce,
)

Row = Mapping[str, Any]


def row_of(order: Order, at: datetime) -> dict[str, Any]:
    """The order's columns, without its sequence, key and request hash."""
    return {
        **_terms_row(order.terms),
        "id": order.id,
        "accepted_at": text(order.accepted_at),
        "valid_until": text(order.valid_until),
        "valid_by_default": order.valid_by_default,
        "state": order.state.value,
        "reason": str(order.reason),
        "message": order.message,
        "order_ref": order.order_ref,
        "client_id": order.client_id,
        "order_id": order.order_id,
        "perm_id": order.perm_id,
        "sent_at": order.sent_at and text(order.sent_at),
        "filled": str(order.filled),
        "average_price": None if order.average_price is None else str(order.average_price),
        "cancel_requested": order.cancel_requested,
        "updated_at": text(at),
        "broker_message": order.broker_message,
        "resolution": order.resolution,
        "note": order.note,
        "not_before": order.not_before and text(order.not_before),
        "market_closed": str(order.market_closed),
        "priority": order.priority.value,
        "client_reference": order.client_reference,
        "replaces": order.replaces,
        "replaced_by": order.replaced_by,
        "awaits_end": order.awaits_end,
        "rebalance": order.rebalance,
        "position_at_sending": None
        if order.position_at_sending is None
        else str(order.position_at_sending),
        "resent_at": order.resent_at and text(order.resent_at),
    }


def _terms_row(terms: OrderTerms) -> dict[str, Any]:
    contract = terms.contract
    return {
        "account": terms.account,
        "con_id": contract.con_id,
        "symbol": contract.symbol,
        "sec_type": contract.sec_type,
        "exchange": contract.exchange,
        "currency": contract.currency,
        "primary_exchange": contract.primary_exchange,
        "side": terms.side.value,
        "quantity": terms.quantity,
        "order_type": terms.order_type.value,
        "limit_price": None if terms.limit_price is None else str(terms.limit_price),
        "time_in_force": terms.time_in_force.value,
        "stop_price": None if terms.stop_price is None else str(terms.stop_price),
        "outside_regular_hours": terms.outside_regular_hours,
        "multiplier": contract.multiplier,
    }


def order_of(row: Row) -> Order:
    """The order of a row."""
    return Order(
        id=row["id"],
        sequence=row["sequence"],
        terms=_terms_of(row),
        accepted_at=instant(row["accepted_at"]),
        valid_until=instant(row["valid_until"]),
        valid_by_default=bool(row["valid_by_default"]),
        state=OrderState(row["state"]),
        reason=intern(row["reason"]),
        message=intern(row["message"]),
        client_id=row["client_id"],
        order_id=row["order_id"],
        perm_id=row["perm_id"],
        sent_at=row["sent_at"] and instant(row["sent_at"]),
        filled=_number(row["filled"]),
        average_price=row["average_price"] and _number(row["average_price"]),
        cancel_requested=bool(row["cancel_requested"]),
        updated_at=instant(row["updated_at"]),
        broker_message=row["broker_message"],
        resolution=row["resolution"],
        note=row["note"],
        not_before=row["not_before"] and instant(row["not_before"]),
        market_closed=intern(row["market_closed"]),
        priority=Priority(row["priority"]),
        client_reference=row["client_reference"],
        replaces=row["replaces"],
        replaced_by=row["replaced_by"],
        awaits_end=bool(row["awaits_end"]),
        rebalance=row["rebalance"],
        position_at_sending=row["position_at_sending"] and _number(row["position_at_sending"]),
        resent_at=row["resent_at"] and instant(row["resent_at"]),
    )


def _terms_of(row: Row) -> OrderTerms:
    return OrderTerms(
        account=intern(row["account"]),
        contract=_contract(
            row["con_id"],
            row["symbol"],
            row["sec_type"],
            row["exchange"],
            row["currency"],
            row["primary_exchange"],
            row["multiplier"],
        ),
        side=Side(row["side"]),
        quantity=row["quantity"],
        order_type=OrderType(row["order_type"]),
        limit_price=row["limit_price"] and _number(row["limit_price"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        stop_price=row["stop_price"] and _number(row["stop_price"]),
        outside_regular_hours=bool(row["outside_regular_hours"]),
    )


def text(at: datetime) -> str:
    """A time as sortable UTC text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=1024)
def instant(value: str) -> datetime:
    """The time of such a text."""
    return datetime.fromisoformat(value)


_number = lru_cache(maxsize=1024)(Decimal)
_contract = lru_cache(maxsize=4096)(Contract)
