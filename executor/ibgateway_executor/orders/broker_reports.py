"""The broker's reports about orders, and what they make of an order. Pure.

The library's own order status is not used: it turns notices into `Cancelled` (10349) or
`ValidationError` (399). Only orderStatus, openOrder, completedOrder, executions and the errors named
here change an order, and never backwards: quantities grow, and a terminal state stays unless a fill
crossed it. Error codes: https://ibkrcampus.com/campus/ibkr-api-page/tws-api-error-codes/
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from ibgateway_executor.orders.order import MOVES, Order, OrderReason, OrderState, move
from ibgateway_executor.orders.restored import adopt


@dataclass(frozen=True)
class OrderStatusReport:
    """openOrder, completedOrder or orderStatus. `order_ref` is empty where the message has none.

    completedOrder carries no order id and no client id: both 0. `filled` None where the message has none.
    `ended`: of the list of orders that have ended, with the broker's `text` about the end. `con_id` is None, and `account` empty,
    where the message does not say of what it is.
    """

    order_id: int
    client_id: int
    perm_id: int
    status: str
    order_ref: str = ""
    filled: Decimal | None = None
    average_price: Decimal | None = None
    ended: bool = False
    text: str = ""
    account: str = ""
    con_id: int | None = None


@dataclass(frozen=True)
class FillReport:
    """execDetails: one fill with the order's cumulative quantity and average price."""

    order_id: int
    client_id: int
    perm_id: int
    order_ref: str
    exec_id: str
    cumulative: Decimal
    average_price: Decimal


@dataclass(frozen=True)
class OrderError:
    """An error or notice with an order id; `client_id` is ours."""

    order_id: int
    client_id: int
    code: int
    text: str


OrderEvent = OrderStatusReport | FillReport | OrderError

REJECTED: Final = 201
CANCELLED: Final = 202
REFUSALS: Final = frozenset(
    {110, 111, 163, 200, 203, 321, 383, 387, 434, 435, 460, 478}
    | {10242, 10243, 10244, 10311, 10318}
)
"""A new order was not taken: bad price, size, field, account, contract or permission, a precaution of
the gateway's own settings (163, 383, 10311), or a read-only API. The gateway checks before it books."""
AMBIGUOUS: Final = frozenset({100, 103, 104, 105, 502, 504})
"""Says nothing about this order's fate: ask. 100 (too many messages), 502 and 504 (not connected) are about
the connection, and with "reject messages" off the gateway delays instead. Every other code (399 market closed, 404 locating shares,
10147 and 10148 cancel crossed, 10349 preset time in force) is a notice: the order stays as it is."""

SHORTEST_REF: Final = 12
"""An orderRef that comes back cut off is known as ours with so many characters of it, and by its ids."""
_ENDED: Final = frozenset({"Cancelled", "ApiCancelled"})
_INACTIVE: Final = "Inactive"
_AWAITED: Final = frozenset({OrderState.SENDING, OrderState.UNKNOWN, OrderState.UNVERIFIED})


def concerns(order: Order, event: OrderEvent) -> bool:
    """Whether the event is about this order: by orderRef where the message has one, else by ids.

    An order that this ledger never sent is known by its orderRef too: the ledger may be a copy.
    """
    if not isinstance(event, OrderError) and event.order_ref:
        return event.order_ref == order.order_ref or _shortened(order, event)
    if not isinstance(event, OrderError) and order.perm_id and event.perm_id:
        return event.perm_id == order.perm_id
    if not order.order_id:
        return False
    return (event.client_id, event.order_id) == (order.client_id, order.order_id)


def _shortened(order: Order, event: OrderStatusReport | FillReport) -> bool:
    """Whether the orderRef came back cut off, of an order that the ids say is this one."""
    told = event.order_ref
    if len(told) < SHORTEST_REF or not order.order_ref.startswith(told):
        return False
    if order.perm_id and event.perm_id:
        return order.perm_id == event.perm_id
    ids = (event.client_id, event.order_id)
    return bool(order.order_id) and ids == (order.client_id, order.order_id)


def ended(event: OrderEvent) -> bool:
    """Whether the broker says by this report alone that the order has ended."""
    if not isinstance(event, OrderStatusReport):
        return False
    return event.status in _ENDED | {"Filled"} or (event.status == _INACTIVE and event.ended)


def apply(order: Order, event: OrderEvent) -> Order:
    """The order after the event; unchanged where it says nothing new."""
    if isinstance(event, OrderError):
        return _after_error(order, event)
    if order.never_sent:
        order = adopt(order, client_id=event.client_id, order_id=event.order_id)
    elif order.reason == OrderReason.RESOLVED and event.perm_id:
        order = replace(order, state=OrderState.UNKNOWN, reason=OrderReason.AMBIGUOUS_ANSWER)
    if order.perm_id and event.perm_id not in (0, order.perm_id):
        return replace(order, broker_message=_second(event))
    if isinstance(event, FillReport):
        return _after_fill(order, event)
    return _after_status(order, event)


def _second(event: OrderStatusReport | FillReport) -> str:
    """IBKR can make a second order of one that is changed while the link is away; we change none."""
    what = event.status if isinstance(event, OrderStatusReport) else f"{event.cumulative} filled"
    return (
        f"IBKR shows a second order with this orderRef: permanent id {event.perm_id}, {what}. Look at it in "
        "IBKR's own screens: nothing of it is counted here"
    )


def _after_status(order: Order, event: OrderStatusReport) -> Order:
    after = _with_quantity(order, event.filled, event.average_price)
    after = replace(after, perm_id=order.perm_id or event.perm_id)
    if event.status == "Filled":
        return _step(after, OrderState.FILLED)
    if event.status in _ENDED:
        return _step(after, OrderState.CANCELLED, *_cancel_reason(order, event.text))
    if event.status == _INACTIVE and event.ended:
        text = event.text or order.broker_message or "the broker ended it as Inactive"
        return _step(after, OrderState.REJECTED, OrderReason.REJECTED_BY_BROKER, text)
    note = "the broker holds the order as Inactive" if event.status == _INACTIVE else ""
    return _acknowledged(after, note)


def _after_fill(order: Order, event: FillReport) -> Order:
    after = _with_quantity(order, event.cumulative, event.average_price)
    after = replace(after, perm_id=order.perm_id or event.perm_id)
    if after.filled >= order.terms.quantity:
        return _step(after, OrderState.FILLED)
    return _acknowledged(after)


def _after_error(order: Order, event: OrderError) -> Order:
    text = f"{event.code}: {event.text}"
    if order.terminal:
        return order
    order = replace(order, broker_message=text)
    if event.code == CANCELLED:
        return _step(order, OrderState.CANCELLED, *_cancel_reason(order, event.text))
    if event.code == REJECTED:
        return _step(order, OrderState.REJECTED, OrderReason.REJECTED_BY_BROKER, text)
    if event.code in REFUSALS and not order.perm_id:
        return _step(order, OrderState.REJECTED, OrderReason.REJECTED_BY_BROKER, text)
    if event.code in AMBIGUOUS and order.state is OrderState.SENDING and not order.perm_id:
        return _step(order, OrderState.UNKNOWN, OrderReason.AMBIGUOUS_ANSWER, text)
    return order if order.state is OrderState.UNKNOWN else replace(order, message=text)


def _acknowledged(order: Order, note: str = "") -> Order:
    """Working once the broker has given its permanent id; Inactive alone may become active again."""
    if order.state in _AWAITED and order.perm_id:
        return _step(order, OrderState.WORKING, "", note)
    return replace(order, message=note) if note and order.state is OrderState.WORKING else order


def _cancel_reason(order: Order, text: str = "") -> tuple[str, str]:
    if order.cancel_requested:
        return OrderReason.CANCELLED_BY_CLIENT, "cancelled at the client's request"
    return OrderReason.CANCELLED_BY_BROKER, text or order.message or "the broker cancelled it"


def _with_quantity(order: Order, filled: Decimal | None, average: Decimal | None) -> Order:
    if filled is None or filled <= order.filled:
        return order
    return replace(order, filled=filled, average_price=average)


def _step(order: Order, state: OrderState, reason: str = "", message: str = "") -> Order:
    """Move where allowed; the broker repeats reports, and they cross."""
    if state is order.state or state not in MOVES[order.state]:
        return order
    return move(order, state, reason=reason, message=message)
