"""What forbids a plan as a whole: all of it is traded, or none.

A sell that has gone can't be taken back where its buys are refused afterwards, and an order that nobody here follows may sell what
the plan counts on.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.limits import breach, day_end, day_start, trading_limits
from ibgateway_executor.orders.order import Contract, Order, OrderReason, OrderState
from ibgateway_executor.orders.portfolio import OpenOrderReport
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import RebalanceReason
from ibgateway_executor.rebalance_runs.orders import order_body

SHOWN: Final = 5
"""So many of them are told."""
PAGE: Final = 500


@dataclass(frozen=True)
class RebalanceObjection:
    """Why nothing of a plan is traded, and what to do. `reason` is an order's code, or a rebalance's reason."""

    reason: str
    message: str


class RebalanceObjections:
    """Looks for them; nothing is sent or written."""

    def __init__(self, ledger: Ledger, settings: Callable[[], ExecutorSettings]) -> None:
        self._ledger = ledger
        self._settings = settings

    async def of(
        self,
        broker: Broker,
        trades: Sequence[PlannedTrade],
        contracts: Mapping[int, Contract],
        *,
        account: str,
        now: datetime,
        planned: int = 0,
        cancelled: Collection[str] = (),
    ) -> list[RebalanceObjection]:
        """What forbids these trades now; `planned` orders of other accounts' rebalances are yet to come.

        `cancelled` are orderRefs of our own that will be cancelled first.

        Any BrokerError: what others have working is not known then.
        """
        if not trades:
            return []
        return [
            *limit_objections(trades, contracts, account=account, settings=self._settings()),
            *await self._daily_limit(trades, now, planned),
            *doubt_objections(await self.doubted(account), [contracts[t.con_id] for t in trades]),
            *other_orders(
                [o for o in await broker.open_order_reports() if o.order_ref not in cancelled],
                trades,
                account=account,
            ),
        ]

    async def doubted(self, account: str) -> list[Order]:
        """Orders of which nobody knows what became, and nobody has said what they found."""
        found = [o for o in self._ledger.active if o.state is OrderState.UNKNOWN]
        after, more = 0, True
        while more:
            page = await self._ledger.page(after=after, limit=PAGE, state=OrderState.UNVERIFIED)
            found += [order for order in page if not order.resolution]
            after, more = page[-1].sequence if page else 0, len(page) == PAGE
        return [order for order in found if order.terms.account in ("", account)]

    async def _daily_limit(
        self, trades: Sequence[PlannedTrade], now: datetime, planned: int
    ) -> list[RebalanceObjection]:
        limit = self._settings().max_orders_per_day
        if limit is None:
            return []
        start = day_start(now)
        tally = self._ledger.tallies.get(start)
        if tally is None or tally.limit != limit:
            await self._ledger.count_day(start, day_end(now), limit)
            tally = self._ledger.tallies[start]
        if tally.accepted + planned + len(trades) <= limit:
            return []
        beside = f", {planned} are planned by rebalances of other accounts" if planned else ""
        return [
            RebalanceObjection(
                OrderReason.DAILY_ORDER_LIMIT,
                f"the plan has {len(trades)} orders, {tally.accepted} were accepted since midnight in New York{beside}, and "
                f"spec.executor.limits.maxOrdersPerDay is {limit}: raise it, or make fewer of them with minTradeValue",
            )
        ]


def limit_objections(
    trades: Iterable[PlannedTrade],
    contracts: Mapping[int, Contract],
    *,
    account: str,
    settings: ExecutorSettings,
) -> list[RebalanceObjection]:
    """Limits that one of the orders is above, at the price it was decided at. Pure."""
    limits = trading_limits(settings)
    found: dict[str, list[str]] = {}
    for trade in trades:
        try:
            terms = order_body(account, contracts[trade.con_id], trade, None).terms(account)
        except OrderRefusedError as refused:
            found.setdefault(refused.code, []).append(f"{_order(trade)}: {refused.message}")
            continue
        above = breach(terms, limits, trade.price)
        if above is not None:
            found.setdefault(above.reason, []).append(f"{_order(trade)}: {above.message}")
    return [RebalanceObjection(reason, _words(told)) for reason, told in found.items()]


def doubt_objections(
    doubted: Sequence[Order], contracts: Iterable[Contract]
) -> list[RebalanceObjection]:
    """Orders in doubt: an `Unverified` one for one of these contracts, because what is held of it can't be told, and an
    `Unknown` one for any, because the cash can't be told either. Pure."""
    named = list(contracts)
    numbers, symbols = {c.con_id for c in named}, {c.symbol for c in named}
    ours = [
        order
        for order in doubted
        if order.state is OrderState.UNKNOWN
        or (order.state is OrderState.UNVERIFIED and _is_of(order.terms.contract, numbers, symbols))
    ]
    if not ours:
        return []
    told = [f"{o.id} ({o.terms.contract}, {o.state})" for o in ours]
    return [
        RebalanceObjection(
            RebalanceReason.UNKNOWN_ORDER,
            f"nobody knows what became of {_words(told)}: look in IBKR's own screens, and say what you found with "
            "POST /v1/orders/{id}/resolve",
        )
    ]


def other_orders(
    working: Iterable[OpenOrderReport], trades: Iterable[PlannedTrade], *, account: str
) -> list[RebalanceObjection]:
    """Working orders of others for what is to be traded: a stop that sells what was sold already goes short. Pure."""
    numbers = {trade.con_id for trade in trades}
    others = [o for o in working if o.account == account and o.contract.con_id in numbers]
    if not others:
        return []
    told = [
        f"{o.side} {o.quantity} {o.contract} {o.order_type} (permanent id {o.perm_id}, {_whose(o)})"
        for o in others
    ]
    return [
        RebalanceObjection(
            RebalanceReason.OTHER_ORDERS,
            f"IBKR has working orders for what would be traded, and they are not followed here: {_words(told)}. Cancel them where "
            "they were placed, or name these contracts as locked; what was not begun, or not bought, needs another rebalance then",
        )
    ]


def _whose(order: OpenOrderReport) -> str:
    if order.order_ref:
        return f"client {order.client_id}, orderRef {order.order_ref}"
    return f"client {order.client_id}" if order.client_id else "placed by hand or by client 0"


def _is_of(contract: Contract, numbers: set[int], symbols: set[str]) -> bool:
    return contract.con_id in numbers if contract.con_id else contract.symbol in symbols


def _order(trade: PlannedTrade) -> str:
    return f"{trade.side} {trade.quantity} {trade.symbol}"


def _words(told: Sequence[str]) -> str:
    more = f"; and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return "; ".join(told[:SHOWN]) + more
