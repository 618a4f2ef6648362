"""Between ib_async's objects and the executor's values. Pure.

Floats become `Decimal` through their shortest text; IBKR's unset markers become None or 0.
"""

from decimal import Decimal
from typing import Any

import ib_async

from ibgateway_executor.broker.protocol import Candidate
from ibgateway_executor.orders.broker_reports import ExecutionSeen, OrderSeen
from ibgateway_executor.orders.order import Instrument, Job, OrderType


def contract_of(instrument: Instrument) -> ib_async.Contract:
    """The library's contract: by number where it is known."""
    return ib_async.Contract(
        conId=instrument.con_id,
        symbol=instrument.symbol,
        secType=instrument.sec_type,
        exchange=instrument.exchange,
        currency=instrument.currency,
        primaryExchange=instrument.primary_exchange,
    )


def order_of(job: Job) -> ib_async.Order:
    """The library's order; time in force and account always explicit (an empty one is error 10349)."""
    terms = job.terms
    order = ib_async.Order(
        orderId=job.order_id,
        action=terms.side.value,
        totalQuantity=terms.quantity,
        orderType=terms.order_type.value,
        tif=terms.time_in_force.value,
        account=terms.account,
        orderRef=job.order_ref,
        transmit=True,
    )
    if terms.order_type is OrderType.LIMIT and terms.limit_price is not None:
        order.lmtPrice = float(terms.limit_price)
    return order


def open_order(order_id: int, _: Any, order: Any, state: Any) -> OrderSeen:
    """openOrder: status and orderRef, no quantities."""
    return OrderSeen(
        order_id=order_id,
        client_id=order.clientId,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
    )


def order_status(args: tuple[Any, ...]) -> OrderSeen:
    """orderStatus: cumulative quantity and average price, no orderRef."""
    order_id, status, filled, _, average, perm_id = args[:6]
    return OrderSeen(
        order_id=order_id,
        client_id=args[8],
        perm_id=perm_id,
        status=status,
        filled=decimal(filled),
        average_price=decimal(average) if filled else None,
    )


def completed_order(order: Any, state: Any) -> OrderSeen:
    """completedOrder: it has neither order id nor client id."""
    unset = order.filledQuantity in (None, ib_async.util.UNSET_DOUBLE)
    return OrderSeen(
        order_id=0,
        client_id=0,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
        filled=None if unset else decimal(order.filledQuantity),
    )


def execution(execution: Any) -> ExecutionSeen:
    """execDetails."""
    return ExecutionSeen(
        order_id=execution.orderId,
        client_id=execution.clientId,
        perm_id=execution.permId,
        order_ref=execution.orderRef,
        exec_id=execution.execId,
        cumulative=decimal(execution.cumQty),
        average_price=decimal(execution.avgPrice),
    )


def candidate(details: Any) -> Candidate:
    """contractDetails."""
    contract = details.contract
    return Candidate(
        Instrument(
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


def decimal(value: float) -> Decimal:
    """Through the shortest text that reads back as the same float: 190.01, not 190.00999…"""
    exact = Decimal(repr(value))
    whole = exact.to_integral_value()
    return whole if whole == exact else exact.normalize()
