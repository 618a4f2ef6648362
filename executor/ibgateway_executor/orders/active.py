"""The orders that are not done, in memory: arranged by what is asked about them, so that nothing is searched. No I/O.

The ledger stays the truth: this is built from it at the start and follows each of its commits, in their order. What is
sent is decided by the ledger's row; this says only which order to try. `put` costs the same however many orders there are.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime

from ibgateway_executor.orders.named_orders import NamedOrders
from ibgateway_executor.orders.order import UNSENT, Order, OrderState
from ibgateway_executor.orders.windows import Window, window

Lane = tuple[str, int, Window]
"""Account, contract number and the part of its market's hours: first in, first out.

Orders of one contract that need other hours don't wait for each other's market, and else go first in, first out all the same.
"""


def lane(order: Order) -> Lane:
    """The lane an order belongs to; its contract number is 0 until it is resolved."""
    terms = order.terms
    return terms.account, terms.contract.con_id, window(terms)


class ActiveOrders:
    """Orders by their sequence, which is the order of their acceptance."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self.unsent: dict[int, Order] = {}
        self.sent: dict[int, Order] = {}
        """Those that the broker has or may have."""
        self.sending: dict[int, Order] = {}
        self.replacing: dict[int, Order] = {}
        """Unsent ones that wait for the end of the order they replace."""
        self.cancels: dict[int, Order] = {}
        """Those that a client wants cancelled."""
        self._lanes: dict[Lane, list[int]] = {}
        self._named = NamedOrders(self.unsent)
        self._doubted: dict[tuple[str, int], set[int]] = {}
        self._sent_of: dict[tuple[str, int], dict[int, Order]] = {}
        self._later: list[tuple[datetime, int]] = []
        self._begun: set[int] = set()
        self._ends: list[tuple[datetime, int]] = []
        self._news: dict[int, None] = {}
        self._moved: dict[Lane, None] = {}
        for order in orders:
            self.put(order)

    def __len__(self) -> int:
        return len(self.unsent) + len(self.sent)

    def __iter__(self) -> Iterator[Order]:
        yield from self.unsent.values()
        yield from self.sent.values()

    def put(self, order: Order) -> None:
        """The order as it stands now; one that is done is forgotten."""
        number = order.sequence
        before = self.unsent.get(number) or self.sent.get(number)
        if order.state not in UNSENT:
            self._begun.discard(number)
        if before is None and order.terminal:
            return
        if before is not None and _only_waits(before, order):
            self.unsent[number] = order
            return
        if before is not None:
            self._drop(before)
        if not order.terminal:
            self._add(order)
        self._news[number] = None

    def news(self) -> tuple[list[int], list[Lane]]:
        """Sequences and lanes of what has changed since the last call, but for why an order waits."""
        numbers, lanes = list(self._news), list(self._moved)
        self._news, self._moved = {}, {}
        return numbers, lanes

    def lanes(self) -> list[Lane]:
        """Lanes with unsent orders."""
        return list(self._lanes)

    def head(self, of: Lane) -> Order | None:
        """The first unsent order of a lane."""
        numbers = self._lanes.get(of, [])
        while numbers:
            order = self.unsent.get(numbers[0])
            if order is not None and lane(order) == of:
                return order
            heapq.heappop(numbers)
        self._lanes.pop(of, None)
        return None

    def in_lane(self, of: Lane) -> list[int]:
        """Sequences of a lane's unsent orders."""
        found = (self.unsent.get(number) for number in set(self._lanes.get(of, ())))
        return sorted(order.sequence for order in found if order is not None and lane(order) == of)

    def doubted(self, of: Lane) -> bool:
        """Whether the fate of an order of this account and contract is not known."""
        return of[:2] in self._doubted

    def siblings(self, of: Lane) -> list[Lane]:
        """The other lanes with unsent orders of this account and contract."""
        found = [(of[0], of[1], other) for other in Window if other is not of[2]]
        return [other for other in found if other in self._lanes]

    def behind_named(self, order: Order) -> bool:
        """Whether an earlier order, of which account or contract are not known yet, may be for the same ones."""
        return self._named.before(order)

    def begin(self, now: datetime) -> None:
        """Orders whose `not_before` has come join their lanes, at the place that their acceptance gives them."""
        while self._later and self._later[0][0] <= now:
            _, number = heapq.heappop(self._later)
            order = self.unsent.get(number)
            if order is not None and number not in self._begun:
                self._begun.add(number)
                self._queue(order)
                self._news[number] = None

    @property
    def in_doubt(self) -> int:
        """How many orders have an unknown fate."""
        return sum(len(numbers) for numbers in self._doubted.values())

    def due(self, now: datetime, most: int) -> list[Order]:
        """Unsent orders whose validity has ended, the first ones first; at most so many."""
        found: dict[int, Order] = {}
        ends = self._ends
        while ends and ends[0][0] <= now and len(found) < most:
            end, number = heapq.heappop(ends)
            order = self.unsent.get(number)
            if order is not None and order.valid_until == end:
                found[number] = order
        for order in found.values():
            heapq.heappush(ends, (order.valid_until, order.sequence))
        return list(found.values())

    def in_state(self, *states: OrderState) -> list[Order]:
        """Orders that the broker has or may have, in these states."""
        return [order for order in self.sent.values() if order.state in states]

    def beside(self, order: Order) -> list[Order]:
        """The orders for the same account and contract that the broker has or may have."""
        return list(self._sent_of.get(lane(order)[:2], {}).values())

    def _add(self, order: Order) -> None:
        number, of = order.sequence, lane(order)
        if order.state in UNSENT:
            self.unsent[number] = order
            if order.not_before is None or number in self._begun:
                self._queue(order)
            else:
                heapq.heappush(self._later, (order.not_before, number))
            heapq.heappush(self._ends, (order.valid_until, number))
            if order.awaits_end:
                self.replacing[number] = order
        else:
            self.sent[number] = order
            self._sent_of.setdefault(of[:2], {})[number] = order
        if order.state is OrderState.SENDING:
            self.sending[number] = order
        if order.state is OrderState.UNKNOWN:
            self._doubted.setdefault(of[:2], set()).add(number)
        if order.cancel_requested:
            self.cancels[number] = order
        self._moved[of] = None

    def _queue(self, order: Order) -> None:
        of = lane(order)
        heapq.heappush(self._lanes.setdefault(of, []), order.sequence)
        self._named.put(order)
        self._moved[of] = None

    def _drop(self, order: Order) -> None:
        number, of = order.sequence, lane(order)
        for index in (self.unsent, self.sent, self.sending, self.cancels, self.replacing):
            index.pop(number, None)
        if (beside := self._sent_of.get(of[:2])) and beside.pop(number, None) and not beside:
            del self._sent_of[of[:2]]
        if order.state is OrderState.UNKNOWN:
            self._doubted[of[:2]].discard(number)
            if not self._doubted[of[:2]]:
                del self._doubted[of[:2]]
            self._moved |= dict.fromkeys(self.siblings(of))
        self._moved[of] = None


def _only_waits(before: Order, after: Order) -> bool:
    """Whether nothing is new but why it waits."""
    return (
        before.state in UNSENT
        and after.state in UNSENT
        and before.terms == after.terms
        and not (before.awaits_end or after.awaits_end)
        and before.valid_until == after.valid_until
        and before.valid_by_default == after.valid_by_default
        and before.cancel_requested == after.cancel_requested
    )
