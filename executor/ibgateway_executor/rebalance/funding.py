"""The buys once the sells have ended: as planned, or fewer. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from ibgateway_executor.orders.limits import own_price
from ibgateway_executor.orders.order import Order
from ibgateway_executor.orders.portfolio import AccountReport, SettlementKind
from ibgateway_executor.rebalance.plan import NOTHING, PlannedTrade
from ibgateway_executor.rebalance.rounding import Rounding, rounded_up

PROCEEDS_SHOWN: Final = Decimal("0.98")
"""Cash that has grown by so much of what the sells brought shows that IBKR has counted them; the rest is costs."""


def spendable(report: AccountReport, *, settled_alone: bool) -> Decimal:
    """Cash for buys in the account's own currency: never what a loan would bring, nor other currencies' cash."""
    amounts = [report.total_cash, report.cash.get(report.currency, report.total_cash)]
    if report.available_funds is not None:
        amounts.append(report.available_funds)
    if settled_alone and report.settlement is SettlementKind.CASH:
        amounts.append(NOTHING if report.settled_cash is None else report.settled_cash)
    return min(amounts)


def netted(
    buys: Sequence[PlannedTrade], before: Mapping[int, Decimal], now: Mapping[int, Decimal]
) -> tuple[PlannedTrade, ...]:
    """The buys less what has been bought otherwise since the plan was made; positions by contract number."""
    left = []
    for buy in buys:
        more = now.get(buy.con_id, NOTHING) - before.get(buy.con_id, NOTHING)
        quantity = min(buy.quantity, int((buy.quantity - more).to_integral_value(ROUND_FLOOR)))
        if quantity > 0:
            left.append(replace(buy, quantity=quantity))
    return tuple(left)


def with_open(held: Mapping[int, Decimal], orders: Iterable[Order]) -> dict[int, Decimal]:
    """What is held, by contract number, once these orders, which buy, have been filled."""
    after = dict(held)
    for order in orders:
        number = order.terms.contract.con_id
        after[number] = after.get(number, NOTHING) + order.terms.quantity - order.filled
    return after


def open_cost(orders: Iterable[Order], prices: Mapping[int, Decimal]) -> Decimal:
    """What is left of these orders, which buy, may cost: at their own prices, else at those of now by contract number."""
    return sum(
        (
            (order.terms.quantity - order.filled)
            * (own_price(order.terms) or prices[order.terms.contract.con_id])
            * Decimal(order.terms.contract.multiplier or 1)
            for order in orders
        ),
        NOTHING,
    )


def funded(
    buys: Sequence[PlannedTrade], room: Decimal, prices: Mapping[int, Decimal]
) -> tuple[PlannedTrade, ...]:
    """The buys as far as `room` goes at these prices: all by the same part where it does not do for all, then the largest remainders.

    A buy whose price is not in `prices` counts with the one it was decided at.
    """
    priced = {buy.con_id: prices.get(buy.con_id, buy.price) for buy in buys}
    cost = sum((buy.quantity * priced[buy.con_id] for buy in buys), NOTHING)
    if cost <= room or not buys:
        return tuple(buys)
    part = max(room, NOTHING) / cost
    down = {buy.con_id: int(buy.quantity * part) for buy in buys}
    spent = sum((down[number] * price for number, price in priced.items()), NOTHING)
    choices = [
        Rounding(
            b.con_id, priced[b.con_id], priced[b.con_id] * (b.quantity * part - down[b.con_id])
        )
        for b in buys
        if down[b.con_id] < b.quantity
    ]
    up = rounded_up(choices, max(room, NOTHING) - spent)
    smaller = (replace(b, quantity=down[b.con_id] + (b.con_id in up)) for b in buys)
    return tuple(buy for buy in smaller if buy.quantity)


def counted(report: AccountReport, cash_before: Decimal, proceeds: Decimal) -> bool:
    """Whether the account's cash shows the sells already."""
    return report.total_cash >= cash_before + proceeds * PROCEEDS_SHOWN
