"""Why IBKR would refuse an order, pure: an ordered list of small checks."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.accounts import Account, AccountType, totals
from ibgateway_simulator.model.trading.market_rules import MarketRules
from ibgateway_simulator.model.trading.orders import (
    ON_CLOSE,
    ON_OPEN,
    PRICED,
    STOPS,
    BookedOrder,
    OrderAction,
    OrderTicket,
)

KNOWN_TYPES = frozenset({"MKT", "LMT", "MIDPRICE"}) | ON_CLOSE | ON_OPEN | STOPS
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
    """What a check may look at; `auction` is when an order of its kind would be executed, `in_session` whether the regular session runs."""

    ticket: OrderTicket
    account: Account
    prices: Mapping[int, Decimal]
    working: tuple[BookedOrder, ...]
    rules: MarketRules
    now: dt.datetime
    auction: dt.datetime | None = None
    in_session: bool = False

    def same_side(self, *, con_id: int | None = None) -> Iterable[BookedOrder]:
        """The account's other working orders of this side, of one contract or of all."""
        return (
            order
            for order in self.working
            if order.ticket.action is self.ticket.action
            and order.ticket.key != self.ticket.key
            and con_id in (None, order.ticket.con_id)
        )


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
    if not context.ticket.account:
        return plain_refusal(435)
    if context.ticket.account == context.account.id:
        return None
    return OrderRefusal(321, "Error validating request.-'bW' : cause - Invalid account code.")


def _action(context: OrderContext) -> OrderRefusal | None:
    if context.ticket.action is not OrderAction.NEITHER:
        return None
    return OrderRefusal(321, "Error validating request.-'bW' : cause - Invalid order action.")


def _type(context: OrderContext) -> OrderRefusal | None:
    ticket = context.ticket
    auctioned = ticket.tif != "OPG" or ticket.order_type in ("MKT", "LMT")
    if ticket.order_type in KNOWN_TYPES and auctioned:
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
    told = [ticket.limit_price] if ticket.order_type in PRICED else []
    told += [ticket.aux_price] if ticket.order_type in STOPS else []
    if any(price <= 0 for price in told):
        word = "limit" if ticket.order_type in PRICED and ticket.limit_price <= 0 else "stop"
        return OrderRefusal(201, f"Invalid {word} price.")
    if any(price % MIN_TICK for price in told):
        return OrderRefusal(
            110, "The price does not conform to the minimum price variation for this contract."
        )
    return None


def _active(context: OrderContext) -> OrderRefusal | None:
    working = list(context.same_side(con_id=context.ticket.con_id))
    if len(working) < context.rules.active_orders:
        return None
    return OrderRefusal(
        201,
        f"The account has {len(working)} active orders on this side of the contract, "
        f"the most there may be is {context.rules.active_orders}.",
    )


def _cutoff(context: OrderContext) -> OrderRefusal | None:
    if context.auction is None or not context.rules.cutoff_seconds:
        return None
    left = (context.auction - context.now).total_seconds()
    if left > context.rules.cutoff_seconds:
        return None
    return OrderRefusal(201, "The exchange takes no more orders for this auction.")


def _opening(context: OrderContext) -> OrderRefusal | None:
    """IBKR takes on-open orders between a close and the next open; the words are those in the logs of QuantConnect's
    Lean.Brokerages.InteractiveBrokers, issue 204.
    """
    if not (context.ticket.on_open and context.in_session):
        return None
    return OrderRefusal(201, "Exchange is closed.")


def _funds(context: OrderContext) -> OrderRefusal | None:
    ticket, account = context.ticket, context.account
    opening = _opened(context)
    if not opening:
        return None
    price = ticket.limit_price if ticket.order_type in PRICED else context.prices[ticket.con_id]
    reserved = sum(
        (
            order.remaining * context.prices[order.ticket.con_id]
            for order in context.same_side()
            if order.ticket.action is OrderAction.BUY
        ),
        Decimal(0),
    )
    available = totals(account, context.prices)["AvailableFunds"]
    if account.type is AccountType.CASH and not context.rules.unsettled_buys:
        available -= account.unsettled
    if (price * opening + reserved) * account.margin_rate <= available:
        return None
    return OrderRefusal(
        201,
        "We are unable to accept your order. "
        "Your Available Funds are insufficient to cover the change in margin.",
    )


def _opened(context: OrderContext) -> Decimal:
    """How much of the order opens a position that needs funds: all of a purchase in a cash account."""
    ticket, held = context.ticket, context.account.position(context.ticket.con_id).quantity
    if context.account.type is AccountType.CASH:
        return ticket.quantity if ticket.action is OrderAction.BUY else Decimal(0)
    closing = max(Decimal(0), -held * ticket.sign)
    return max(Decimal(0), ticket.quantity - closing)


def _holding(context: OrderContext) -> OrderRefusal | None:
    ticket = context.ticket
    if ticket.action is not OrderAction.SELL or context.account.type is AccountType.MARGIN:
        return None
    selling = sum(
        (order.remaining for order in context.same_side(con_id=ticket.con_id)), Decimal(0)
    )
    if ticket.quantity + selling <= context.account.position(ticket.con_id).quantity:
        return None
    return OrderRefusal(201, "Short sales are not permitted in a cash account.")


CHECKS: tuple[Callable[[OrderContext], OrderRefusal | None], ...] = (
    _account,
    _contract,
    _action,
    _type,
    _whole,
    _tick,
    _active,
    _cutoff,
    _opening,
    _funds,
    _holding,
)
