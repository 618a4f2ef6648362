"""Why IBKR would refuse an order, pure: an ordered list of small checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ibgateway_simulator.model import market
from ibgateway_simulator.model.accounts import Account, totals
from ibgateway_simulator.model.orders import PRICED, BookedOrder, OrderAction, OrderTicket

KNOWN_TYPES = frozenset({"MKT", "LMT", "MOC", "LOC", "MOO", "LOO", "STP", "STP LMT", "MIDPRICE"})
MIN_TICK = Decimal("0.01")

PLAIN_REFUSALS: Mapping[int, str] = {
    100: "Max rate of messages per second has been exceeded.",
    161: "Cancel attempted when order is not in a cancellable state.",
    163: "The following order would exceed the price percentage limit.",
    383: "The following order exceeds the size limit set in TWS Presets.",
    435: "You must specify an account.",
    478: "Parameters in request conflict with contract parameters received by contract id.",
    502: "Couldn't connect to TWS.",
    504: "Not connected",
    10311: "This order will be directly routed. Direct routed orders may result in higher trade fees.",
}
"""Errors that end an order, or a cancel, without a status: `refuse_next` asks for one by its code."""


@dataclass(frozen=True, slots=True)
class OrderRefusal:
    """An error that ends the order; with code 201 the text is IBKR's reason."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class OrderContext:
    """What a check may look at."""

    ticket: OrderTicket
    account: Account
    prices: Mapping[int, Decimal]
    working: tuple[BookedOrder, ...]


def plain_refusal(code: int) -> OrderRefusal | None:
    """The refusal with this code; None for 0."""
    return OrderRefusal(code, PLAIN_REFUSALS.get(code, "Order refused.")) if code else None


def refusal(context: OrderContext) -> OrderRefusal | None:
    """The first reason to refuse the order, or None."""
    for check in CHECKS:
        found = check(context)
        if found is not None:
            return found
    return None


def _contract(context: OrderContext) -> OrderRefusal | None:
    if context.ticket.con_id in market.BY_ID:
        return None
    return OrderRefusal(200, "No security definition has been found for the request")


def _account(context: OrderContext) -> OrderRefusal | None:
    if context.ticket.account == context.account.id:
        return None
    return OrderRefusal(321, "Error validating request.-'bW' : cause - Invalid account code.")


def _type(context: OrderContext) -> OrderRefusal | None:
    if context.ticket.order_type in KNOWN_TYPES:
        return None
    return OrderRefusal(387, "Unsupported order type for this exchange and security type.")


def _whole(context: OrderContext) -> OrderRefusal | None:
    quantity = context.ticket.quantity
    if quantity <= 0:
        return OrderRefusal(321, "Error validating request.-'bW' : cause - Order size is invalid.")
    if quantity != quantity.to_integral_value():
        return OrderRefusal(10243, "Fractional-sized order cannot be placed via API.")
    return None


def _tick(context: OrderContext) -> OrderRefusal | None:
    ticket = context.ticket
    if ticket.order_type not in PRICED:
        return None
    if ticket.limit_price <= 0:
        return OrderRefusal(201, "Invalid limit price.")
    if ticket.limit_price % MIN_TICK:
        return OrderRefusal(
            110, "The price does not conform to the minimum price variation for this contract."
        )
    return None


def _funds(context: OrderContext) -> OrderRefusal | None:
    ticket = context.ticket
    if ticket.action is not OrderAction.BUY:
        return None
    price = ticket.limit_price if ticket.order_type in PRICED else context.prices[ticket.con_id]
    reserved = sum(
        (
            order.remaining * context.prices[order.ticket.con_id]
            for order in context.working
            if order.ticket.action is OrderAction.BUY and order.ticket.key != ticket.key
        ),
        Decimal(0),
    )
    available = totals(context.account, context.prices)["AvailableFunds"] - reserved
    if price * ticket.quantity <= available:
        return None
    return OrderRefusal(
        201,
        "We are unable to accept your order. "
        "Your Available Funds are insufficient to cover the change in margin.",
    )


def _holding(context: OrderContext) -> OrderRefusal | None:
    ticket = context.ticket
    if ticket.action is not OrderAction.SELL:
        return None
    selling = sum(
        (
            order.remaining
            for order in context.working
            if order.ticket.action is OrderAction.SELL
            and order.ticket.con_id == ticket.con_id
            and order.ticket.key != ticket.key
        ),
        Decimal(0),
    )
    if ticket.quantity + selling <= context.account.position(ticket.con_id).quantity:
        return None
    return OrderRefusal(201, "Short sales are not permitted in a cash account.")


CHECKS: tuple[Callable[[OrderContext], OrderRefusal | None], ...] = (
    _account,
    _contract,
    _type,
    _whole,
    _tick,
    _funds,
    _holding,
)
