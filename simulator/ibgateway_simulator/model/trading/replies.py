"""What IBKR tells about an order, in its words and its sequence: pure."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.hours import TIME_ZONE_ID
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    CommissionReportMessage,
    ErrorMessage,
    ExecDetailsMessage,
    Execution,
    OpenOrderMessage,
    OrderMessage,
    OrderStatusMessage,
    OrderTicket,
)

EXPIRED = "expired"


def not_found(ticket: OrderTicket) -> list[OrderMessage]:
    """The order that is to be cancelled is not there."""
    text = f"OrderId {ticket.order_id} that needs to be cancelled is not found."
    return [ErrorMessage(ticket, 10147, text)]


def not_cancellable(order: BookedOrder) -> list[OrderMessage]:
    """The order that is to be cancelled has ended."""
    text = f"OrderId {order.ticket.order_id} that needs to be cancelled cannot be cancelled, "
    return [ErrorMessage(order.ticket, 10148, f"{text}state: {order.status}.")]


def cancelled(order: BookedOrder) -> list[OrderMessage]:
    """The order has ended; one that expired ends without a word."""
    status: list[OrderMessage] = [OrderStatusMessage(order)]
    if order.reason == EXPIRED:
        return status
    return [*status, ErrorMessage(order.ticket, 202, f"Order Canceled - reason:{order.reason}")]


def rejected(order: BookedOrder, *, error_first: bool) -> list[OrderMessage]:
    """201 and its Inactive status, in either sequence."""
    error = ErrorMessage(order.ticket, 201, f"Order rejected - reason:{order.reason}")
    status = OpenOrderMessage(order)
    return [error, status] if error_first else [status, error]


def closed(order: BookedOrder, opens: dt.datetime) -> list[OrderMessage]:
    """The order is kept until the market opens."""
    ticket = order.ticket
    text = (
        f"Order Message:\n{ticket.action} {ticket.quantity} {ticket.symbol} "
        f"{market.BY_ID[ticket.con_id].primary}\n"
        "Warning: your order will not be placed at the exchange until "
        f"{opens:%Y-%m-%d %H:%M:%S} {TIME_ZONE_ID}"
    )
    return [OpenOrderMessage(order), ErrorMessage(ticket, 399, text)]


def filled(order: BookedOrder, execution: Execution) -> list[OrderMessage]:
    """A fill: its details, the order without and with its commission, the commission."""
    return [
        ExecDetailsMessage(execution),
        OpenOrderMessage(replace(order, commission=Decimal(0))),
        OpenOrderMessage(order),
        CommissionReportMessage(execution),
    ]
