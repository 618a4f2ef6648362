"""The buys, once the sells have ended: frozen as planned, or as far as the cash above the reserve goes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.positions import SETTLED_SECONDS
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.rebalance_schema import PriceSource, RebalanceBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.limits import own_price
from ibgateway_executor.orders.order import Contract, Order, Side
from ibgateway_executor.orders.portfolio import AccountReport
from ibgateway_executor.rebalance.funding import (
    counted,
    funded,
    netted,
    open_cost,
    spendable,
    with_open,
)
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    move,
)
from ibgateway_executor.rebalance_runs.contracts import MarketHours, hours, quoted, resolved
from ibgateway_executor.rebalance_runs.plan_check import PlanCheck
from ibgateway_executor.rebalance_runs.turns import (
    RebalanceWriter,
    Turn,
    body_of,
    open_orders,
    reconciled_broker,
)
from ibgateway_runtime.clock import Clock

SETTLEMENT_TIME: Final = timedelta(days=4)
"""Trades in the United States settle on the next trading day: over a weekend with a holiday that is so long."""


class RebalanceFunding:
    """Reads the cash again, and freezes the buys that it pays for."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        contracts: Contracts,
        writer: RebalanceWriter,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._contracts = contracts
        self._writer = writer
        self._clock = clock
        self._check = PlanCheck(ledger, writer)

    async def fund(self, turn: Turn) -> None:
        """Freeze the buys: as planned, or as far as the cash above the reserve goes."""
        run, broker = turn.run, reconciled_broker(self._connection)
        if run.plan is None:
            return
        began = self._clock.monotonic()
        values = await broker.account(run.account)
        if turn.patient and not counted(values, run.cash_before, _proceeds(turn)):
            return
        working = (
            await broker.open_order_reports()
        )  # before the positions: those have what is filled in between
        held = {p.contract.con_id: p.quantity for p in await broker.positions() if p.account == run.account}  # fmt: skip
        others = self._other_buys(run, values.currency)
        wanted = netted(run.plan.of_side(Side.BUY), run.held_before, with_open(held, others))
        prices = await _prices(broker, run, wanted)
        taken = open_cost(others, await _other_prices(broker, run, others))
        buys = partial(_buys, run, wanted, prices, values, taken)
        everything = await asyncio.to_thread(buys, settled_alone=False)
        settled = await asyncio.to_thread(buys, settled_alone=True)
        if settled != everything and body_of(run).unsettled == "wait":
            await self._writer.advance(turn, self._unsettled)
            return
        lasting = _time_for_buys(run)
        markets = await self._markets(broker, settled, lasting)
        if not markets.all_open:
            await self._writer.await_markets(turn, markets, lasting)
            return
        why = self._check.foreign_among(working, run, run.plan.of_side(Side.BUY))
        if why is None and self._waited(run):
            why = await self._check.outdated(broker, run, held, prices)
        if others != self._other_buys(run, values.currency) or not self._shown(run, began):
            return
        if why is not None:
            await self._check.stop(broker, turn, why)
        else:
            await self._writer.advance(turn, lambda r: _buying(r, settled, markets))

    async def _markets(
        self, broker: Broker, buys: Sequence[PlannedTrade], lasting: timedelta
    ) -> MarketHours:
        find = partial(self._contracts.candidates, broker)
        found = await resolved(find, [Contract(t.con_id, sec_type="", currency="") for t in buys])
        return hours(found.values(), self._clock.now(), lasting=lasting)

    def _waited(self, run: RebalanceRun) -> bool:
        """Whether a night may have come between the plan and the buys."""
        return run.session_end is None or self._clock.now() >= run.session_end

    def _shown(self, run: RebalanceRun, at: float) -> bool:
        """Whether what the broker was asked then has every fill of what is to be bought: a client may buy the same."""
        buys = run.plan.of_side(Side.BUY) if run.plan else ()
        last = (self._ledger.filled_at(run.account, buy.con_id) for buy in buys)
        return all(at >= filled + SETTLED_SECONDS for filled in last)

    def _other_buys(self, run: RebalanceRun, currency: str) -> list[Order]:
        """Before the rebalance has any of its own; what is paid in another currency is not paid with this cash."""
        buys = (o for o in open_orders(self._ledger, run) if o.terms.side is Side.BUY)
        return [o for o in buys if o.terms.contract.currency in ("", currency)]

    def _unsettled(self, run: RebalanceRun) -> RebalanceRun:
        later = self._clock.now() + SETTLEMENT_TIME
        longer = run
        if run.state is RebalanceState.SELLING:
            longer = replace(run, valid_until=max(run.valid_until, later))
        return move(
            longer,
            RebalanceState.AWAITING_SETTLEMENT,
            reason=RebalanceReason.AWAITING_SETTLEMENT,
            message="the account is a cash account: its buys wait until what the sells brought is settled",
            until=longer.valid_until,
        )


def _proceeds(turn: Turn) -> Decimal:
    run = turn.run
    sells = [turn.orders[key] for t in run.sells if (key := run.key(t)) in turn.orders]
    return sum((o.filled * (o.average_price or 0) for o in sells), Decimal(0))


async def _prices(
    broker: Broker, run: RebalanceRun, buys: tuple[PlannedTrade, ...]
) -> Mapping[int, Decimal]:
    """Of now. OrderRefusedError where one is missing: nothing is bought on a guess."""
    body = body_of(run)
    if body.prices is PriceSource.GIVEN:
        return {}
    contracts = {buy.con_id: run.contracts[buy.con_id] for buy in buys}
    return await _all_quoted(broker, contracts, body)


async def _other_prices(
    broker: Broker, run: RebalanceRun, orders: Sequence[Order]
) -> Mapping[int, Decimal]:
    """Of what the account's other orders buy without a price of their own."""
    terms = [order.terms for order in orders if own_price(order.terms) is None]
    return await _all_quoted(broker, {t.contract.con_id: t.contract for t in terms}, body_of(run))


async def _all_quoted(
    broker: Broker, contracts: Mapping[int, Contract], body: RebalanceBody
) -> Mapping[int, Decimal]:
    prices = await quoted(broker, contracts, delayed=body.prices is PriceSource.DELAYED)
    if missing := [str(c) for number, c in contracts.items() if number not in prices]:
        raise OrderRefusedError(
            422, "NoPrice", f"there is no price of {', '.join(missing)} any more: asked again"
        )
    return prices


def _time_for_buys(run: RebalanceRun) -> timedelta:
    """What has sold a moment ago buys until the close; what has waited for days does not begin right before it."""
    waited = run.state is RebalanceState.AWAITING_SETTLEMENT
    return timedelta(seconds=body_of(run).phase_seconds) if waited else timedelta()


def _buys(
    run: RebalanceRun,
    wanted: tuple[PlannedTrade, ...],
    prices: Mapping[int, Decimal],
    values: AccountReport,
    taken: Decimal,
    *,
    settled_alone: bool,
) -> tuple[PlannedTrade, ...]:
    reserve = run.plan.reserve if run.plan else Decimal(0)
    room = spendable(values, settled_alone=settled_alone) - reserve - taken
    least = body_of(run).min_trade_value
    return tuple(buy for buy in funded(wanted, room, prices) if buy.value >= least)


def _buying(
    run: RebalanceRun, buys: tuple[PlannedTrade, ...], markets: MarketHours
) -> RebalanceRun:
    frozen = replace(run, buys=buys, session_end=markets.session_end or run.session_end)
    return move(frozen, RebalanceState.BUYING)
