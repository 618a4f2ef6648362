"""The control API: market, clock, events, and what it refuses."""

import asyncio
from typing import Any

import pytest

from simulator_fakes.ibkr_world import IbkrWorld


async def test_prices_hours_and_accounts_are_set(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    client.send("1|11|5|265598||||||||||||0||1|0|")
    assert (await client.until("1", "6", "5", "4"))[4] == "190"
    await client.until("57")
    assert (await world.call("PATCH", "/v1/prices", {"AAPL": "201.5"}))["AAPL"] == "201.5"
    clock = await world.call("PATCH", "/v1/clock", {"hours": "closed"})
    assert clock["open"] is False
    body = {"cash": {"USD": "5"}, "positions": {"AAPL": {"quantity": "3", "average_cost": "2"}}}
    shown = await world.call("PATCH", "/v1/accounts/DU1234567", body)
    assert shown["cash"] == {"USD": "5"}
    client.send("61|1")
    held = await client.until("61")
    assert (held[4], held[14], held[15]) == ("AAPL", "3", "2")


async def test_the_clock_moves_what_currenttime_says(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    before = (await world.call("GET", "/healthz"))["now"]
    await world.call("PATCH", "/v1/clock", {"offset_seconds": 86400})
    after = (await world.call("GET", "/healthz"))["now"]
    assert after[:10] > before[:10]
    client.send("49|1")
    told = int((await client.until("49"))[2])
    assert told - asyncio.get_running_loop().time() > 0


async def test_events_can_be_waited_for(world: IbkrWorld) -> None:
    waiting = asyncio.create_task(world.call("GET", "/v1/events?after=0&wait=20"))
    await world.gateway("g7")
    (event, *_) = await waiting
    assert (event["seq"], event["kind"], event["gateway"]) == (1, "gateway_connected", "g7")
    assert await world.call("GET", "/v1/events?after=1000&wait=0") == []


async def test_an_answer_waits_for_its_push(world: IbkrWorld) -> None:
    answer = asyncio.create_task(world.call("POST", "/v1/pushes/latest/approve?wait=50"))
    await world.gateway()
    await world.ask()
    await world.message("logged_in")
    assert (await answer)["state"] == "approved"
    assert await world.status("POST", "/v1/pushes/latest/approve?wait=0.01", None) == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/pushes/latest/approve", None, 409),
        ("POST", "/v1/pushes/7/approve", None, 404),
        ("POST", "/v1/users/nobody/kick", None, 404),
        ("POST", "/v1/users/paperuser/kick", {"style": "odd"}, 409),
        ("POST", "/v1/users/paperuser/odd", None, 404),
        ("PATCH", "/v1/faults", {"odd": 1}, 409),
        ("PATCH", "/v1/login-rules", {"odd": 1}, 409),
        ("PATCH", "/v1/login-rules", {"rejection": "odd"}, 409),
        ("PATCH", "/v1/clock", {"hours": "odd"}, 409),
        ("PATCH", "/v1/prices", {"NONE": 1}, 404),
        ("PATCH", "/v1/prices", {"AAPL": "dear"}, 400),
        ("GET", "/v1/events?wait=nan", None, 400),
        ("GET", "/v1/events?wait=-1", None, 400),
        ("POST", "/v1/orders/5/fill", None, 404),
        ("PATCH", "/v1/accounts/U1", {}, 404),
        ("POST", "/v1/connectivity", {}, 400),
        ("PUT", "/v1/users/new", {"password": "x"}, 400),
    ],
)
async def test_the_control_api_says_what_it_cannot_do(
    world: IbkrWorld, method: str, path: str, body: Any, status: int
) -> None:
    assert await world.status(method, path, body) == status
