"""Whether buys that have waited for days are still the ones that were planned. Pure.

After a split the same number of shares is another part of the account, after a merger there may be none of them: nobody here is told
of that, so it is read from prices and holdings that have moved too far.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from ibgateway_executor.orders.order import Order, Side
from ibgateway_executor.rebalance.plan import NOTHING, PlannedTrade

MOVED: Final = Decimal("1.2")
"""By this factor or more, up or down. The smallest usual split is five for four; a share that moves as far by itself deserves a new plan."""


def changes(
    buys: Iterable[PlannedTrade],
    prices: Mapping[int, Decimal],
    expected: Mapping[int, Decimal],
    held: Mapping[int, Decimal],
) -> list[str]:
    """What is not as it was planned, in words; all by contract number. `expected` is what would be held by what was traded here."""
    found = []
    for buy in buys:
        price = prices.get(buy.con_id)
        if price is not None and _moved(price, buy.price):
            found.append(f"{buy.symbol} costs {price} and was planned at {buy.price}")
        there, here = held.get(buy.con_id, NOTHING), expected.get(buy.con_id, NOTHING)
        if here > 0 and _moved(there, here):
            found.append(f"{there} of {buy.symbol} are held, and {here} by what was traded here")
    return found


def expected_holdings(before: Mapping[int, Decimal], orders: Iterable[Order]) -> dict[int, Decimal]:
    """What is held by contract number once what these orders have filled is counted."""
    after = dict(before)
    for order in orders:
        number = order.terms.contract.con_id
        signed = order.filled if order.terms.side is Side.BUY else -order.filled
        after[number] = after.get(number, NOTHING) + signed
    return after


def _moved(now: Decimal, before: Decimal) -> bool:
    return now <= 0 or now >= before * MOVED or now * MOVED <= before
