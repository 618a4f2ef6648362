"""What is done about a rebalance in each of its states. Everything that counts is committed before the next thing is done.

Each method does one step of `progress.next_step`, and may be repeated: after a crash the same step is taken again, from what the ledger has.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.positions import SETTLED_SECONDS
from ibgateway_executor.broker.protocol import Broker, Candidate
from ibgateway_executor.errors import BrokerError, NotConnectedError, OrderRefusedError
from ibgateway_executor.intake.rebalance_schema import PriceSource, RebalanceBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.limits import own_price
from ibgateway_executor.orders.order import Contract, Order, OrderReason, OrderState, Side
from ibgateway_executor.orders.portfolio import AccountReport
from ibgateway_executor.rebalance import progress
from ibgateway_executor.rebalance.arithmetic import plan
from ibgateway_executor.rebalance.funding import (
    counted,
    funded,
    netted,
    open_cost,
    spendable,
    with_open,
)
from ibgateway_executor.rebalance.plan import PlannedTrade, RebalancePlan
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    move,
    wait,
)
from ibgateway_executor.rebalance_runs.account import (
    RebalanceAccount,
    account,
    named,
    stocks_and_others,
)
from ibgateway_executor.rebalance_runs.contracts import (
    MarketHours,
    closed_words,
    hours,
    quoted,
    resolved,
)
from ibgateway_executor.rebalance_runs.orders import RebalanceOrders
from ibgateway_executor.rebalance_runs.report import complete, report
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

SETTLEMENT_TIME: Final = timedelta(days=4)
"""Trades in the United States settle on the next trading day: over a weekend with a holiday that is so long."""


@dataclass(frozen=True)
class Turn:
    """One look at a rebalance: `late` as in `RebalanceView`; `patient`: the broker may need a moment yet to tell what has happened."""

    run: RebalanceRun
    orders: Mapping[str, Order]
    late: bool
    patient: bool


class RebalanceSteps:
    """The steps; each commits what it decides."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        settings: Callable[[], ExecutorSettings],
        orders: RebalanceOrders,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._settings = settings
        self._orders = orders
        self._clock = clock

    def broker(self) -> Broker:
        """The connection of the moment; NotConnectedError where there is none that is reconciled."""
        broker = self._connection.broker
        if broker is None or not self._connection.state.reconciled:
            raise NotConnectedError("there is no reconciled connection to the gateway")
        return broker

    async def expire(self, turn: Turn) -> None:
        """It did not begin in time."""
        waited = turn.run.message or "no chance to begin"
        await self._end(
            turn,
            RebalanceState.EXPIRED,
            RebalanceReason.VALIDITY_ENDED,
            f"not begun by {turn.run.valid_until.isoformat()}: {waited}",
        )

    async def look(self, turn: Turn) -> None:
        """Whether all its markets are open: all of it or nothing. Those of holdings that are left alone count nothing."""
        broker, body = self.broker(), _body(turn.run)
        known = await named(broker, body)
        currency = (await broker.account(turn.run.account)).currency
        mine = [p for p in await broker.positions() if p.account == turn.run.account]
        held, _ = stocks_and_others(mine, currency)
        unnamed = [Contract(p.contract.con_id, sec_type="", currency="") for p in held if p.contract.con_id not in known.found]  # fmt: skip
        found = dict(known.found)
        for candidate in (await resolved(broker, unnamed)).values():
            found[candidate.contract.con_id] = candidate
        kept = known.locked | known.excluded
        lasting = body.time_needed
        wanted = (c for n, c in found.items() if n not in kept)
        markets = hours(wanted, self._clock.now(), lasting=lasting)
        if markets.all_open:
            await self._advance(turn, partial(move, state=RebalanceState.CLEARING))
        else:
            await self._await_markets(turn, markets, lasting)

    async def clear(self, turn: Turn) -> None:
        """End our own orders of the account, then freeze the plan: once positions and cash show the last fill."""
        mine = self._mine(turn.run)
        if mine and turn.late:
            names = ", ".join(f"{o.id} ({o.state})" for o in mine)
            await self._end(
                turn,
                RebalanceState.STOPPED,
                RebalanceReason.ORDERS_NOT_CANCELLED,
                f"orders of the account did not end when they were cancelled: {names}",
            )
        elif mine:
            await self._orders.cancel(mine)
        elif self._settled(turn.run.account):
            await self._freeze(turn)

    def _mine(self, run: RebalanceRun) -> list[Order]:
        return [o for o in self._ledger.active if o.terms.account in ("", run.account)]

    def _other_buys(self, run: RebalanceRun, currency: str) -> list[Order]:
        """Before the rebalance has any of its own; what is paid in another currency is not paid with this cash."""
        buys = (o for o in self._mine(run) if o.terms.side is Side.BUY)
        return [o for o in buys if o.terms.contract.currency in ("", currency)]

    def _settled(self, account_id: str) -> bool:
        since = self._clock.monotonic() - self._ledger.filled_at(account_id)
        return since >= SETTLED_SECONDS

    async def _freeze(self, turn: Turn) -> None:
        body = _body(turn.run)
        reserve = body.cash_reserve_percent
        if reserve is None:
            reserve = Decimal(self._settings().cash_reserve_percent or 0)
        seen = await account(
            self.broker(), body, account_id=turn.run.account, reserve_percent=reserve, orders=()
        )
        made = await asyncio.to_thread(plan, seen.funds, seen.lines, seen.rules)
        lasting = body.time_needed
        markets = hours(_tradable(seen), self._clock.now(), lasting=lasting)
        if not markets.all_open:
            await self._await_markets(turn, markets, lasting)
        elif self._mine(turn.run) or not self._settled(turn.run.account):
            return  # an order has come since the account was clear: the plan has not counted it
        elif made.trades:
            await self._advance(turn, partial(self._begun, seen=seen, made=made, markets=markets))
        else:
            ended = replace(turn.run, plan=made, began_at=self._clock.now())
            told = await report(self.broker(), ended, {})
            await self._advance(turn, lambda run: _nothing(replace(run, plan=made, report=told)))

    def _begun(
        self, run: RebalanceRun, seen: RebalanceAccount, made: RebalancePlan, markets: MarketHours
    ) -> RebalanceRun:
        traded = {trade.con_id for trade in made.trades}
        begun = replace(
            run,
            plan=made,
            contracts={n: c for n, c in seen.contracts.items() if n in traded},
            held_before={line.con_id: line.held for line in seen.lines if line.con_id in traded},
            cash_before=seen.report.total_cash,
            began_at=self._clock.now(),
            session_end=markets.session_end,
        )
        return move(begun, RebalanceState.SELLING)

    async def send(self, turn: Turn) -> None:
        """Place what is not placed yet; what is refused is not tried again."""
        refused = await self._orders.place(turn.run, progress.unsent(turn.run, turn.orders))
        if refused:
            await self._advance(turn, lambda run: replace(run, refused={**run.refused, **refused}))

    async def cancel_orders(self, turn: Turn) -> None:
        """End what is left of the orders of the state it is in."""
        await self._orders.cancel(list(turn.orders.values()))

    async def doubt(self, turn: Turn) -> None:
        """Nobody knows what became of an order: nothing more is done until that is known."""
        doubted = [o.id for o in turn.orders.values() if o.state is OrderState.UNKNOWN]
        words = f"nobody knows yet what became of {', '.join(doubted)}: nothing more is sent before that is known"
        await self._wait(turn, RebalanceReason.UNKNOWN_ORDER, words)

    async def fund(self, turn: Turn) -> None:
        """Freeze the buys: as planned, or as far as the cash above the reserve goes."""
        run, broker = turn.run, self.broker()
        if run.plan is None:
            return
        values = await broker.account(run.account)
        sells = [turn.orders[key] for t in run.sells if (key := run.key(t)) in turn.orders]
        proceeds = sum((o.filled * (o.average_price or 0) for o in sells), Decimal(0))
        if turn.patient and not counted(values, run.cash_before, proceeds):
            return
        held = [p for p in await broker.positions() if p.account == run.account]
        others = self._other_buys(run, values.currency)
        now = with_open({p.contract.con_id: p.quantity for p in held}, others)
        wanted = netted(run.plan.of_side(Side.BUY), run.held_before, now)
        prices = await self._prices(broker, run, wanted)
        taken = open_cost(others, await self._other_prices(broker, run, others))
        buys = partial(_buys, run, wanted, prices, values, taken)
        everything = await asyncio.to_thread(buys, settled_alone=False)
        settled = await asyncio.to_thread(buys, settled_alone=True)
        if others != self._other_buys(run, values.currency):
            return
        if settled != everything and _body(run).unsettled == "wait":
            await self._advance(turn, self._unsettled)
            return
        if not settled:
            await self._advance(turn, lambda r: move(replace(r, buys=()), RebalanceState.BUYING))
            return
        found = await resolved(broker, [Contract(t.con_id, sec_type="", currency="") for t in settled])  # fmt: skip
        lasting = _time_for_buys(run)
        markets = hours(found.values(), self._clock.now(), lasting=lasting)
        if markets.all_open:
            await self._advance(turn, lambda r: _buying(r, settled, markets))
        else:
            await self._await_markets(turn, markets, lasting)

    async def _prices(
        self, broker: Broker, run: RebalanceRun, buys: tuple[PlannedTrade, ...]
    ) -> Mapping[int, Decimal]:
        """Of now. OrderRefusedError where one is missing: nothing is bought on a guess."""
        body = _body(run)
        if body.prices is PriceSource.GIVEN:
            return {}
        contracts = {buy.con_id: run.contracts[buy.con_id] for buy in buys}
        return await _all_quoted(broker, contracts, body)

    async def _other_prices(
        self, broker: Broker, run: RebalanceRun, orders: Sequence[Order]
    ) -> Mapping[int, Decimal]:
        """Of what the account's other orders buy without a price of their own."""
        terms = [order.terms for order in orders if own_price(order.terms) is None]
        return await _all_quoted(broker, {t.contract.con_id: t.contract for t in terms}, _body(run))

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

    async def finish(self, turn: Turn) -> None:
        """The report, and the end; a cancelled one ends without it where the broker does not tell the account."""
        try:
            made = await report(self.broker(), turn.run, turn.orders)
        except BrokerError as error:
            if turn.patient or not turn.run.cancel_requested:
                raise
            logger.warning("rebalance %s ends without a report: %s", turn.run.id, error)
            made = None
        if turn.patient and made is not None and not complete(made):
            return
        state, reason, message = progress.ending(turn.run, turn.orders, self._clock.now())
        ended = partial(move, state=state, reason=reason, message=message)
        await self._advance(turn, lambda run: ended(replace(run, report=made)))

    async def stop(self, turn: Turn, reason: str, message: str) -> None:
        """End one that has not traded."""
        await self._end(turn, RebalanceState.STOPPED, reason, message)

    async def note(self, turn: Turn, reason: str, message: str) -> None:
        """Why it waits."""
        await self._wait(turn, reason, message)

    async def _await_markets(self, turn: Turn, markets: MarketHours, lasting: timedelta) -> None:
        if markets.unknown:
            names = ", ".join(markets.unknown)
            await self._wait(turn, OrderReason.HOURS_UNKNOWN, f"no trading hours of {names}")
            return
        message = closed_words(markets, lasting)
        step = partial(wait, reason=OrderReason.MARKET_CLOSED, message=message, until=markets.opens)
        await self._advance(turn, step)

    async def _wait(self, turn: Turn, reason: str, message: str) -> None:
        if (turn.run.reason, turn.run.message) != (reason, message):
            await self._advance(turn, partial(wait, reason=reason, message=message))

    async def _end(self, turn: Turn, state: RebalanceState, reason: str, message: str) -> None:
        await self._advance(turn, partial(move, state=state, reason=reason, message=message))

    async def _advance(
        self, turn: Turn, step: Callable[[RebalanceRun], RebalanceRun]
    ) -> RebalanceRun:
        """Nothing is done to a rebalance that a client has cancelled in the meantime: it is looked at again first."""

        def unless_cancelled(run: RebalanceRun) -> RebalanceRun:
            same = run.state is turn.run.state and run.cancel_requested == turn.run.cancel_requested
            return step(run) if same else run

        return await self._ledger.rebalances.advance(turn.run.id, unless_cancelled)


async def _all_quoted(
    broker: Broker, contracts: Mapping[int, Contract], body: RebalanceBody
) -> Mapping[int, Decimal]:
    prices = await quoted(broker, contracts, delayed=body.prices is PriceSource.DELAYED)
    if missing := [str(c) for number, c in contracts.items() if number not in prices]:
        raise OrderRefusedError(
            422, "NoPrice", f"there is no price of {', '.join(missing)} any more: asked again"
        )
    return prices


def _body(run: RebalanceRun) -> RebalanceBody:
    return RebalanceBody.model_validate_json(run.request)


def _time_for_buys(run: RebalanceRun) -> timedelta:
    """What has sold a moment ago buys until the close; what has waited for days does not begin right before it."""
    waited = run.state is RebalanceState.AWAITING_SETTLEMENT
    return timedelta(seconds=_body(run).phase_seconds) if waited else timedelta()


def _tradable(seen: RebalanceAccount) -> list[Candidate]:
    return [seen.candidates[x.con_id] for x in seen.lines if not (x.locked or x.excluded)]


def _nothing(run: RebalanceRun) -> RebalanceRun:
    return move(
        run,
        RebalanceState.COMPLETED,
        reason=RebalanceReason.NOTHING_TO_DO,
        message="the account is where it should be, as far as whole shares, tolerance and cash allow",
    )


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
    least = _body(run).min_trade_value
    return tuple(buy for buy in funded(wanted, room, prices) if buy.value >= least)


def _buying(
    run: RebalanceRun, buys: tuple[PlannedTrade, ...], markets: MarketHours
) -> RebalanceRun:
    frozen = replace(run, buys=buys, session_end=markets.session_end)
    return move(frozen, RebalanceState.BUYING)
