"""How a rebalance ended: outcomes, what it cost, where the account is now."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import NoAnswerError, RequestRefusedError
from ibgateway_executor.orders.order import Order
from ibgateway_executor.orders.portfolio import AccountReport, CommissionReport, PositionReport
from ibgateway_executor.rebalance.plan import drift
from ibgateway_executor.rebalance.progress import (
    RebalanceReport,
    RebalanceRun,
    TradeOutcome,
    outcome,
    total,
)

logger = logging.getLogger(__name__)


async def report(broker: Broker, run: RebalanceRun, orders: Mapping[str, Order]) -> RebalanceReport:
    """The report of a rebalance whose trades have ended. Any BrokerError but about commissions: without them they are not known."""
    values = await broker.account(run.account)
    held = [p for p in await broker.positions() if p.account == run.account]
    commissions = _by_order(await _commissions(broker, orders))
    outcomes = tuple(outcome(run, trade, orders, commissions) for trade in run.trades)
    return _made(run, outcomes, values, held)


def complete(made: RebalanceReport) -> bool:
    """Whether the broker has told the commission of everything that was filled."""
    return all(each.commission is not None for each in made.outcomes if each.filled)


async def _commissions(broker: Broker, orders: Mapping[str, Order]) -> tuple[CommissionReport, ...]:
    if not any(order.filled for order in orders.values()):
        return ()
    try:
        return await broker.commissions()
    except (NoAnswerError, RequestRefusedError) as error:
        logger.warning("the broker does not tell commissions: %s", error)
        return ()


def _by_order(reports: Iterable[CommissionReport]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for each in reports:
        sums[each.order_ref] = sums.get(each.order_ref, Decimal(0)) + each.commission
    return sums


def _made(
    run: RebalanceRun,
    outcomes: tuple[TradeOutcome, ...],
    values: AccountReport,
    held: Iterable[PositionReport],
) -> RebalanceReport:
    quantities = {p.contract.con_id: p.quantity for p in held}
    plan = run.plan
    weights = () if plan is None else plan.weights
    prices = {} if plan is None else plan.prices
    worth = Decimal(1) if plan is None else plan.value
    now = tuple(
        replace(w, after=quantities.get(w.con_id, Decimal(0)) * prices[w.con_id] / worth)
        for w in weights
    )
    filled = [each for each in outcomes if each.filled]
    told = [each.commission for each in filled]
    return RebalanceReport(
        outcomes=outcomes,
        weights=now,
        drift_before=drift((w.target, w.before) for w in weights),
        drift_after=drift((w.target, w.after) for w in now),
        value_after=values.net_liquidation,
        cash_after=values.total_cash,
        slippage=total(each.slippage for each in outcomes),
        commission=total(told) if all(c is not None for c in told) else None,
    )
