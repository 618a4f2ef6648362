"""An executor whose ledger is in PostgreSQL, and what becomes of it while the database is killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, world
from executor_world.client import until
from postgres_server import PostgresServer, started

SYMBOLS = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN")


@pytest.fixture
async def here(tmp_path: Path, postgres_url: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        made.executor.database = postgres_url
        yield made


async def test_orders_are_stored_sent_and_outlive_a_kill(
    here: ExecutorWorld, postgres: PostgresServer, postgres_url: Path
) -> None:
    await here.executor.start()
    await here.up()
    _, first = await here.place("k1")
    await here.executor.kill()
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.reaches(first["id"], "Filled")
    _, second = await here.place("k2")
    await here.reaches(second["id"], "Filled")
    history = await here.orders.get(f"/v1/orders/{second['id']}/history")
    assert [line["to"] for line in history["history"]][:2] == ["Accepted", "Sending"]
    assert history["history"][-1]["to"] == "Filled"
    assert not (here.executor.data / "ledger.db").exists()
    assert len(await here.placed_frames()) == 2
    log = here.executor.log.read_text()
    assert postgres.password not in log
    assert "canary" not in log.replace("client-token-canary", "")


async def test_a_database_that_is_away_refuses_and_is_taken_up_again(
    tmp_path: Path,
) -> None:
    with started() as server:
        url = tmp_path / "url"
        url.write_text(server.database("ledger_of_its_own"), encoding="utf-8")
        async with world(tmp_path) as here:
            here.executor.database = url
            await here.executor.start()
            await here.log_in()
            await here.ready()
            acknowledged = [
                (await here.place(f"k{number}", contract={"symbol": symbol}))[1]["id"]
                for number, symbol in enumerate(SYMBOLS)
            ]
            server.kill()
            await here.not_ready("LedgerUnavailable")
            status, refused = await here.place("away")
            assert (status, refused["code"]) == (503, "LedgerUnavailable")
            assert (await here.orders.ask("GET", f"/v1/orders/{acknowledged[0]}"))[0] == 503
            assert (await here.probes.ask("GET", "/healthz"))[0] == 200
            server.start()
            await _back(here)
            for order_id in acknowledged:
                await here.reaches(order_id, "Filled", "Unknown")
            _, order = await here.place("after")
            await here.reaches(order["id"], "Filled")
            references = [frame[26] for frame in await here.placed_frames()]
            assert len(set(references)) == len(references), "none was sent twice"
            assert {f"ibg-{order_id}" for order_id in acknowledged} <= set(references)
            log = here.executor.log.read_text()
            assert "Traceback" not in log
            assert server.password not in log


async def _back(here: ExecutorWorld) -> None:
    """Ready again; where the end of the last commit was not heard of, after a restart."""

    async def look() -> bool:
        assert here.executor.process is not None
        if here.executor.process.returncode is not None:
            assert "the executor starts anew" in here.executor.log.read_text()
            await here.executor.start()
        return (await here._probe("/readyz")) == 200

    await until("ready again", look)


async def test_an_executor_waits_for_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    with started() as server:
        url = tmp_path / "url"
        url.write_text(server.database("late"), encoding="utf-8")
        server.stop()
        async with world(tmp_path) as here:
            here.executor.database = url
            await here.executor.start()
            await here.log_in()
            await here.not_ready("the ledger's database can't be used")
            assert (await here.place("k1"))[0] == 503
            status, told = await here.agent.ask("GET", "/v1/gate")
            assert (status, told["code"]) == (503, "LedgerUnavailable")
            assert told["detail"].startswith("the ledger's database can't be used (")
            server.start()
            await here.ready()
            _, order = await here.place("k1")
            await here.reaches(order["id"], "Filled")
