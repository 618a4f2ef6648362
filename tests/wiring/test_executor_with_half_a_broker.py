"""The executor at a gateway that has no broker, knows no time zone, or keeps an id too long: nothing ends."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, until, world


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


async def test_a_gateway_that_comes_up_without_a_broker_ends_no_order(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"broker_link_down": True})
    await here.executor.start()
    await here.log_in()
    await here.up()
    await here.not_ready("2110")
    _, order = await here.place("k1")
    await here.waits_for(order["id"], "NotReconciled")
    assert await here.placed_frames() == []
    await here.ibkr.send("PATCH", "/v1/faults", {"broker_link_down": False})
    await here.ibkr.send("POST", "/v1/notices", {"code": 1102})
    await here.reaches(order["id"], "Filled")
    assert len(await here.placed_frames()) == 1


async def test_farms_that_come_and_go_hold_up_nothing(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    for code in (2103, 2105, 2107, 2108, 2119, 2157):
        assert await here.ibkr.send("POST", "/v1/notices", {"code": code}) == {"told": 1}
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Filled")


async def test_hours_in_a_time_zone_that_nobody_knows_reject_nothing(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"time_zone_id": "Mars/Olympus"})
    await here.executor.start()
    await here.log_in()
    _, order = await here.place_when_up("k1")
    await here.waits_for(order["id"], "HoursUnknown")
    assert await here.placed_frames() == []


async def test_an_id_that_lingers_after_a_restart_is_waited_for(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("PATCH", "/v1/faults", {"client_id_lingers_seconds": 3600})
    await here.executor.kill()
    await here.executor.start()
    _, order = await here.place_when_up("k1")

    async def refused() -> bool:
        frames = await here.ibkr.get("/v1/frames?direction=out&message=4")
        return len([f for f in frames if f["fields"][3] == "326"]) >= 2

    await until("it has asked twice", refused)
    assert await here.placed_frames() == []
    await here.ibkr.send("PATCH", "/v1/faults", {"client_id_lingers_seconds": 0})
    await here.reaches(order["id"], "Filled")
    assert len(await here.placed_frames()) == 1
