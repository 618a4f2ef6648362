"""The unmodified client libraries against the simulator, each in an environment of its own."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibgateway_simulator.gateway.relay import Relay
from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings
from library_environments import library_environment

CLIENTS = Path(__file__).parents[1] / "clients"
HOURS = [["2026-01-02T09:30:00-05:00", "2099-12-31T16:00:00-05:00"]]
pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

STORY = {
    "accounts": ["DU1234567"],
    "net_liquidation": "1000000.00",
    "settled_cash": "1000000.00",
    "positions_at_first": {},
    "contract": [265598, "NASDAQ", "US/Eastern"],
    "liquid_hours": "20260102:0930-20991231:1600",
    "market": ["Filled", [["BOT", 10.0, 190.01, "market"]]],
    "commission": 1.0,
    "limit_works": ["Submitted", 0.0],
    "limit_cancelled": "Cancelled",
    "partial": ["Submitted", 4.0, 6.0],
    "partial_filled": [["BOT", 4.0, 190.01, "partial"], ["BOT", 6.0, 190.01, "partial"]],
    "rejected": [201, "Order rejected - reason:The contract is not allowed."],
    "rejected_fills": [],
    "positions_at_last": {"AAPL": 20.0},
    "executions": ["market", "partial", "partial"],
    "completed": ["limit", "market", "partial", "rejected"],
}


def environment(name: str) -> Path:
    """The interpreter of the client's environment."""
    files = [CLIENTS / "requirements-build.txt", CLIENTS / f"requirements-{name}.txt"]
    return library_environment(name, files)


@contextlib.asynccontextmanager
async def logged_in(
    sessions: Sequence[Sequence[str]] = HOURS,
) -> AsyncIterator[tuple[Running, str, int]]:
    """IBKR with these hours and a gateway logged in by hand: IBKR, the control API's address, the API port."""
    settings = ibkr_settings({"SIMULATOR_IBKR_PORT": "0", "SIMULATOR_BROKER_PORT": "0"})
    async with running(settings) as ibkr, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{ibkr.port}"
        clock = {"hours": "custom", "sessions": sessions}
        async with http.patch(f"{url}/v1/clock", json=clock) as answer:
            assert answer.status == 200
        async with http.ws_connect(f"{url}/gateway/session?gateway=g") as socket:
            await socket.send_json(
                {
                    "type": "login",
                    "kind": "full",
                    "user": "paperuser",
                    "password": "paperpassword",
                    "mode": "paper",
                }
            )
            message: dict[str, Any] = await socket.receive_json()
            assert message["type"] == "push_sent"
            async with http.post(f"{url}/v1/pushes/latest/approve") as answer:
                assert answer.status == 200
            while message["type"] != "logged_in":
                message = await socket.receive_json()
            relay = Relay("127.0.0.1", ibkr.broker_port, 0)
            await relay.open(message["session"])
            yield ibkr, url, relay.port
            relay.close()


async def told(python: Path, *arguments: str) -> dict[str, Any]:
    """What a client's script prints."""
    process = await asyncio.create_subprocess_exec(
        python, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    document: dict[str, Any] = json.loads(out)
    return document


@pytest.mark.parametrize(("module", "version"), [("ib_async", 178), ("ib_insync", 176)])
async def test_an_asyncio_client_connects_with_defaults_trades_and_cancels(
    module: str, version: int
) -> None:
    python = await asyncio.to_thread(environment, module)
    async with logged_in() as (_, url, port):
        story = str(CLIENTS / "async_story.py")
        document = await told(python, story, module, "127.0.0.1", str(port), url)
    assert document == {**STORY, "server_version": version, "sessions": 1}


async def test_ibkrs_own_client_of_pypi_trades_and_cancels() -> None:
    python = await asyncio.to_thread(environment, "ibapi")
    async with logged_in() as (_, url, port):
        document = await told(python, str(CLIENTS / "ibapi_story.py"), "127.0.0.1", str(port), url)
    assert document == {**STORY, "server_version": 157}


async def test_ibkrs_own_client_of_today_is_told_the_same_in_protobuf() -> None:
    python = await asyncio.to_thread(environment, "nautilus_ibapi")
    async with logged_in() as (ibkr, url, port):
        story = str(CLIENTS / "nautilus_story.py")
        document = await told(python, story, "127.0.0.1", str(port), url)
        frames = ibkr.ibkr.frames
    assert document == {**STORY, "server_version": 225}
    asked = [frame for frame in frames if frame["direction"] == "in"][1:]
    assert all(len(frame["fields"]) == 1 and "content" in frame for frame in asked)
    placed = [frame["content"]["order"] for frame in asked if frame["fields"] == ["3"]]
    assert [order["orderRef"] for order in placed] == ["market", "limit", "partial", "rejected"]


async def test_the_simulator_saw_exactly_the_orders_that_the_client_sent() -> None:
    python = await asyncio.to_thread(environment, "ib_async")
    async with logged_in() as (ibkr, url, port):
        story = str(CLIENTS / "async_story.py")
        await told(python, story, "ib_async", "127.0.0.1", str(port), url)
        placed = [
            frame["fields"][26]
            for frame in ibkr.ibkr.frames
            if frame["direction"] == "in" and frame["fields"][0] == "3"
        ]
    assert placed == ["market", "limit", "partial", "rejected"]


@pytest.mark.parametrize("module", ["ib_async", "ib_insync"])
async def test_an_order_on_open_is_taken_before_the_open_executed_in_it_and_refused_after_it(
    module: str,
) -> None:
    python = await asyncio.to_thread(environment, module)
    opening = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=30)
    session = [opening.isoformat(), (opening + dt.timedelta(hours=6)).isoformat()]
    async with logged_in([session]) as (ibkr, url, port):
        story = str(CLIENTS / "opening_story.py")
        where = ("127.0.0.1", str(port), url, opening.isoformat())
        document = await told(python, story, module, *where)
        placed = [
            frame["fields"][16:22]
            for frame in ibkr.ibkr.frames
            if frame["direction"] == "in" and frame["fields"][0] == "3"
        ]
    notice = (
        "Order Message:\nBUY {} AAPL NASDAQ\nWarning: your order will not be placed at the exchange"
    )
    assert document == {
        "booked": ["PreSubmitted", "PreSubmitted"],
        "before": [0.0, 0.0],
        "notices": [[399, notice.format(10)], [399, notice.format(5)]],
        "at_the_open": [["Filled", 10.0, 190.0], ["Cancelled", 0.0, 0.0]],
        "too_late": [[201, "Order rejected - reason:Exchange is closed."], 0.0],
    }
    assert placed == [
        ["BUY", "10", "MKT", "", "", "OPG"],
        ["BUY", "5", "LMT", "189.0", "", "OPG"],
        ["BUY", "1", "MKT", "", "", "OPG"],
    ]
