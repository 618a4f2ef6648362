"""The long messages openOrder (5) and completedOrder (101), pure.

Only the counts and a handful of positions matter to the clients; the rest are the constants a
plain stock order has. Counts: openOrder 135 at server version 178, 136 at 176, 128 at 157;
completedOrder 100 at 177 and above, 101 below, 96 below 170.
"""

from decimal import Decimal

from ibgateway_simulator.model.trading.market import BY_ID
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    OrderStatus,
    OrderTicket,
    WhatIfMessage,
)
from ibgateway_simulator.tws.wire import UNSET_DOUBLE, UNSET_INTEGER, Message

NO_FA_PROFILE = 177
SIZES = 170
MARGINS = 9


def contract(con_id: int) -> Message:
    """conId, symbol, type, expiry, strike, right, multiplier."""
    known = BY_ID[con_id]
    return (con_id, known.symbol, "STK", "", "0", "?", "")


def routed(con_id: int, exchange: str) -> Message:
    """exchange, currency, local symbol, trading class."""
    known = BY_ID[con_id]
    return (exchange, known.currency, known.symbol, _trading_class(con_id))


def _trading_class(con_id: int) -> str:
    known = BY_ID[con_id]
    return "NMS" if known.primary == "NASDAQ" else known.symbol


def open_order(order: BookedOrder, version: int, what_if: WhatIfMessage | None = None) -> Message:
    """openOrder; with `what_if` the answer to a what-if."""
    ticket = order.ticket
    status = order.status if what_if is None else OrderStatus.PRE_SUBMITTED
    return (
        *(5, ticket.order_id, *contract(ticket.con_id), *routed(ticket.con_id, ticket.exchange)),
        *_terms(ticket),
        *(ticket.client_id, order.perm_id, ticket.outside_rth, "0", "0", ""),
        f"{order.perm_id}.0/{ticket.account}/100",
        *_advisor(version),
        *("", "", "", "", "", "0", "", "-1", "0"),
        *("", "", "", "", "", UNSET_INTEGER, "0", "0", "0", "", "3", "0", "0", ""),
        *("0", "0", "", "0", "None", "", "0", "", "", "", "?", "0", "0", ""),
        *("0", "0", "", "", "", "", "", "0", "0", "0"),
        *("", "", "", "", "0", "", "IB", "0", "0", "", "0", what_if is not None, status),
        *_state(order, what_if),
        *("0", "0", "0", "None", *[UNSET_DOUBLE] * 6, "0"),
        *("", "", "", "0", "1", "0", "0", "0"),
        *_tail(version),
    )


def completed_order(order: BookedOrder, version: int) -> Message:
    """completedOrder: no order id and no client id."""
    ticket = order.ticket
    at = order.completed or order.placed
    shares = f"Filled Size: {order.filled}" if order.filled else order.reason or order.status
    return (
        *(101, *contract(ticket.con_id), *routed(ticket.con_id, ticket.exchange)),
        *_terms(ticket),
        *(order.perm_id, ticket.outside_rth, "0", "0", ""),
        *_advisor(version),
        *("", "", "", "", "", "0", "", "-1"),
        *("", "", "", "", "", UNSET_INTEGER, "0", "0", "", "3", "0"),
        *("", "0", "None", "", "0", "0", "0", ""),
        *("0", "0", "", "", ""),
        *("0", "0", "0", "", "", "", "", "", "IB", "0", "0", ""),
        *("0", order.status, "0", "0", "0"),
        *(UNSET_DOUBLE, UNSET_DOUBLE, "0", "1", "0", "", order.filled, "0", "0", "", "0", "0"),
        *(str(2**63 - 1), f"{at:%Y%m%d-%H:%M:%S}", shares),
        *_sizes(version),
    )


def _terms(ticket: OrderTicket) -> Message:
    return (
        *(
            ticket.action,
            ticket.quantity,
            ticket.order_type,
            ticket.limit_price,
            ticket.aux_price,
            ticket.tif,
        ),
        *("", ticket.account, "", "0", ticket.order_ref),
    )


def _advisor(version: int) -> Message:
    return ("", "", "") if version >= NO_FA_PROFILE else ("", "", "", "")


def _state(order: BookedOrder, what_if: WhatIfMessage | None) -> Message:
    if what_if is None:
        fee = str(order.commission) if order.commission else UNSET_DOUBLE
        currency = "USD" if order.commission else ""
        return (*[UNSET_DOUBLE] * MARGINS, fee, UNSET_DOUBLE, UNSET_DOUBLE, currency, "")
    if what_if.margin is None:
        return (*[UNSET_DOUBLE] * MARGINS, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, "", "")
    margins = _margins(what_if.margin, what_if.equity)
    return (*margins, order.commission, UNSET_DOUBLE, UNSET_DOUBLE, "USD", "")


def _margins(margin: Decimal, equity: Decimal) -> Message:
    zero = Decimal(0)
    return (zero, zero, equity, margin, margin, zero, margin, margin, equity)


def _tail(version: int) -> Message:
    since = ((158, ""), (160, ""), (162, "0"))
    return (*(value for at, value in since if version >= at), *_sizes(version))


def _sizes(version: int) -> Message:
    return ("", "", "", "", "") if version >= SIZES else ()
