"""Which order may be sent next, and why the others wait. Pure.

One lane per account and contract, first in first out, so only the head of a lane may be sent. The oldest head that
nothing holds is next. One unacknowledged submission at a time for the whole client id; an order of unknown fate blocks
its own lane.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_executor.orders.active import ActiveOrders, Lane, lane
from ibgateway_executor.orders.market_hours import HoursUnknown, Market, MarketClosed
from ibgateway_executor.orders.order import Order, OrderReason


@dataclass(frozen=True)
class Waiting:
    """Why an order is not sent now; `until` where known.

    `brief`: not written down: over in a moment (the broker is being asked), or the ledger can't be written.
    """

    reason: str
    message: str
    until: datetime | None = None
    brief: bool = False


BEHIND_UNKNOWN: Final = Waiting(
    OrderReason.BEHIND_UNKNOWN,
    "an earlier order for this account and contract has an unknown fate",
)
BEHIND_EARLIER: Final = Waiting(
    OrderReason.BEHIND_EARLIER, "an earlier order for this contract goes first"
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
    return None


class LaneHeads:
    """The first orders of the lanes, the oldest first. What held one is looked at again when it is `put`."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, Lane]] = []

    def put(self, active: ActiveOrders, of: Lane) -> None:
        """Something has changed about this lane."""
        if (head := active.head(of)) is not None:
            heapq.heappush(self._heap, (head.sequence, of))

    def put_all(self, active: ActiveOrders) -> None:
        """Anything may have changed about any lane."""
        heads = (active.head(of) for of in active.lanes())
        self._heap = [(head.sequence, lane(head)) for head in heads if head is not None]
        heapq.heapify(self._heap)

    def next(
        self,
        active: ActiveOrders,
        *,
        wait: Callable[[Order], Waiting | None],
        before: int | None = None,
    ) -> Order | None:
        """The oldest head that nothing holds, and none from sequence `before` on."""
        while self._heap:
            number, of = self._heap[0]
            head = active.head(of)
            if head is None or head.sequence != number:
                heapq.heappop(self._heap)
            elif before is not None and number >= before:
                return None
            elif active.doubted(of) or wait(head) is not None:
                heapq.heappop(self._heap)
            else:
                return head
        return None
