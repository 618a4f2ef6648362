"""Asking the broker what became of our orders, and what may be concluded from its answers.

Every request must answer, twice, before anything is concluded. What is found once is found: it is
adopted by its orderRef. Only an order that no answer shows is missing, and then the two rounds are
apart in time, because the broker's lists can be empty for a moment. A missing order is never sent again
here: what that needs is in `orders.resend`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Final

from ibgateway_api.week import NEW_YORK
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.orders.broker_reports import (
    FillReport,
    OrderError,
    OrderEvent,
    concerns,
)
from ibgateway_executor.orders.order import (
    REF_PREFIX,
    Order,
    OrderReason,
    OrderState,
    move,
)
from ibgateway_runtime.clock import Clock

PAUSE_SECONDS: Final = 0.05
APART_SECONDS: Final = 2.0
"""Between the rounds when an order is missing in the first one."""
MISSING_SECONDS: Final = 120.0
MISSING_ROUNDS: Final = 3
"""An order of an earlier day is given up after it was missing for so long, that many times."""
AT_BROKER: Final = frozenset({OrderState.WORKING, OrderState.UNKNOWN})
"""Not Sending: its acknowledgement is still awaited, and it becomes Unknown when that fails."""

Answer = tuple[OrderEvent, ...]
Sleep = Callable[[float], Awaitable[None]]
Patience = Callable[[Awaitable[Answer]], Awaitable[Answer]]
"""Waits for the answer of one question."""


async def _whenever(question: Awaitable[Answer]) -> Answer:
    return await question


async def ask(
    broker: Broker, wanted: Sequence[Order], sleep: Sleep, patience: Patience = _whenever
) -> Answer:
    """Both rounds' answers to all three questions; later apart where one of `wanted` is missing.

    Any BrokerError of a question.
    """
    first = await _round(broker, patience)
    index = AnswerIndex(first)
    complete = all(index.shows(order) for order in wanted)
    await sleep(PAUSE_SECONDS if complete else APART_SECONDS)
    return first + await _round(broker, patience)


async def _round(broker: Broker, patience: Patience) -> Answer:
    """Open orders first: an order that ends in between is then in one of the later answers too."""
    working = await patience(broker.open_orders())
    executed = await patience(broker.executions())
    return working + executed + await patience(broker.completed_orders())


class AnswerIndex:
    """Which orders an answer has something about: a crowd of orders is looked up in a crowd of reports."""

    def __init__(self, answer: Answer) -> None:
        named = [event for event in answer if not isinstance(event, OrderError)]
        bare = [event for event in named if not event.order_ref]
        fills = [event for event in bare if isinstance(event, FillReport)]
        self._refs = {event.order_ref for event in named if event.order_ref}
        # An orderRef of ours may have come back cut off; permanent ids tell all orders of an account apart.
        cut = [event for event in named if event.order_ref.startswith(REF_PREFIX)]
        self._perm_ids = {event.perm_id for event in [*bare, *cut] if event.perm_id}
        self._ids = {(event.client_id, event.order_id) for event in fills}
        self._ids_alone = {(e.client_id, e.order_id) for e in fills if not e.perm_id}
        self._cut: dict[tuple[int, int], list[OrderEvent]] = {}
        for event in cut:
            self._cut.setdefault((event.client_id, event.order_id), []).append(event)

    def shows(self, order: Order) -> bool:
        """Whether the answer has something about this order: as `concerns`, but a status never by ids alone."""
        if order.order_ref in self._refs or (order.perm_id and order.perm_id in self._perm_ids):
            return True
        if not order.order_id:
            return False
        mine = (order.client_id, order.order_id)
        if any(concerns(order, event) for event in self._cut.get(mine, ())):
            return True
        return mine in (self._ids_alone if order.perm_id else self._ids)


class OrderWatch:
    """For how long, and how often, the broker has shown nothing of an order. Forgotten at a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._missing: dict[str, tuple[float, int]] = {}

    def looked(self, missing: Iterable[Order]) -> None:
        """One more look, in which these orders were not shown."""
        now = self._clock.monotonic()
        before, self._missing = self._missing, {}
        for order in missing:
            since, times = before.get(order.id, (now, 0))
            self._missing[order.id] = (since, times + 1)

    def gone(self, order: Order) -> bool:
        """Whether it has been missing for long enough to be no accident."""
        since, times = self._missing.get(order.id, (self._clock.monotonic(), 0))
        return times >= MISSING_ROUNDS and self._clock.monotonic() - since >= MISSING_SECONDS


def conclude(order: Order, *, shown: bool, now: datetime, gone: bool) -> Order:
    """The order after answers that have been recorded already: what was not found is not resent.

    Unchanged where the broker knows the order (`shown`), or where none of it may have left. `gone`: it has been
    missing for long; only then is an order of an earlier day given up.
    """
    if not questionable(order) or shown:
        return order
    old = order.sent_at is None or _day(order.sent_at) != _day(now)
    if old and gone:
        return move(
            order, OrderState.UNVERIFIED, reason=OrderReason.NOT_FOUND_AT_BROKER, message=_OLD
        )
    if order.state is OrderState.UNKNOWN and order.reason == OrderReason.NOT_FOUND_AT_BROKER:
        return order
    return move(order, OrderState.UNKNOWN, reason=OrderReason.NOT_FOUND_AT_BROKER, message=_PARKED)


def questionable(order: Order) -> bool:
    """Whether the broker should know this order."""
    return order.state in AT_BROKER


def _day(at: datetime) -> date:
    """Executions and completed orders can be asked for until midnight in New York."""
    return at.astimezone(NEW_YORK).date()


_PARKED: Final = (
    "the broker shows no such order, neither open nor filled nor ended. It is not sent again, and "
    "looked for every minute. Look at the account in IBKR's own screens, say what you found with POST "
    "/v1/orders/{id}/resolve, then place a new order if it is missing. Until then, or until midnight in New "
    "York, later orders for this contract wait"
)
_OLD: Final = (
    "the order is from an earlier day and the broker tells nothing about it any more: compare the "
    "account's statement, and say what you found with POST /v1/orders/{id}/resolve"
)
