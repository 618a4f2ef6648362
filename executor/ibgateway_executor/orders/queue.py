"""Which order may be sent next, and why the others wait. Pure.

One lane per account, contract and part of the market's hours, first in first out, so only the head of a lane may be sent. The
oldest head that nothing holds is next, one of high priority before all others. One unacknowledged submission at a time for the whole client id; an order of unknown fate blocks
its own lane. An order whose account or contract is not known yet holds up the later ones that may be for the same.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_executor.orders.active import ActiveOrders, Lane, lane
from ibgateway_executor.orders.market_hours import (
    CutOffPassed,
    HoursUnknown,
    Market,
    MarketClosed,
)
from ibgateway_executor.orders.order import Order, OrderReason, Priority


@dataclass(frozen=True)
class Waiting:
    """Why an order is not sent now; `until` where known.

    `brief`: not written down: over in a moment (the broker is being asked), or the ledger can't be written.
    """

    reason: str
    message: str
    until: datetime | None = None
    brief: bool = False


TIMED: Final = frozenset(
    {
        OrderReason.MARKET_CLOSED,
        OrderReason.HOURS_UNKNOWN,
        OrderReason.CUT_OFF_PASSED,
        OrderReason.NOT_BEFORE,
    }
)
"""What waits for its time holds up no order of the same contract that needs other hours."""
BEHIND_UNKNOWN: Final = Waiting(
    OrderReason.BEHIND_UNKNOWN,
    "an earlier order for this account and contract has an unknown fate",
)
BEHIND_EARLIER: Final = Waiting(
    OrderReason.BEHIND_EARLIER, "an earlier order for this contract goes first"
)
BEHIND_NAMED: Final = Waiting(
    OrderReason.BEHIND_EARLIER,
    "an earlier order may be for this contract: what it names has not been told by the broker yet",
)
ONE_AT_A_TIME: Final = Waiting(
    OrderReason.ONE_AT_A_TIME, "another order is on its way to the broker"
)


def gate_wait(gate: Gate) -> Waiting | None:
    """What a closed gate says to every unsent order."""
    if not isinstance(gate, Closed):
        return None
    unwritable = gate.reason is GateReason.LEDGER_UNAVAILABLE
    return Waiting(gate.reason, gate.message, gate.until, brief=unwritable)


def market_wait(market: Market) -> Waiting | None:
    """What the hours of its contract say to an order."""
    if isinstance(market, HoursUnknown):
        return Waiting(OrderReason.HOURS_UNKNOWN, market.message)
    if isinstance(market, MarketClosed):
        opens = market.opens.isoformat() if market.opens else "a time not known yet"
        return Waiting(OrderReason.MARKET_CLOSED, f"the market opens at {opens}", market.opens)
    if isinstance(market, CutOffPassed):
        return Waiting(OrderReason.CUT_OFF_PASSED, _too_late(market), market.opens)
    return None


def _too_late(market: CutOffPassed) -> str:
    opens = market.opens.isoformat() if market.opens else "a time not known yet"
    return (
        f"the auction took orders until {market.cut_off.isoformat()}; the next one does from {opens} on, and the order is for "
        "it only if its validUntil is later"
    )


class LaneHeads:
    """The first orders of the lanes, the oldest first. What held one is looked at again when it is `put`."""

    def __init__(self) -> None:
        self._heaps: dict[Priority, list[tuple[int, Lane]]] = {rank: [] for rank in Priority}

    def put(self, active: ActiveOrders, of: Lane) -> None:
        """Something has changed about this lane."""
        for one in (of, *active.siblings(of)):
            if (head := active.head(one)) is not None:
                heapq.heappush(self._heaps[head.priority], (head.sequence, one))

    def put_all(self, active: ActiveOrders) -> None:
        """Anything may have changed about any lane."""
        heads = [head for of in active.lanes() if (head := active.head(of)) is not None]
        for rank in Priority:
            heap = [(head.sequence, lane(head)) for head in heads if head.priority is rank]
            heapq.heapify(heap)
            self._heaps[rank] = heap

    def next(
        self,
        active: ActiveOrders,
        *,
        wait: Callable[[Order], Waiting | None],
        before: int | None = None,
    ) -> Order | None:
        """The oldest head that nothing holds, of high priority if there is one; none from sequence `before` on."""
        found = (_first(heap, active, wait, before) for heap in self._heaps.values())
        return next((head for head in found if head is not None), None)


def _first(
    heap: list[tuple[int, Lane]],
    active: ActiveOrders,
    wait: Callable[[Order], Waiting | None],
    before: int | None,
) -> Order | None:
    while heap:
        number, of = heap[0]
        head = active.head(of)
        if head is None or head.sequence != number:
            heapq.heappop(heap)
        elif before is not None and number >= before:
            return None
        elif active.doubted(of) or wait(head) is not None or _overtakes(active, head, wait):
            heapq.heappop(heap)
        else:
            return head
    return None


def _overtakes(active: ActiveOrders, head: Order, wait: Callable[[Order], Waiting | None]) -> bool:
    """Whether an earlier order of the same account and contract, as far as that is known, waits for something else than its own hours."""
    if active.behind_named(head):
        return True
    for of in active.siblings(lane(head)):
        other = active.head(of)
        if other is not None and other.sequence < head.sequence:
            held = wait(other)
            if held is None or held.reason not in TIMED:
                return True
    return False
