"""What is done about a rebalance in each of its states. Everything that counts is committed before the next thing is done.

Each method does one step of `progress.next_step`, and may be repeated: after a crash the same step is taken again, from what the ledger has.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.positions import SETTLED_SECONDS
from ibgateway_executor.broker.protocol import Candidate
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Contract, OrderState
from ibgateway_executor.rebalance import progress
from ibgateway_executor.rebalance.arithmetic import plan
from ibgateway_executor.rebalance.plan import PlannedTrade, RebalancePlan
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    move,
)
from ibgateway_executor.rebalance_runs.account import (
    RebalanceAccount,
    account,
    named,
    stocks_and_others,
)
from ibgateway_executor.rebalance_runs.contracts import MarketHours, hours, resolved
from ibgateway_executor.rebalance_runs.funding import RebalanceFunding
from ibgateway_executor.rebalance_runs.objections import (
    RebalanceObjection,
    RebalanceObjections,
    doubt_objections,
)
from ibgateway_executor.rebalance_runs.orders import RebalanceOrders
from ibgateway_executor.rebalance_runs.plan_check import OLD, PlanCheck
from ibgateway_executor.rebalance_runs.report import complete, report
from ibgateway_executor.rebalance_runs.turns import (
    RebalanceWriter,
    Turn,
    body_of,
    open_orders,
    reconciled_broker,
)
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)


class RebalanceSteps:
    """The steps; each commits what it decides."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        contracts: Contracts,
        settings: Callable[[], ExecutorSettings],
        orders: RebalanceOrders,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._contracts = contracts
        self._settings = settings
        self._orders = orders
        self._clock = clock
        self._objections = RebalanceObjections(ledger, settings)
        self._writer = RebalanceWriter(ledger)
        self._check = PlanCheck(ledger, self._writer)
        self._one_at_a_time = asyncio.Lock()
        self._funding = RebalanceFunding(
            ledger=ledger,
            connection=connection,
            contracts=contracts,
            writer=self._writer,
            clock=clock,
        )

    async def expire(self, turn: Turn) -> None:
        """It did not begin in time."""
        waited = turn.run.message or "no chance to begin"
        await self._writer.end(
            turn,
            RebalanceState.EXPIRED,
            RebalanceReason.VALIDITY_ENDED,
            f"not begun by {turn.run.valid_until.isoformat()}: {waited}",
        )

    async def look(self, turn: Turn) -> None:
        """Whether all its markets are open: all of it or nothing. Those of holdings that are left alone count nothing.

        And whether it is known what became of the account's orders: else a plan would count on what may not be there.
        """
        broker, body = reconciled_broker(self._connection), body_of(turn.run)
        doubted = await self._objections.doubted(turn.run.account)
        find = partial(self._contracts.candidates, broker)
        known = await named(find, body)
        currency = (await broker.account(turn.run.account)).currency
        mine = [p for p in await broker.positions() if p.account == turn.run.account]
        held, _ = stocks_and_others(mine, currency)
        unnamed = [Contract(p.contract.con_id, sec_type="", currency="") for p in held if p.contract.con_id not in known.found]  # fmt: skip
        found = dict(known.found)
        for candidate in (await resolved(find, unnamed)).values():
            found[candidate.contract.con_id] = candidate
        kept = known.locked | known.excluded
        wanted = [c for n, c in found.items() if n not in kept]
        if doubts := doubt_objections(doubted, [c.contract for c in wanted]):
            await self._writer.hold_up(turn, doubts)
            return
        lasting = body.time_needed
        markets = hours(wanted, self._clock.now(), lasting=lasting)
        if markets.all_open:
            await self._writer.advance(turn, partial(move, state=RebalanceState.CLEARING))
        else:
            await self._writer.await_markets(turn, markets, lasting)

    async def clear(self, turn: Turn) -> None:
        """End our own orders of the account, then freeze the plan: once positions and cash show the last fill."""
        mine = open_orders(self._ledger, turn.run)
        if doubts := doubt_objections(mine, ()):
            await self._writer.hold_up(turn, doubts)
        elif mine and turn.late:
            names = ", ".join(f"{o.id} ({o.state})" for o in mine)
            await self._writer.end(
                turn,
                RebalanceState.STOPPED,
                RebalanceReason.ORDERS_NOT_CANCELLED,
                f"orders of the account did not end when they were cancelled: {names}",
            )
        elif mine:
            await self._orders.cancel(mine)
        elif self._settled(turn.run.account):
            await self._freeze(turn)

    def _settled(self, account_id: str, at: float | None = None) -> bool:
        """Whether what was asked of the broker then, or is now, has the account's last fill in it."""
        since = (self._clock.monotonic() if at is None else at) - self._ledger.filled_at(account_id)
        return since >= SETTLED_SECONDS

    async def _freeze(self, turn: Turn) -> None:
        body = body_of(turn.run)
        reserve = body.cash_reserve_percent
        if reserve is None:
            reserve = Decimal(self._settings().cash_reserve_percent or 0)
        broker, began = reconciled_broker(self._connection), self._clock.monotonic()
        seen = await account(
            *(broker, partial(self._contracts.candidates, broker), body),
            account_id=turn.run.account,
            reserve_percent=reserve,
            orders=(),
        )
        made = await asyncio.to_thread(plan, seen.funds, seen.lines, seen.rules)
        async with self._one_at_a_time:
            await self._decide(turn, seen, made, began)

    async def _decide(
        self, turn: Turn, seen: RebalanceAccount, made: RebalancePlan, began: float
    ) -> None:
        """Freeze the plan, where nothing forbids it; `began` is when the account was asked for, by the monotonic clock."""
        body, broker = body_of(turn.run), reconciled_broker(self._connection)
        objections = await self._objections.of(
            *(broker, made.trades, seen.contracts),
            account=turn.run.account,
            now=self._clock.now(),
            planned=await self._planned_beside(turn.run),
        )
        lasting = body.time_needed
        markets = hours(_tradable(seen), self._clock.now(), lasting=lasting)
        if not markets.all_open:
            await self._writer.await_markets(turn, markets, lasting)
        elif open_orders(self._ledger, turn.run) or not self._settled(turn.run.account, began):
            return  # an order has come since the account was clear: the plan has not counted it
        elif objections:
            await self._writer.hold_up(turn, objections)
        elif made.trades:
            await self._writer.advance(
                turn, partial(self._begun, seen=seen, made=made, markets=markets)
            )
        else:
            ended = replace(turn.run, plan=made, began_at=self._clock.now())
            told = await report(broker, ended, {})
            await self._writer.advance(
                turn, lambda run: _nothing(replace(run, plan=made, report=told))
            )

    async def _planned_beside(self, mine: RebalanceRun) -> int:
        """How many orders the other accounts' rebalances have yet to place: the day's limit has to do for those too."""
        if self._settings().max_orders_per_day is None:
            return 0
        others = [r for r in await self._ledger.rebalances.active() if r.id != mine.id and r.plan]
        counts = [progress.planned(r) - len(await self._orders.of(r)) for r in others]
        return sum(max(count, 0) for count in counts)

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
        """Place what is not placed yet; what is refused is not tried again. What has waited is looked at again before the first of them."""
        waiting = progress.unsent(turn.run, turn.orders)
        if why := await self._come_up(turn, waiting):
            await self._check.stop(reconciled_broker(self._connection), turn, why)
            return
        refused = await self._orders.place(turn.run, waiting)
        if refused:
            await self._writer.advance(
                turn, lambda run: replace(run, refused={**run.refused, **refused})
            )

    async def _come_up(
        self, turn: Turn, waiting: Sequence[PlannedTrade]
    ) -> RebalanceObjection | None:
        """What others have placed since these were frozen, as long as none of them has been placed here."""
        since = turn.run.state_since
        waited = since is not None and self._clock.now() - since >= OLD
        if not waited or len(waiting) < len(turn.run.trading):
            return None
        broker = reconciled_broker(self._connection)
        return await self._check.foreign(broker, turn.run, waiting)

    async def cancel_orders(self, turn: Turn) -> None:
        """End what is left of the orders of the state it is in."""
        await self._orders.cancel(list(turn.orders.values()))

    async def doubt(self, turn: Turn) -> None:
        """Nobody knows what became of an order: nothing more is done until that is known."""
        doubted = [o.id for o in turn.orders.values() if o.state is OrderState.UNKNOWN]
        words = f"nobody knows yet what became of {', '.join(doubted)}: nothing more is sent before that is known"
        await self._writer.wait(turn, RebalanceReason.UNKNOWN_ORDER, words)

    async def fund(self, turn: Turn) -> None:
        """Freeze the buys."""
        await self._funding.fund(turn)

    async def finish(self, turn: Turn) -> None:
        """The report, and the end; a cancelled one ends without it where the broker does not tell the account."""
        try:
            made = await report(reconciled_broker(self._connection), turn.run, turn.orders)
        except BrokerError as error:
            if turn.patient or not turn.run.ending:
                raise
            logger.warning("rebalance %s ends without a report: %s", turn.run.id, error)
            made = None
        if turn.patient and made is not None and not complete(made):
            return
        state, reason, message = progress.ending(turn.run, turn.orders, self._clock.now())
        ended = partial(move, state=state, reason=reason, message=message)
        await self._writer.advance(turn, lambda run: ended(replace(run, report=made)))

    async def stop(self, turn: Turn, reason: str, message: str) -> None:
        """End one that goes no further."""
        await self._writer.end(turn, RebalanceState.STOPPED, reason, message)

    async def note(self, turn: Turn, reason: str, message: str) -> None:
        """Why it waits."""
        await self._writer.wait(turn, reason, message)


def _tradable(seen: RebalanceAccount) -> list[Candidate]:
    return [seen.candidates[x.con_id] for x in seen.lines if not (x.locked or x.excluded)]


def _nothing(run: RebalanceRun) -> RebalanceRun:
    return move(
        run,
        RebalanceState.COMPLETED,
        reason=RebalanceReason.NOTHING_TO_DO,
        message="the account is where it should be, as far as whole shares, tolerance and cash allow",
    )
