"""The parts of the messages about contracts, orders and executions, pure."""

from decimal import Decimal
from typing import Any

from ibgateway_simulator.model.trading.hours import EASTERN, TIME_ZONE_ID
from ibgateway_simulator.model.trading.market import BY_ID
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    Execution,
    OrderAction,
    OrderStatus,
    OrderTicket,
    WhatIfMessage,
)
from ibgateway_simulator.tws.protobuf.schema import make
from ibgateway_simulator.tws.wire import text

OCA_REDUCE = 3
"""What IBKR gives an order that is in no group."""
REMOVED_LIQUIDITY = 2


def contract(con_id: int, exchange: str = "") -> Any:
    """Contract; with an exchange where it is routed to, else with its primary one."""
    known = BY_ID[con_id]
    return make(
        "Contract",
        conId=con_id,
        symbol=known.symbol,
        secType="STK",
        exchange=exchange or None,
        primaryExch=None if exchange else known.primary,
        currency=known.currency,
        localSymbol=known.symbol,
        tradingClass=trading_class(con_id),
    )


def trading_class(con_id: int) -> str:
    """What the exchange calls the instrument's class."""
    known = BY_ID[con_id]
    return "NMS" if known.primary == "NASDAQ" else known.symbol


def open_order(order: BookedOrder, what_if: WhatIfMessage | None) -> Any:
    """The Order of an OpenOrder."""
    ticket = order.ticket
    return make(
        "Order",
        clientId=ticket.client_id,
        orderId=ticket.order_id,
        permId=order.perm_id,
        whatIf=what_if is not None,
        **_terms(ticket),
    )


def completed_order(order: BookedOrder) -> Any:
    """The Order of a CompletedOrder: without order id and client id."""
    filled = text(order.filled)
    return make("Order", permId=order.perm_id, filledQuantity=filled, **_terms(order.ticket))


def open_state(order: BookedOrder, what_if: WhatIfMessage | None) -> Any:
    """The OrderState of an OpenOrder; with `what_if` the margins that it would need."""
    if what_if is not None:
        return _preview(order, what_if)
    fee = float(order.commission) if order.commission else None
    currency = "USD" if order.commission else None
    return make(
        "OrderState",
        status=order.status,
        commissionAndFees=fee,
        commissionAndFeesCurrency=currency,
    )


def completed_state(order: BookedOrder) -> Any:
    """The OrderState of a CompletedOrder."""
    at = order.completed or order.placed
    shares = f"Filled Size: {text(order.filled)}" if order.filled else order.reason or order.status
    return make(
        "OrderState",
        status=order.status,
        completedTime=f"{at.astimezone(EASTERN):%Y%m%d %H:%M:%S} {TIME_ZONE_ID}",
        completedStatus=shares,
    )


def execution(made: Execution) -> Any:
    """Execution."""
    ticket, at = made.ticket, made.at.astimezone(EASTERN)
    return make(
        "Execution",
        orderId=ticket.order_id,
        execId=made.exec_id,
        time=f"{at:%Y%m%d %H:%M:%S} {TIME_ZONE_ID}",
        acctNumber=ticket.account,
        exchange=BY_ID[ticket.con_id].primary,
        side="BOT" if ticket.action is OrderAction.BUY else "SLD",
        shares=text(made.quantity),
        price=float(made.price),
        permId=made.perm_id,
        clientId=ticket.client_id,
        cumQty=text(made.cumulative),
        avgPrice=float(made.average_price),
        orderRef=ticket.order_ref or None,
        lastLiquidity=REMOVED_LIQUIDITY,
    )


def _terms(ticket: OrderTicket) -> dict[str, Any]:
    return {
        "action": ticket.action,
        "totalQuantity": text(ticket.quantity),
        "orderType": ticket.order_type,
        "lmtPrice": float(ticket.limit_price),
        "auxPrice": float(ticket.aux_price),
        "tif": ticket.tif,
        "account": ticket.account,
        "clearingIntent": "IB",
        "outsideRth": ticket.outside_rth,
        "orderRef": ticket.order_ref or None,
        "ocaType": OCA_REDUCE,
        "transmit": True,
    }


def _preview(order: BookedOrder, what_if: WhatIfMessage) -> Any:
    if what_if.margin is None:
        return make("OrderState", status=OrderStatus.PRE_SUBMITTED)
    margin, equity, zero = float(what_if.margin), float(what_if.equity), float(Decimal(0))
    return make(
        "OrderState",
        status=OrderStatus.PRE_SUBMITTED,
        initMarginBefore=zero,
        maintMarginBefore=zero,
        equityWithLoanBefore=equity,
        initMarginChange=margin,
        maintMarginChange=margin,
        equityWithLoanChange=zero,
        initMarginAfter=margin,
        maintMarginAfter=margin,
        equityWithLoanAfter=equity,
        commissionAndFees=float(order.commission),
        commissionAndFeesCurrency="USD",
    )
