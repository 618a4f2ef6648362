"""A simulated gateway that is logged in, for unmodified client libraries: each tells its story in a process of its own."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from ibgateway_simulator.gateway.relay import Relay
from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings
from library_environments import library_environment

__all__ = ["CLIENTS", "STORY", "environment", "logged_in", "told"]

CLIENTS = Path(__file__).parents[2] / "clients"
HOURS = [["2026-01-02T09:30:00-05:00", "2099-12-31T16:00:00-05:00"]]
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
"""What every client tells of the same day, whatever it speaks."""


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
            # Who does not read answers no ping, and is taken for gone.
            reading = asyncio.create_task(_read(socket))
            yield ibkr, url, relay.port
            reading.cancel()
            relay.close()


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


async def told(python: Path, *arguments: str) -> dict[str, Any]:
    """What a client's script prints."""
    process = await asyncio.create_subprocess_exec(
        python, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    document: dict[str, Any] = json.loads(out)
    return document
