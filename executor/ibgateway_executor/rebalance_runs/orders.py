"""The orders of a rebalance: placed under keys that derive from it, found again by them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Contract, Order, OrderReason, OrderState, cancel
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import RebalanceRun

AGAIN: Final = frozenset({"RequestInFlight", OrderReason.CANCELLED_BY_CLIENT})
"""Says nothing about whether the order can be accepted: it is being stored, or the rebalance is cancelled meanwhile."""

Place = Callable[[str, OrderBody, str], Awaitable[Order]]
"""Stores an order under an Idempotency-Key, as a client's request would be, and marks it with its rebalance's id; OrderRefusedError
where it may not be.
"""
OrderName = Callable[[str], str]
"""The id of the order that belongs to an Idempotency-Key."""


class RebalanceOrders:
    """Places, finds and cancels them."""

    def __init__(self, ledger: Ledger, *, place: Place, order_name: OrderName) -> None:
        self._ledger = ledger
        self._place = place
        self._order_name = order_name

    async def of(self, run: RebalanceRun) -> dict[str, Order]:
        """Those of its trades that were accepted, by their keys."""
        keys = {self._order_name(key): key for key in map(run.key, run.trades)}
        found = {order.id: order for order in self._ledger.active if order.id in keys}
        if elsewhere := [name for name in keys if name not in found]:
            found |= {order.id: order for order in await self._ledger.find_all(elsewhere)}
        return {key: found[name] for name, key in keys.items() if name in found}

    async def place(self, run: RebalanceRun, trades: list[PlannedTrade]) -> Mapping[str, str]:
        """Place them; why some were refused, by their keys. LedgerUnavailableError where it can't be known."""
        answers = await asyncio.gather(
            *(self._placed(run, trade) for trade in trades),
            return_exceptions=True,
        )
        refused: dict[str, str] = {}
        for trade, answer in zip(trades, answers, strict=True):
            if isinstance(answer, OrderRefusedError):
                if answer.code not in AGAIN:
                    refused[run.key(trade)] = f"{answer.code}: {answer.message}"
            elif isinstance(answer, BaseException):
                raise answer
        return refused

    async def _placed(self, run: RebalanceRun, trade: PlannedTrade) -> Order:
        contract = run.contracts[trade.con_id]
        body = order_body(run.account, contract, trade, run.session_end)
        return await self._place(run.key(trade), body, run.id)

    async def cancel(self, orders: list[Order]) -> None:
        """End what is unsent, and ask for the others' end. What is Unknown can't be cancelled."""
        wanted = [
            order
            for order in orders
            if not order.terminal
            and not order.cancel_requested
            and order.state is not OrderState.UNKNOWN
        ]
        await self._ledger.advance_all(dict.fromkeys((order.id for order in wanted), cancel))


def order_body(
    account: str, contract: Contract, trade: PlannedTrade, valid_until: datetime | None
) -> OrderBody:
    """A trade as an order's request. OrderRefusedError where there can be none: more shares than an order may have."""
    try:
        return OrderBody.model_validate(
            {
                "account": account,
                "contract": {"conId": trade.con_id, "symbol": contract.symbol},
                "side": trade.side.value,
                "quantity": trade.quantity,
                "orderType": "MKT",
                "timeInForce": "DAY",
                "validUntil": None if valid_until is None else valid_until.isoformat(),
            }
        )
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False)
        text = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in told)
        raise OrderRefusedError(422, "InvalidRequest", text) from error
