"""Why each unsent order waits, and writing it down.

Nothing is searched: an order is looked at when something about it has changed, so many at a time between two that are sent.
"""

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Final

from ibgateway_api.executor_spec import MarketClosedAction
from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Delay, Step
from ibgateway_executor.orders.active import Lane, lane
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, move
from ibgateway_executor.orders.queue import (
    BEHIND_EARLIER,
    BEHIND_NAMED,
    BEHIND_UNKNOWN,
    ONE_AT_A_TIME,
    Waiting,
    gate_wait,
    market_wait,
)
from ibgateway_runtime.clock import Clock

AT_ONCE: Final = 500
SLOW_SECONDS: Final = 0.25
"""An acknowledgement usually comes sooner: that orders wait for it is not written down before."""
APART_SECONDS: Final = 0.25
"""Between two times at which reasons are written down, once there are no more to write. One commit for each order that comes
would be half of what the disk can take, and each new order would wait for the last one's reason.
"""
CLOSED: Final = frozenset({OrderReason.MARKET_CLOSED, OrderReason.CUT_OFF_PASSED})
"""What an order may be refused for instead of waiting."""
MOST_ACTIVE: Final = 20
"""IBKR's limit of active orders for one contract, side and account."""
AWAITS_END: Final = Waiting(
    OrderReason.REPLACED_WORKS, "the order that it replaces is being cancelled and has not ended"
)
LATE: Final = Waiting(OrderReason.VALIDITY_ENDED, "validUntil is past by this clock", brief=True)
UNPROVEN: Final = Waiting(
    OrderReason.VALIDITY_ENDED,
    "validUntil is past by this clock, and the order is not sent any more; it expires once IBKR's time is "
    "known, because this clock may be wrong",
)


class OrderWaits:
    """What holds an order now; those whose reason may be another one than is written down."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        settings: Callable[[], ExecutorSettings],
        contracts: Contracts,
        preparation: Preparation,
        submitter: OrderSubmitter,
        clock: Clock,
        apart_seconds: float = APART_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._settings = settings
        self._contracts = contracts
        self._preparation = preparation
        self._submitter = submitter
        self._clock = clock
        self._apart_seconds = apart_seconds
        self._written_at = float("-inf")
        self._gate: Gate = Closed(GateReason.NO_NEWS, "not looked at yet")
        self._settings_seen: ExecutorSettings | None = None
        self._conditions: dict[Lane, Hashable] = {}
        self._late: set[int] = set()
        self._open: dict[int, None] = {}

    def begin(self, gate: Gate) -> None:
        """The gate and the settings of this look: another reason or another setting concerns everybody."""
        settings = self._settings()
        if _reason(self._gate) != _reason(gate) or self._settings_seen is not settings:
            self.put_all()
        self._gate, self._settings_seen = gate, settings
        self._look_for_late()

    def put(self, numbers: Iterable[int]) -> None:
        """Something about these orders has changed."""
        self._open |= dict.fromkeys(numbers)

    def put_all(self) -> None:
        """Something that concerns every order has changed."""
        self.put(self._ledger.active.unsent)

    def put_heads(self) -> None:
        """Something that concerns the first order of each lane has changed."""
        active = self._ledger.active
        heads = (active.head(of) for of in active.lanes())
        self.put(head.sequence for head in heads if head is not None)

    def put_lane(self, of: Lane) -> None:
        """Something in this lane has changed, or its market."""
        head = self._ledger.active.head(of)
        if head is None:
            self._conditions.pop(of, None)
            return
        closed = market_wait(self._contracts.market(head.terms))
        condition = (closed and closed.reason, self._ledger.active.doubted(of))
        before = self._conditions.get(of)
        self._conditions[of] = condition
        self.put([head.sequence] if condition == before else self._ledger.active.in_lane(of))

    def own(self, order: Order) -> Waiting | None:
        """What holds the order itself, whoever is before it."""
        if (closed := gate_wait(self._gate)) is not None:
            return closed
        if self._clock.now() >= order.valid_until:
            return LATE
        if order.not_before and self._connection.now() < order.not_before:
            begins = order.not_before
            return Waiting(
                OrderReason.NOT_BEFORE, f"not before {begins.isoformat()}, as asked", begins
            )
        if order.awaits_end:
            return AWAITS_END
        return (
            self._submitter.wait(order)
            or self._preparation.wait(order)
            or market_wait(self._contracts.market(order.terms))
            or self._full(order)
        )

    def _full(self, order: Order) -> Waiting | None:
        side, beside = order.terms.side, self._ledger.active.beside(order)
        if sum(other.terms.side is side for other in beside) < MOST_ACTIVE:
            return None
        return Waiting(
            OrderReason.ACTIVE_ORDER_LIMIT,
            f"IBKR takes {MOST_ACTIVE} active orders for a contract, side and account: wait, or cancel one",
        )

    def pause(self) -> float:
        """Seconds until reasons that may be new are to be written down; 0 where there is none, or at once."""
        if not self._open:
            return 0.0
        return max(0.0, self._written_at + self._apart_seconds - self._clock.monotonic())

    async def record(self, *, sent_for: float | None) -> bool:
        """Write down why orders wait, where that is new; whether there are more to look at.

        `sent_for`: for so many seconds another one has been on its way.
        """
        numbers = tuple(number for _, number in zip(range(AT_ONCE), self._open, strict=False))
        for number in numbers:
            del self._open[number]
        steps: dict[str, Step] = {}
        delays: dict[Waiting, list[int]] = {}
        usual = self._settings().market_closed
        for order in (self._ledger.active.unsent.get(number) for number in numbers):
            wait = None if order is None else self._wait(order, sent_for)
            if order is None or wait is None or wait.brief:
                continue
            if (
                wait.reason in CLOSED
                and (order.market_closed or usual) == MarketClosedAction.REJECT
            ):
                steps[order.id] = partial(_reject, wait=wait)
            elif (order.state, order.reason) != (OrderState.WAITING, wait.reason):
                delays.setdefault(wait, []).append(order.sequence)
        try:
            await self._ledger.advance_all(steps)
            await self._ledger.delay(
                [Delay(why.reason, why.message, tuple(of)) for why, of in delays.items()]
            )
        except BaseException:
            self.put(numbers)
            raise
        if (steps or delays) and not self._open:
            self._written_at = self._clock.monotonic()
        return bool(self._open)

    def _wait(self, order: Order, sent_for: float | None) -> Waiting | None:
        wait = self.own(order) or self._behind(order)
        if wait is None and sent_for is not None and sent_for >= SLOW_SECONDS:
            wait = ONE_AT_A_TIME
        if wait is None or wait.brief or self._connection.time() is not None:
            return wait
        return UNPROVEN if self._clock.now() >= order.valid_until else wait

    def _behind(self, order: Order) -> Waiting | None:
        of = lane(order)
        if self._ledger.active.doubted(of):
            return BEHIND_UNKNOWN
        if self._ledger.active.head(of) is not order:
            return BEHIND_EARLIER
        return BEHIND_NAMED if self._ledger.active.behind_named(order) else None

    def _look_for_late(self) -> None:
        """Before IBKR's time is known nothing expires, and an order past its validity has a reason of its own."""
        active, now = self._ledger.active, self._clock.now()
        if self._connection.time() is not None or not (self._late or active.due(now, 1)):
            late: set[int] = set()
        else:
            late = {number for number, o in active.unsent.items() if now >= o.valid_until}
        self.put(late ^ self._late)
        self._late = late


def _reason(gate: Gate) -> str | None:
    return str(gate.reason) if isinstance(gate, Closed) else None


def _reject(order: Order, wait: Waiting) -> Order:
    return move(order, OrderState.REJECTED, reason=wait.reason, message=wait.message)
