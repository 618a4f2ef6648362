"""Whether an order can fill against a quote, at which price, and what IBKR charges: pure."""

from decimal import Decimal

from ibgateway_simulator.model.market import Quote
from ibgateway_simulator.model.orders import PRICED, OrderAction, OrderTicket

COMMISSION_PER_SHARE = Decimal("0.005")
LEAST_COMMISSION = Decimal("1.00")


def marketable(ticket: OrderTicket, quote: Quote) -> bool:
    """Whether the order fills at once; types other than MKT, MIDPRICE and LMT wait."""
    if ticket.order_type in ("MKT", "MIDPRICE"):
        return True
    if ticket.order_type == "LMT":
        buying = ticket.action is OrderAction.BUY
        return ticket.limit_price >= quote.ask if buying else ticket.limit_price <= quote.bid
    return False


def fill_price(ticket: OrderTicket, quote: Quote) -> Decimal:
    """The market's side for the order, or its limit while the market is not there yet."""
    if ticket.order_type in PRICED and not marketable(ticket, quote):
        return ticket.limit_price
    return quote.ask if ticket.action is OrderAction.BUY else quote.bid


def commission(quantity: Decimal) -> Decimal:
    """What a fill of this size costs."""
    return max(LEAST_COMMISSION, quantity * COMMISSION_PER_SHARE)
