"""Whether an order can fill against a quote, at which price, and what IBKR charges: pure."""

from decimal import Decimal

from ibgateway_simulator.model.trading.market import Quote
from ibgateway_simulator.model.trading.market_rules import MarketRules
from ibgateway_simulator.model.trading.orders import PRICED, BookedOrder, OrderAction, OrderTicket

AT_MARKET = frozenset({"MKT", "MIDPRICE"})


def marketable(order: BookedOrder, quote: Quote) -> bool:
    """Whether the order fills now; stops that were not met and orders of an auction wait."""
    if order.auction is not None:
        return False
    if order.acting_type in AT_MARKET:
        return True
    return order.acting_type == "LMT" and within_limit(order.ticket, quote.ask, quote.bid)


def within_limit(ticket: OrderTicket, ask: Decimal, bid: Decimal) -> bool:
    """Whether the limit allows to buy at `ask`, or to sell at `bid`."""
    buying = ticket.action is OrderAction.BUY
    return ticket.limit_price >= ask if buying else ticket.limit_price <= bid


def triggered(ticket: OrderTicket, quote: Quote) -> bool:
    """Whether the last price has come to a stop: from below for a purchase, from above for a sale."""
    buying = ticket.action is OrderAction.BUY
    return quote.last >= ticket.aux_price if buying else quote.last <= ticket.aux_price


def fill_price(order: BookedOrder, quote: Quote, rules: MarketRules) -> Decimal:
    """The market's side for the order, worse by the slippage at the market; else its limit at worst."""
    ticket = order.ticket
    if order.ticket.order_type in PRICED and not marketable(order, quote):
        return ticket.limit_price
    slippage = rules.slippage if order.acting_type in AT_MARKET else Decimal(0)
    return (quote.ask if ticket.action is OrderAction.BUY else quote.bid) + slippage * ticket.sign


def commission(quantity: Decimal, rules: MarketRules) -> Decimal:
    """What a fill of this size costs."""
    return max(rules.least_commission, quantity * rules.commission_per_share)
