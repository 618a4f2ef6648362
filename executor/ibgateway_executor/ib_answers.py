"""Translation between ib_async's objects and the executor's values, and the answers being awaited.

Floats become `Decimal` through their shortest text; IBKR's unset markers become None or 0.
"""

import asyncio
from decimal import Decimal
from typing import Any, Final

import ib_async

from ibgateway_executor.broker import Candidate
from ibgateway_executor.domain import Instrument, Job, OrderType
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.orders import ExecutionSeen, OrderEvent, OrderSeen

_ENDS: Final = {
    "openOrderEnd": "openOrders",
    "completedOrdersEnd": "completedOrders",
}
_ENDS_BY_ID: Final = frozenset({"execDetailsEnd", "contractDetailsEnd", "tickSnapshotEnd"})


class Answers:
    """Rows collected for each request until its end is told."""

    def __init__(self) -> None:
        self._futures: dict[int | str, asyncio.Future[tuple[Any, ...]]] = {}
        self._rows: dict[int | str, list[Any]] = {}

    def expect(self, key: int | str) -> asyncio.Future[tuple[Any, ...]]:
        """A future for the rows of a request; one at a time for each key."""
        if key in self._futures:
            raise BrokerError(f"{key} is being asked already")
        self._rows[key] = []
        self._futures[key] = asyncio.get_running_loop().create_future()
        return self._futures[key]

    def expects(self, key: int | str) -> bool:
        """Whether the request is waiting for its answer."""
        return key in self._futures

    def forget(self, key: int | str) -> None:
        """The request is over; late rows are dropped."""
        self._futures.pop(key, None)
        self._rows.pop(key, None)

    def fail(self, error: BrokerError) -> None:
        """The connection ended: no request will be answered."""
        self.refuse(tuple(self._futures), error)

    def refuse(self, keys: tuple[int | str, ...], error: BrokerError) -> None:
        """These requests failed."""
        for key in keys:
            future = self._futures.get(key)
            if future is not None and not future.done():
                future.set_exception(error)

    def take(self, name: str, args: tuple[Any, ...]) -> tuple[OrderEvent, ...]:
        """File one callback; returns what it tells about orders."""
        if name in _ENDS:
            self._end(_ENDS[name])
        elif name in _ENDS_BY_ID:
            self._end(args[0])
        elif name == "currentTime":
            self._row("currentTime", args[0])
            self._end("currentTime")
        elif name == "contractDetails":
            self._row(args[0], _candidate(args[1]))
        elif name == "priceSizeTick":
            self._row(args[0], (args[1], _decimal(args[2])))
        else:
            return self._orders(name, args)
        return ()

    def _orders(self, name: str, args: tuple[Any, ...]) -> tuple[OrderEvent, ...]:
        if name == "openOrder":
            return (self._row("openOrders", _open_order(*args)),)
        if name == "orderStatus":
            return (self._row("openOrders", _order_status(args)),)
        if name == "completedOrder":
            return (self._row("completedOrders", _completed_order(args[1], args[2])),)
        if name == "execDetails":
            return (self._row(args[0], _execution(args[2])),)
        return ()

    def _row(self, key: int | str, row: Any) -> Any:
        if key in self._rows:
            self._rows[key].append(row)
        return row

    def _end(self, key: int | str) -> None:
        future = self._futures.get(key)
        if future is not None and not future.done():
            future.set_result(tuple(self._rows[key]))


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


def _open_order(order_id: int, _: Any, order: Any, state: Any) -> OrderSeen:
    return OrderSeen(
        order_id=order_id,
        client_id=order.clientId,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
    )


def _order_status(args: tuple[Any, ...]) -> OrderSeen:
    order_id, status, filled, _, average, perm_id = args[:6]
    return OrderSeen(
        order_id=order_id,
        client_id=args[8],
        perm_id=perm_id,
        status=status,
        filled=_decimal(filled),
        average_price=_decimal(average) if filled else None,
    )


def _completed_order(order: Any, state: Any) -> OrderSeen:
    unset = order.filledQuantity in (None, ib_async.util.UNSET_DOUBLE)
    return OrderSeen(
        order_id=0,
        client_id=0,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
        filled=None if unset else _decimal(order.filledQuantity),
    )


def _execution(execution: Any) -> ExecutionSeen:
    return ExecutionSeen(
        order_id=execution.orderId,
        client_id=execution.clientId,
        perm_id=execution.permId,
        order_ref=execution.orderRef,
        exec_id=execution.execId,
        cumulative=_decimal(execution.cumQty),
        average_price=_decimal(execution.avgPrice),
    )


def _candidate(details: Any) -> Candidate:
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


def _decimal(value: float) -> Decimal:
    """Through the shortest text that reads back as the same float: 190.01, not 190.00999…"""
    exact = Decimal(repr(value))
    whole = exact.to_integral_value()
    return whole if whole == exact else exact.normalize()
