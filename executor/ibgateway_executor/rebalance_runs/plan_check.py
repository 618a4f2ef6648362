"""What has come up since a plan was frozen: it is looked at again before orders that come later than the plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.rebalance_schema import PriceSource
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order, Side
from ibgateway_executor.orders.portfolio import OpenOrderReport
from ibgateway_executor.rebalance.outdated import changes, expected_holdings
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    move,
)
from ibgateway_executor.rebalance_runs.contracts import quoted
from ibgateway_executor.rebalance_runs.objections import PAGE, RebalanceObjection, other_orders
from ibgateway_executor.rebalance_runs.report import complete, report
from ibgateway_executor.rebalance_runs.turns import RebalanceWriter, Turn, body_of

OLD: Final = timedelta(seconds=10)
"""What was frozen longer ago and is not placed yet has waited: somebody else may have placed orders meanwhile."""


class PlanCheck:
    """Looks again, and ends what can't be gone on with."""

    def __init__(self, ledger: Ledger, writer: RebalanceWriter) -> None:
        self._ledger = ledger
        self._writer = writer

    async def foreign(
        self, broker: Broker, run: RebalanceRun, trades: Sequence[PlannedTrade]
    ) -> RebalanceObjection | None:
        """Working orders of others for what is about to be traded. Any BrokerError."""
        return self.foreign_among(await broker.open_order_reports(), run, trades)

    def foreign_among(
        self,
        working: Iterable[OpenOrderReport],
        run: RebalanceRun,
        trades: Sequence[PlannedTrade],
    ) -> RebalanceObjection | None:
        """Those of these working orders that are none of ours."""
        others = _not_ours(working, self._ledger.active.sent.values())
        return next(iter(other_orders(others, trades, account=run.account)), None)

    async def outdated(
        self,
        broker: Broker,
        run: RebalanceRun,
        held: Mapping[int, Decimal],
        prices: Mapping[int, Decimal],
    ) -> RebalanceObjection | None:
        """Why the planned buys are not the same shares any more, where they have waited beyond the session of the plan.

        OrderRefusedError where neither a price nor a holding tells.
        """
        buys = run.plan.of_side(Side.BUY) if run.plan else ()
        expected = expected_holdings(run.held_before, await self._since(run, run.began_at))
        if body_of(run).prices is PriceSource.GIVEN:
            prices = await _any_prices(broker, run, buys)
            _require_word_of(buys, prices, expected)
        found = changes(buys, prices, expected, held)
        if not found:
            return None
        return RebalanceObjection(
            RebalanceReason.PLAN_OUTDATED,
            f"the buys have waited since {run.began_at}, and what they were planned by has changed by a fifth or more: "
            f"{'; '.join(found)}. A split, a merger or trades by hand do that, and the planned number of shares would be the wrong one. "
            "Nothing was bought: look at what the account holds, and ask for another rebalance with a new key",
        )

    async def stop(self, broker: Broker, turn: Turn, why: RebalanceObjection) -> None:
        """End it, with its report: once the broker has told what its fills cost, or has had the time for it."""
        made = await report(broker, turn.run, turn.orders)
        if turn.patient and not complete(made):
            return
        ended = partial(move, state=RebalanceState.STOPPED, reason=why.reason, message=why.message)

        def stopped(run: RebalanceRun) -> RebalanceRun:
            return ended(replace(run, report=made))

        await self._writer.advance(turn, stopped)

    async def _since(self, run: RebalanceRun, began: datetime | None) -> list[Order]:
        """The account's orders since then, whoever wanted them."""
        found: list[Order] = []
        after, more = 0, began is not None
        while more:
            page = await self._ledger.page(
                after=after, limit=PAGE, account=run.account, since=began
            )
            found += page
            after, more = page[-1].sequence if page else 0, len(page) == PAGE
        return found


def _not_ours(working: Iterable[OpenOrderReport], ours: Iterable[Order]) -> list[OpenOrderReport]:
    known = tuple(ours)
    refs = {order.order_ref for order in known}
    perm_ids = {order.perm_id for order in known if order.perm_id}
    ids = {(order.client_id, order.order_id) for order in known if order.order_id}
    return [
        each
        for each in working
        if each.order_ref not in refs
        and each.perm_id not in perm_ids
        and (each.client_id, each.order_id) not in ids
    ]


async def _any_prices(
    broker: Broker, run: RebalanceRun, buys: Sequence[PlannedTrade]
) -> Mapping[int, Decimal]:
    """Late ones will do: they are compared, and nothing is decided by them."""
    return await quoted(broker, {b.con_id: run.contracts[b.con_id] for b in buys}, delayed=True)


def _require_word_of(
    buys: Iterable[PlannedTrade],
    prices: Mapping[int, Decimal],
    expected: Mapping[int, Decimal],
) -> None:
    silent = [b.symbol for b in buys if b.con_id not in prices and expected.get(b.con_id, 0) <= 0]
    if silent:
        raise OrderRefusedError(
            422,
            "NoPrice",
            f"the buys have waited beyond the session of their plan, and without any price of {', '.join(silent)} (a late one will do) "
            "nobody can tell whether they were split meanwhile: asked again",
        )
