"""The probes: who is healthy, who is ready, what is counted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from executor_fakes import DispatchWorld, FixedSentinel, open_hooked
from ibgateway_api.gate import Closed, GateReason
from ibgateway_executor import probes
from ibgateway_executor.ledger.backup_record import BackupRecord


class ProbesWorld(DispatchWorld):
    """A dispatcher, and the probes of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(open_hooked(folder / "ledger.db"))
        app = probes.application(
            gate=lambda: self.gate,
            dispatched_at=lambda: self.dispatcher.dispatched_at,
            ledger=self.ledger,
            connection=self.connection,
            sentinel=FixedSentinel(age=0.5),
            metrics=self.metrics,
            data=folder,
            backup=BackupRecord(),
            clock=self.time.clock,
        )
        self.client = TestClient(TestServer(app))

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        async with self.client.get(path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ProbesWorld]:
    made = ProbesWorld(tmp_path)
    async with made.client:
        yield made
    made.ledger.close()


async def test_ready_is_an_open_gate(world: ProbesWorld) -> None:
    assert await world.get("/readyz") == (200, "Open\n")
    world.gate = Closed(GateReason.NO_NEWS, "silence")
    assert await world.get("/readyz") == (503, "NoNews: silence\n")


async def test_the_kubelets_probe_waits_for_the_gate_and_nobody_else_does(
    world: ProbesWorld,
) -> None:
    assert await world.get("/readyz?held") == (200, "Open\n")
    held = asyncio.create_task(world.get("/readyz?held"))
    for _ in range(3):
        assert await world.get("/readyz") == (200, "Open\n")
    assert not held.done()
    world.gate = Closed(GateReason.NO_NEWS, "silence")
    assert await held == (503, "NoNews: silence\n")


async def test_healthy_is_a_dispatcher_that_looks(world: ProbesWorld) -> None:
    world.time.advance(59.9)
    assert (await world.get("/healthz"))[0] == 200
    world.time.advance(0.1)
    assert await world.get("/healthz") == (503, "last turn 60.0 s ago\n")


async def test_metrics_are_of_now(world: ProbesWorld) -> None:
    await world.order("a")
    _, text = await world.get("/metrics")
    for line in (
        'ibgateway_executor_orders{state="Unsent"} 1.0',
        'ibgateway_executor_orders{state="Working"} 0.0',
        'ibgateway_executor_unsent_orders{reason=""} 1.0',
        "ibgateway_executor_ledger_writable 1.0",
        "ibgateway_executor_gate_open 1.0",
        "ibgateway_executor_news_age_seconds 0.5",
        "ibgateway_executor_broker_connected 1.0",
        "ibgateway_executor_orders_accepted_total 1.0",
    ):
        assert f"\n{line}\n" in text
