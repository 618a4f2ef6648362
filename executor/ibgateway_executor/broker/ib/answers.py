"""Answers being awaited: rows are collected by request until its end is reported."""

import asyncio
from dataclasses import replace
from typing import Any, Final

from ibgateway_executor.broker.ib import translation
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.portfolio import CommissionReport

_ENDS: Final = {
    "openOrderEnd": "openOrders",
    "completedOrdersEnd": "completedOrders",
    "positionEnd": "positions",
}
LAST_PRICES: Final = (4, 68)
"""Tick types of the last price, now and delayed: with one of them a snapshot's end isn't waited for."""
_ENDS_BY_ID: Final = frozenset(
    {"execDetailsEnd", "contractDetailsEnd", "tickSnapshotEnd", "accountUpdateMultiEnd"}
)


class RequestAnswers:
    """Rows collected for each request until its end is reported."""

    def __init__(self) -> None:
        self._futures: dict[int | str, asyncio.Future[tuple[Any, ...]]] = {}
        self._rows: dict[int | str, list[Any]] = {}
        self.detailed: set[int] = set()
        """Questions for executions whose rows are whole."""
        self.whole_orders = False
        """Whether the rows about open orders are whole."""
        self._owed: dict[int | str, int] = {}
        """Ends without an id that were not awaited to the last: the next one is theirs."""
        self._doubtful: set[int | str] = set()
        self._refs: dict[str, str] = {}
        self._commissions: dict[str, CommissionReport] = {}

    def expect(self, key: int | str) -> asyncio.Future[tuple[Any, ...]]:
        """A future for the rows of a request; one at a time for each key."""
        if key in self._futures:
            raise BrokerError(f"{key} is being asked already")
        self._rows[key] = []
        self._doubtful.discard(key)
        self._futures[key] = asyncio.get_running_loop().create_future()
        return self._futures[key]

    def expects(self, key: int | str) -> bool:
        """Whether the request is waiting for its answer."""
        return key in self._futures

    def rows(self, key: int | str) -> tuple[Any, ...]:
        """What has come for a request so far."""
        return tuple(self._rows.get(key, ()))

    def forget(self, key: int | str) -> None:
        """The request is over; late rows are dropped, and so is the end that it did not wait for, where no id tells whose it is."""
        future = self._futures.pop(key, None)
        self._rows.pop(key, None)
        if key in _ENDS.values() and future is not None and not _answered(future):
            self._owed[key] = self._owed.get(key, 0) + 1

    def doubtful(self, key: int | str) -> bool:
        """Whether an end was dropped as that of an earlier question since this one was asked. Where no other end follows, it was perhaps
        this one's: then nobody can tell whose the next one will be.
        """
        return key in self._doubtful

    def fail(self, error: BrokerError) -> None:
        """The connection ended: no request will be answered."""
        self.refuse(tuple(self._futures), error)

    def refuse(self, keys: tuple[int | str, ...], error: BrokerError) -> None:
        """These requests failed."""
        for key in keys:
            future = self._futures.get(key)
            if future is not None and not future.done():
                future.set_exception(error)

    def handle(self, name: str, args: tuple[Any, ...]) -> tuple[OrderEvent, ...]:
        """Take one callback; returns what it says about orders."""
        if name in _ENDS:
            self._end(_ENDS[name])
        elif name in _ENDS_BY_ID:
            self._end(args[0])
        elif name == "currentTime":
            self._row("currentTime", args[0])
            self._end("currentTime")
        elif name == "contractDetails":
            self._row(args[0], translation.candidate(args[1]))
        elif name == "priceSizeTick":
            self._price(*args[:3])
        elif name == "position":
            self._row("positions", args)
        elif name == "commissionReport":
            self._note_commission(args[0])
        elif name == "accountUpdateMulti":
            self._row(args[0], args[1:])
        else:
            return self._orders(name, args)
        return ()

    def _orders(self, name: str, args: tuple[Any, ...]) -> tuple[OrderEvent, ...]:
        if name == "openOrder":
            told = translation.open_order(*args)
            whole = translation.open_order_report(*args) if self.whole_orders else told
            self._row("openOrders", whole)
            return (told,)
        if name == "orderStatus":
            return (self._row("openOrders", translation.order_status(args)),)
        if name == "completedOrder":
            return (self._row("completedOrders", translation.completed_order(args[1], args[2])),)
        if name == "execDetails":
            return (self._execution(*args),)
        return ()

    def _execution(self, key: int, contract: Any, execution: Any) -> OrderEvent:
        self._refs[execution.execId] = execution.orderRef
        told = translation.execution(execution)
        whole = key in self.detailed
        self._row(key, translation.execution_report(contract, execution) if whole else told)
        return told

    @property
    def commissions(self) -> tuple[CommissionReport, ...]:
        """What has been told about the fills of this connection and of the day."""
        return tuple(
            replace(told, order_ref=self._refs[exec_id])
            for exec_id, told in self._commissions.items()
            if exec_id in self._refs
        )

    def _note_commission(self, told: Any) -> None:
        """It names the fill alone, and may come before it."""
        report = translation.commission(told)
        if report is not None:
            self._commissions[report.exec_id] = report

    def _price(self, key: int, tick: int, price: float) -> None:
        known = translation.number(price)
        if known is None:
            return
        self._row(key, (tick, known))
        if tick in LAST_PRICES and price > 0:
            self._end(key)

    def _row(self, key: int | str, row: Any) -> Any:
        if key in self._rows:
            self._rows[key].append(row)
        return row

    def _end(self, key: int | str) -> None:
        if self._owed.get(key):
            self._owed[key] -= 1
            self._doubtful.add(key)
            self._rows.get(key, []).clear()
            return
        future = self._futures.get(key)
        if future is not None and not future.done():
            future.set_result(tuple(self._rows[key]))


def _answered(future: asyncio.Future[tuple[Any, ...]]) -> bool:
    """Whether its end has come, or will not come: the request was refused."""
    return future.done() and not future.cancelled()
