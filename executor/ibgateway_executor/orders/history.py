"""What became of an order or a rebalance, line by line, and who or what moved it on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.order import Order


class ChangeCause(StrEnum):
    """Who or what changed an order or a rebalance. `RESTART`: the executor ended in the middle. `UPGRADE`: it was there before lines were kept."""

    CLIENT = "client"
    EXECUTOR = "executor"
    BROKER = "broker"
    PERSON = "person"
    RESTART = "restart"
    UPGRADE = "upgrade"


@dataclass(frozen=True)
class HistoryLine:
    """One change: `number` counts the lines of its order or rebalance from 1, `before` is empty in the first one.

    `evidence` has what else changed and the report behind it, in the API's names; quantities and prices as text.
    """

    number: int
    at: datetime
    before: str
    state: str
    reason: str
    message: str
    cause: str
    evidence: Mapping[str, Any]


class LineSubject(StrEnum):
    """What a line is about."""

    ORDER = "order"
    REBALANCE = "rebalance"


class LedgerLine(NamedTuple):
    """A line among those of all orders and rebalances: `position` only grows, `uid` is whose it is."""

    position: int
    subject: LineSubject
    uid: str
    line: HistoryLine


_CHANGES: Final = {
    "order_id": "orderId",
    "perm_id": "permId",
    "filled": "filledQuantity",
    "average_price": "averagePrice",
    "cancel_requested": "cancelRequested",
    "broker_message": "brokerMessage",
    "resolution": "resolution",
    "note": "note",
    "replaced_by": "replacedBy",
    "position_at_sending": "positionAtSending",
    "resent_at": "resentAt",
}
_REPORTED: Final = {
    "status": "status",
    "exec_id": "execId",
    "code": "code",
    "text": "text",
    "order_ref": "orderRef",
}


def evidence(
    before: Order,
    after: Order,
    event: OrderEvent | None = None,
    proofs: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """What changed beside state and reason, and what the broker told; None where the history has no line of it.

    It has none of a completed contract, nor of our own words that changed alone. `proofs` are what was known when it was
    decided whether the order may be sent again: that always is a line.
    """
    changed = _changed(before, after)
    if proofs is not None:
        return changed | {"resend": dict(proofs)}
    if not changed and (before.state, before.reason) == (after.state, after.reason):
        return None
    return changed if event is None else changed | _report(event)


def _changed(before: Order, after: Order) -> dict[str, Any]:
    return {
        name: _plain(getattr(after, field))
        for field, name in _CHANGES.items()
        if getattr(after, field) != getattr(before, field)
    }


def _report(event: OrderEvent) -> dict[str, Any]:
    told = {name: getattr(event, field, None) for field, name in _REPORTED.items()}
    return {"report": type(event).__name__} | {name: word for name, word in told.items() if word}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
