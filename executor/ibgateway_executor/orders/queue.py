"""Which order may be sent next, and why the others wait. Pure.

One lane per account and contract, first in first out. An order that waits for its market leaves the
lane's head. One unacknowledged submission at a time for the whole client id; an order of unknown
fate blocks its own lane.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_executor.orders.active import Lane, lane
from ibgateway_executor.orders.market_hours import HoursUnknown, Market, MarketClosed
from ibgateway_executor.orders.order import UNSENT, Order, OrderReason, OrderState


@dataclass(frozen=True)
class Waiting:
    """Why an order is not sent now; `until` where known.

    `brief`: not written down: over in a moment (the broker is being asked), or the ledger can't be written.
    """

    reason: str
    message: str
    until: datetime | None = None
    brief: bool = False


@dataclass(frozen=True)
class QueueChoice:
    """The order to send next, if any, and why each of the other unsent ones waits, by order id."""

    next: Order | None
    waits: Mapping[str, Waiting]


def choose(
    orders: Sequence[Order],
    *,
    gate: Gate,
    markets: Mapping[int, Market],
    delays: Mapping[str, Waiting],
) -> QueueChoice:
    """The oldest order that nothing holds.

    `orders` are the active ones in order of acceptance; `markets` by contract number, `delays` by order
    id for orders that lack an account, a contract or a price.
    """
    busy = any(order.state is OrderState.SENDING for order in orders)
    lost = {lane(order) for order in orders if order.state is OrderState.UNKNOWN}
    heads: set[Lane] = set()
    chosen: Order | None = None
    waits: dict[str, Waiting] = {}
    for order in (order for order in orders if order.state in UNSENT):
        wait = _own_wait(order, gate, markets, delays) or _lane_wait(order, lost, heads)
        if wait is None and (busy or chosen is not None):
            wait = Waiting(OrderReason.ONE_AT_A_TIME, "another order is on its way to the broker")
        if wait is None:
            chosen = order
        else:
            waits[order.id] = wait
        if wait is None or wait.reason != OrderReason.MARKET_CLOSED:
            heads.add(lane(order))
    return QueueChoice(chosen, waits)


def _own_wait(
    order: Order, gate: Gate, markets: Mapping[int, Market], delays: Mapping[str, Waiting]
) -> Waiting | None:
    if isinstance(gate, Closed):
        unwritable = gate.reason is GateReason.LEDGER_UNAVAILABLE
        return Waiting(gate.reason, gate.message, gate.until, brief=unwritable)
    if order.id in delays:
        return delays[order.id]
    known = markets.get(order.terms.contract.con_id, HoursUnknown("not asked yet"))
    if isinstance(known, HoursUnknown):
        return Waiting(OrderReason.HOURS_UNKNOWN, known.message)
    if isinstance(known, MarketClosed):
        opens = known.opens.isoformat() if known.opens else "a time not known yet"
        return Waiting(OrderReason.MARKET_CLOSED, f"the market opens at {opens}", known.opens)
    return None


def _lane_wait(order: Order, lost: Iterable[Lane], heads: Iterable[Lane]) -> Waiting | None:
    if lane(order) in lost:
        return Waiting(
            OrderReason.BEHIND_UNKNOWN,
            "an earlier order for this account and contract has an unknown fate",
        )
    if lane(order) in heads:
        return Waiting(OrderReason.BEHIND_EARLIER, "an earlier order for this contract goes first")
    return None
