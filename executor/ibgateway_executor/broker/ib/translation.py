"""Between ib_async's objects and the executor's values. Pure.

Floats become `Decimal` through their shortest text; IBKR's unset markers become None or 0.
"""

from decimal import Decimal
from typing import Any, Final

from ibgateway_executor.broker.ib.library import ib_async
from ibgateway_executor.broker.protocol import Candidate
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Contract, Order, OrderType

LARGEST_NUMBER: Final = 1e15
"""IBKR's marker of an unset number is the largest double."""


def contract_of(contract: Contract) -> ib_async.Contract:
    """The library's contract: by number where it is known."""
    return ib_async.Contract(
        conId=contract.con_id,
        symbol=contract.symbol,
        secType=contract.sec_type,
        exchange=contract.exchange,
        currency=contract.currency,
        primaryExchange=contract.primary_exchange,
    )


def order_of(order: Order) -> ib_async.Order:
    """The library's order; time in force and account always explicit (an empty one is error 10349)."""
    terms = order.terms
    written = ib_async.Order(
        orderId=order.order_id,
        action=terms.side.value,
        totalQuantity=terms.quantity,
        orderType=terms.order_type.value,
        tif=terms.time_in_force.value,
        account=terms.account,
        orderRef=order.order_ref,
        transmit=True,
    )
    if terms.order_type is OrderType.LIMIT and terms.limit_price is not None:
        written.lmtPrice = float(terms.limit_price)
    return written


def open_order(order_id: int, _: Any, order: Any, state: Any) -> OrderStatusReport:
    """openOrder: status and orderRef, no quantities."""
    return OrderStatusReport(
        order_id=order_id,
        client_id=order.clientId,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
    )


def order_status(args: tuple[Any, ...]) -> OrderStatusReport:
    """orderStatus: cumulative quantity and average price, no orderRef."""
    order_id, status, filled, _, average, perm_id = args[:6]
    return OrderStatusReport(
        order_id=order_id,
        client_id=args[8],
        perm_id=perm_id,
        status=status,
        filled=number(filled),
        average_price=number(average) if filled else None,
    )


def completed_order(order: Any, state: Any) -> OrderStatusReport:
    """completedOrder: it has neither order id nor client id."""
    return OrderStatusReport(
        order_id=0,
        client_id=0,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
        filled=number(order.filledQuantity),
        ended=True,
        text=state.completedStatus,
    )


def execution(execution: Any) -> FillReport:
    """execDetails."""
    return FillReport(
        order_id=execution.orderId,
        client_id=execution.clientId,
        perm_id=execution.permId,
        order_ref=execution.orderRef,
        exec_id=execution.execId,
        cumulative=number(execution.cumQty) or Decimal(0),
        average_price=number(execution.avgPrice) or Decimal(0),
    )


def candidate(details: Any) -> Candidate:
    """contractDetails."""
    contract = details.contract
    return Candidate(
        Contract(
            con_id=contract.conId,
            symbol=contract.symbol,
            sec_type=contract.secType,
            exchange=contract.exchange,
            currency=contract.currency,
            primary_exchange=contract.primaryExchange,
        ),
        details.liquidHours,
        details.timeZoneId,
    )


def number(value: float | None) -> Decimal | None:
    """None for what is no number: unset, not finite, or beyond any quantity and price."""
    if value is None or not abs(value) < LARGEST_NUMBER:
        return None
    return decimal(value)


def decimal(value: float) -> Decimal:
    """Through the shortest text that reads back as the same float: 190.01, not 190.00999…"""
    exact = Decimal(repr(value))
    whole = exact.to_integral_value()
    return whole if whole == exact else exact.normalize()
