"""What is in memory is what the ledger has: after every step, whatever the order of the steps."""

import asyncio
import tempfile
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor_fakes import NOON, TERMS, CountingWakeup, HookedStore, ManualClock, entry, open_hooked
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Delay, LedgerStore
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.active import ActiveOrders, lane
from ibgateway_executor.orders.broker_reports import FillReport, OrderError, OrderStatusReport
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    cancel,
    expire,
    move,
    unsend,
)

LATER = NOON + timedelta(days=2)
NAMES = ("a", "b", "c")


class MemoryWorld:
    """A ledger and its store; `time` moves a second a step."""

    def __init__(self, folder: Path) -> None:
        self.time = ManualClock()
        self.store: HookedStore = open_hooked(folder / "ledger.db")
        self.changed = CountingWakeup()
        self.ledger = self._open()

    def _open(self) -> Ledger:
        return Ledger(
            self.store, clock=self.time.clock, metrics=ExecutorMetrics(), changed=self.changed
        )

    async def restart(self) -> None:
        """A process that begins with what is on disk."""
        self.ledger = self._open()
        await self.ledger.recover()

    async def step(self, name: str, what: str, number: int) -> None:
        """One thing that can happen to an order; nothing where it is not there."""
        self.time.advance(1)
        order = await self.ledger.find(name)
        if what == "accept":
            await self.ledger.accept(entry(name, replace(TERMS, contract=Contract(number))))
        elif what == "archive":
            await self.ledger.archive(self.time.now)
        elif what == "restart":
            await self.restart()
        elif order is not None:
            await STEPS[what](self.ledger, order, number)


async def _complete(ledger: Ledger, order: Order, number: int) -> None:
    terms = replace(order.terms, contract=Contract(number, "X"))
    end = NOON + timedelta(hours=number)
    if order.state in (OrderState.ACCEPTED, OrderState.WAITING):
        await ledger.advance(order.id, lambda o: replace(o, terms=terms, valid_until=end))


async def _extend(ledger: Ledger, order: Order, number: int) -> None:
    await ledger.advance(order.id, lambda o: replace(o, valid_until=NOON + timedelta(hours=number)))


async def _delay(ledger: Ledger, order: Order, number: int) -> None:
    known = tuple(range(1, order.sequence + 1))
    await ledger.delay([Delay(f"reason-{number}", "in words", known)])


async def _status(ledger: Ledger, order: Order, number: int) -> None:
    status = ("Submitted", "Filled", "Cancelled", "Inactive")[number % 4]
    await ledger.observe(
        OrderStatusReport(order.order_id, 17, 900 + order.sequence, status, order.order_ref)
    )


async def _fill(ledger: Ledger, order: Order, number: int) -> None:
    fill = FillReport(
        *(order.order_id, 17, 900 + order.sequence, order.order_ref, "e"),
        cumulative=Decimal(number * 3),
        average_price=Decimal("190.01"),
    )
    await ledger.observe(fill, fill)


STEPS: dict[str, Callable[[Ledger, Order, int], Awaitable[object]]] = {
    "complete": _complete,
    "extend": _extend,
    "delay": _delay,
    "reserve": lambda ledger, order, n: ledger.reserve(order.id, client_id=17, next_valid_id=n),
    "unsend": lambda ledger, order, _: ledger.advance(
        order.id, lambda o: unsend(o, reason="x", message="")
    ),
    "doubt": lambda ledger, order, _: ledger.advance(
        order.id, lambda o: move(o, OrderState.UNKNOWN)
    ),
    "cancel": lambda ledger, order, _: ledger.advance(order.id, cancel),
    "expire": lambda ledger, order, n: ledger.advance(
        order.id, lambda o: expire(o, NOON + timedelta(hours=n * 10))
    ),
    "status": _status,
    "fill": _fill,
    "error": lambda ledger, order, n: ledger.observe(
        OrderError(order.order_id, 17, (201, 202, 100, 399)[n % 4], "told")
    ),
}
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["accept", "accept", "archive", "restart", *STEPS]),
        st.integers(1, 4),
    ),
    min_size=20,
    max_size=60,
)


def arranged(orders: ActiveOrders) -> tuple[object, ...]:
    """Everything that can be asked."""
    lanes = sorted({lane(order) for order in orders})
    return (
        *(orders.unsent, orders.sent, orders.sending, orders.cancels, len(orders)),
        [(of, orders.head(of), orders.in_lane(of), orders.doubted(of)) for of in lanes],
        sorted(order.sequence for order in orders.due(LATER, 100)),
        sorted(order.sequence for order in orders.due(NOON + timedelta(hours=2), 100)),
    )


def tell_their_story(store: LedgerStore, orders: list[Order]) -> None:
    """The history of each is whole, and ends where the order stands."""
    for order in orders:
        lines = store.history(order.sequence, after=0, limit=100)
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert [line.before for line in lines[1:]] == [line.state for line in lines[:-1]]
        assert lines[-1].state == order.state


@settings(max_examples=40)
@given(HAPPENINGS)
def test_the_memory_is_what_a_fresh_look_at_the_ledger_gives(
    happenings: list[tuple[str, str, int]],
) -> None:
    async def play(folder: Path) -> None:
        world = MemoryWorld(folder)
        told: list[Order] = []
        for name, what, number in happenings:
            await world.step(name, what, number)
            assert arranged(world.ledger.active) == arranged(ActiveOrders(world.store.active()))
            orders = world.store.page(after=0, limit=100, state=None)
            tell_their_story(world.store, [order for order in orders if order not in told])
            told = orders
        tell_their_story(world.store, told)
        world.ledger.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_a_commit_that_nobody_waits_for_any_more_is_followed(tmp_path: Path) -> None:
    world = MemoryWorld(tmp_path)
    await world.ledger.accept(entry("a"))
    asking = asyncio.create_task(world.ledger.reserve("a", client_id=17, next_valid_id=1))
    committed, cancelled = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        loop.call_soon_threadsafe(committed.set)
        assert cancelled.wait(30)

    world.store.after_reserve = tell
    await committed.wait()
    asking.cancel()
    cancelled.set()
    await world.ledger.mark_written()
    assert [order.id for order in world.ledger.active.sending.values()] == ["a"]
    world.ledger.close()


async def test_what_could_not_be_committed_is_not_in_memory(tmp_path: Path) -> None:
    world = MemoryWorld(tmp_path)
    await world.ledger.accept(entry("a"))
    cursor = world.store._file.engine.raw_connection().cursor()
    cursor.execute("PRAGMA query_only=ON")
    with pytest.raises(LedgerUnavailableError):
        await world.ledger.reserve("a", client_id=17, next_valid_id=1)
    assert list(world.ledger.active.sending) == []
    assert list(world.ledger.active.unsent) == [1]
    cursor.execute("PRAGMA query_only=OFF")
    world.ledger.close()


async def test_a_row_that_may_not_be_sent_any_more_leaves_the_memory(tmp_path: Path) -> None:
    world = MemoryWorld(tmp_path)
    await world.ledger.accept(entry("a"))
    world.store.advance({"a": cancel}, NOON)
    assert await world.ledger.reserve("a", client_id=17, next_valid_id=1) is None
    assert len(world.ledger.active) == 0
    world.ledger.close()


def order(number: int, end: datetime) -> Order:
    return Order(str(number), number, TERMS, accepted_at=NOON, valid_until=end)


def test_what_is_due_stays_due_until_it_has_ended() -> None:
    orders = ActiveOrders(order(n, NOON + timedelta(hours=n)) for n in range(1, 6))
    at = NOON + timedelta(hours=3)
    assert [o.sequence for o in orders.due(at, 2)] == [1, 2]
    assert [o.sequence for o in orders.due(at, 9)] == [1, 2, 3]
    orders.put(replace(order(1, NOON), state=OrderState.EXPIRED))
    orders.put(order(2, NOON + timedelta(hours=9)))
    assert [o.sequence for o in orders.due(at, 9)] == [3]
    assert [o.sequence for o in orders.due(NOON + timedelta(hours=9), 9)] == [3, 4, 5, 2]


def test_an_order_whose_contract_is_found_leaves_its_lane_for_another_one() -> None:
    orders = ActiveOrders(order(n, NOON) for n in (1, 2))
    found = replace(order(1, NOON), terms=replace(TERMS, contract=Contract(7, "X")))
    orders.put(found)
    second, first = orders.head(lane(order(2, NOON))), orders.head(lane(found))
    assert (second, first) == (order(2, NOON), found)
    assert orders.in_lane(lane(found)) == [1]


def test_a_contract_that_is_found_late_goes_first_in_its_lane_all_the_same() -> None:
    there = replace(TERMS, contract=Contract(7, "X"))
    orders = ActiveOrders([order(1, NOON), replace(order(2, NOON), terms=there)])
    orders.put(found := replace(order(1, NOON), terms=there))
    assert orders.head(lane(found)) == found
    assert orders.in_lane(lane(found)) == [1, 2]


def test_news_are_what_has_changed_but_for_why_an_order_waits() -> None:
    orders = ActiveOrders([first := order(1, NOON)])
    assert orders.news() == ([1], [lane(first)])
    orders.put(replace(first, state=OrderState.WAITING, reason="x"))
    orders.put(replace(order(2, NOON), state=OrderState.FILLED))
    assert orders.news() == ([], [])
    orders.put(replace(first, state=OrderState.SENDING))
    assert orders.news() == ([1], [lane(first)])
    orders.put(replace(first, state=OrderState.FILLED))
    assert orders.news() == ([1], [lane(first)])


async def test_why_an_order_waits_is_kept_only_of_what_was_written(tmp_path: Path) -> None:
    world = MemoryWorld(tmp_path)
    await world.ledger.accept(entry("a"))
    await world.ledger.accept(entry("b"))
    world.store.advance({"a": cancel}, NOON)
    await world.ledger.delay([Delay("x", "in words", (1, 2))])
    assert [(o.id, o.reason) for o in world.ledger.active] == [("a", ""), ("b", "x")]
    world.ledger.close()


def test_an_order_that_waits_for_another_ones_end_no_more_is_news_though_all_of_it_is_left() -> (
    None
):
    waiting = replace(order(1, LATER), replaces="o0", awaits_end=True)
    active = ActiveOrders([waiting])
    assert active.replacing == {1: waiting}
    active.news()
    active.put(replace(waiting, awaits_end=False))
    assert active.replacing == {}
    assert active.news()[0] == [1]
