"""A second executor on one ledger waits: alive, not ready, and saying who has it. On either database."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from executor_world import ExecutorWorld, world
from executor_world.client import JsonClient
from executor_world.process import CLIENT_TOKEN, ExecutorProcess


@pytest.fixture(params=["SQLite", "PostgreSQL"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        if request.param == "PostgreSQL":
            made.executor.database = request.getfixturevalue("postgres_url")
        yield made


@pytest.fixture
async def second(here: ExecutorWorld, tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    """The same world, seen by another executor on ports of its own."""
    process = ExecutorProcess(tmp_path)
    process.database = here.executor.database
    process.log = tmp_path / "second.log"
    async with aiohttp.ClientSession() as session:
        yield replace(
            here,
            executor=process,
            orders=JsonClient(session, f"http://127.0.0.1:{process.port}", CLIENT_TOKEN),
            probes=JsonClient(session, f"http://127.0.0.1:{process.health_port}"),
        )
        await process.kill()


async def test_it_waits_and_goes_on_after_the_first(
    here: ExecutorWorld, second: ExecutorWorld
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    status, order = await here.place("k1")
    assert status == 202
    await here.reaches(order["id"], "Filled")
    await second.executor.start()
    said = await second.not_ready("another executor holds this ledger (")
    assert here.executor.process is not None
    who = (os.uname().nodename, str(here.executor.process.pid))
    assert any(word in said for word in who)
    assert (await second.probes.ask("GET", "/healthz"))[0] == 200
    status, refused = await second.place("k2")
    assert (status, refused["code"]) == (503, "LedgerUnavailable")
    assert "another executor holds this ledger" in refused["detail"]
    await here.ready()
    await here.executor.kill()
    await second.ready()
    assert (await second.place("k1"))[0] == 200
    status, order = await second.place("k2")
    assert status == 202
    await second.reaches(order["id"], "Filled")
    assert len(await second.placed_frames()) == 2


async def test_a_signal_ends_the_waiting(here: ExecutorWorld, second: ExecutorWorld) -> None:
    await here.executor.start()
    await here.up()
    await second.executor.start()
    await second.not_ready("another executor holds this ledger")
    assert await second.executor.kill(signal.SIGTERM) == 0
    with contextlib.suppress(aiohttp.ClientError):
        await here.up()
