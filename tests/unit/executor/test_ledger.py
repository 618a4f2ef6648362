"""The ledger as everybody calls it: what it announces, and what it keeps to itself."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import CountingWakeup, HookedStore, ManualClock, entry, open_hooked
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import FillReport, OrderError, OrderStatusReport
from ibgateway_executor.orders.order import Order, OrderState, cancel, move

WORKING = OrderStatusReport(1, 17, 900, "Submitted", order_ref="ibg-a")


class LedgerWorld:
    """A ledger with what it announces."""

    def __init__(self, store: HookedStore, log: pytest.LogCaptureFixture) -> None:
        self.store = store
        self.time, self.metrics, self.changed = ManualClock(), ExecutorMetrics(), CountingWakeup()
        self.ledger = Ledger(
            store, clock=self.time.clock, metrics=self.metrics, changed=self.changed
        )
        self._log = log
        self._log.set_level(logging.INFO)

    def announced(self) -> tuple[list[str], int]:
        """The log lines and wake-ups since the last call."""
        lines = [r.message for r in self._log.records]
        count, self.changed.count = self.changed.count, 0
        self._log.clear()
        return lines, count

    def counted(self, name: str, **labels: str) -> float:
        """A figure of the metrics."""
        return self.metrics.registry.get_sample_value(f"ibgateway_executor_{name}", labels) or 0.0


@pytest.fixture
async def world(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[LedgerWorld]:
    made = LedgerWorld(open_hooked(tmp_path / "ledger.db"), caplog)
    yield made
    made.ledger.close()


def to(state: OrderState, reason: str = "") -> Step:
    return lambda order: move(order, state, reason=reason, message="in words for a client")


async def sending(world: LedgerWorld) -> Order:
    """Order a, on its way; what that announced is forgotten."""
    await world.ledger.accept(entry("a"))
    order = await world.ledger.reserve("a", client_id=17, next_valid_id=1)
    assert order is not None
    world.announced()
    return order


async def test_a_new_order_is_announced_and_a_repeated_request_is_not(world: LedgerWorld) -> None:
    first, new = await world.ledger.accept(entry("a"))
    assert new
    assert world.announced() == (["order a is Accepted (0 of 10 filled)"], 1)
    assert await world.ledger.accept(entry("a")) == (first, False)
    with pytest.raises(OrderRefusedError):
        await world.ledger.accept(replace(entry("a"), hash="other"))
    assert world.announced() == ([], 0)
    assert world.counted("orders_accepted_total") == 1


async def test_a_step_is_announced_once(world: LedgerWorld) -> None:
    await world.ledger.accept(entry("a"))
    world.announced()
    after = await world.ledger.advance("a", to(OrderState.WAITING, "NoNews"))
    assert (after.state, after.reason) == (OrderState.WAITING, "NoNews")
    assert world.announced() == (["order a is Waiting (0 of 10 filled) NoNews"], 1)
    await world.ledger.advance("a", to(OrderState.WAITING, "MarketClosed"))
    assert world.announced() == (["order a is Waiting (0 of 10 filled) MarketClosed"], 1)
    await world.ledger.advance("a", to(OrderState.WAITING, "MarketClosed"))
    assert world.announced() == ([], 0)
    assert world.counted("order_moves_total", state="Waiting") == 2


async def test_a_forbidden_step_gives_the_order_as_it_stands(world: LedgerWorld) -> None:
    await world.ledger.accept(entry("a"))
    cancelled = await world.ledger.advance("a", cancel)
    world.announced()
    assert await world.ledger.advance("a", to(OrderState.WAITING)) == cancelled
    assert await world.ledger.reserve("a", client_id=17, next_valid_id=1) is None
    assert world.announced() == ([], 0)


async def test_what_nobody_watches_changes_without_a_line(world: LedgerWorld) -> None:
    await sending(world)
    await world.ledger.observe(WORKING)
    world.announced()
    await world.ledger.advance("a", cancel)
    assert world.announced() == ([], 1)
    assert world.counted("order_moves_total", state="Working") == 1


async def test_many_steps_give_the_orders_that_changed(world: LedgerWorld) -> None:
    for name in ("a", "b"):
        await world.ledger.accept(entry(name))
    await world.ledger.advance("a", cancel)
    world.announced()
    steps = {name: to(OrderState.WAITING, "NoNews") for name in ("a", "b")}
    assert [order.id for order in await world.ledger.advance_all(steps)] == ["b"]
    assert world.announced() == (["order b is Waiting (0 of 10 filled) NoNews"], 1)
    assert await world.ledger.advance_all({}) == []


async def test_reserving_is_announced(world: LedgerWorld) -> None:
    await world.ledger.accept(entry("a"))
    world.announced()
    order = await world.ledger.reserve("a", client_id=17, next_valid_id=7)
    assert order is not None
    assert (order.order_id, order.sent_at) == (7, world.time.now)
    assert world.announced() == (["order a is Sending (0 of 10 filled)"], 1)
    assert world.counted("order_moves_total", state="Sending") == 1


async def test_a_brokers_report_is_announced_in_its_words(world: LedgerWorld) -> None:
    await sending(world)
    world.time.advance(0.02)
    (after,) = await world.ledger.observe(WORKING)
    assert after.state is OrderState.WORKING
    assert world.announced() == (["order a is Working (0 of 10 filled)"], 1)
    assert world.counted("acknowledgement_seconds_sum") == pytest.approx(0.02)
    assert await world.ledger.observe(WORKING) == []
    assert world.announced() == ([], 0)
    await world.ledger.observe(FillReport(1, 17, 900, "ibg-a", "e", Decimal(4), Decimal("190")))
    assert world.announced() == (["order a is Working (4 of 10 filled)"], 1)
    await world.ledger.observe(OrderError(1, 17, 201, "Order rejected"))
    assert world.announced() == (
        ["order a is Rejected (4 of 10 filled) RejectedByBroker 201: Order rejected"],
        1,
    )
    assert await world.ledger.observe(OrderError(2, 17, 201, "another's")) == []


async def test_an_order_of_unknown_fate_is_a_warning(
    world: LedgerWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await sending(world)
    await world.ledger.recover()
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("WARNING", "order a is Unknown (0 of 10 filled) ExecutorRestarted")
    ]
    assert world.counted("order_moves_total", state="Unknown") == 1


async def test_a_clients_words_do_not_reach_the_log(world: LedgerWorld) -> None:
    await world.ledger.accept(entry("a"))
    await world.ledger.advance("a", to(OrderState.REJECTED, "UnknownContract"))
    lines, _ = world.announced()
    assert "in words for a client" not in " ".join(lines)
