"""The executor process against the simulator over real sockets: what IBKR would have seen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_world import World, world
from ibgateway_api.login import LoginState


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def test_an_order_before_the_login_waits_and_fills_once_afterwards(here: World) -> None:
    await here.executor.start()
    await here.up()
    status, order = await here.place("k1")
    assert (status, order["state"]) == (202, "Accepted")
    waiting = await here.waits_for(order["id"], "AwaitingApproval")
    assert "not logged in" in waiting["message"]
    assert await here.placed_frames() == []
    await here.log_in()
    filled = await here.reaches(order["id"], "Filled")
    assert (filled["account"], filled["filledQuantity"], filled["averagePrice"]) == (
        "DU1234567",
        "10",
        "190.01",
    )
    (frame,) = await here.placed_frames()
    assert (frame[16:19], frame[21], frame[23], frame[26]) == (
        ["BUY", "10", "MKT"],
        "DAY",
        "DU1234567",
        filled["orderRef"],
    )
    await here.ready()
