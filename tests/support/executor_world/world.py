"""Everything together, as one context."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from executor_world.client import JsonClient, until
from executor_world.gateway import WindowlessGateway
from executor_world.process import CLIENT_TOKEN, ExecutorProcess
from executor_world.sentinel import AGENT_TOKEN, SentinelStub
from host_processes import free_port
from ibgateway_api.login import LoginState
from order_judge import AuditVerdict, judge

USER = {
    "name": "paperuser",
    "password": "paperpassword",
    "account": "DU1234567",
    "modes": ["paper"],
    "two_factor": False,
}

IBKR_PROGRAM = ("-m", "ibgateway_simulator", "ibkr")


@dataclass(frozen=True)
class ExecutorWorld:
    """IBKR's control API, the gateway's login, the sentinel's word, the executor and its clients."""

    ibkr: JsonClient
    gateway: WindowlessGateway
    sentinel: SentinelStub
    executor: ExecutorProcess
    orders: JsonClient
    probes: JsonClient
    agent: JsonClient
    acknowledged: set[str] = field(default_factory=set)
    """Ids of the orders that a client was told are stored."""

    async def log_in(self) -> None:
        """The gateway logs in and the sentinel says so."""
        await self.gateway.login()
        self.sentinel.tell(LoginState.LOGGED_IN)

    async def ready(self) -> None:
        """Wait until the executor is ready."""

        await until("ready", self.is_ready)

    async def is_ready(self) -> bool:
        """Whether it is now."""
        return await self._probe("/readyz") == 200

    async def not_ready(self, words: str = "") -> str:
        """Wait until it is not and says so with these words; what it says about it."""

        async def look() -> str | None:
            with contextlib.suppress(aiohttp.ClientError):
                status, text = await self.probes.ask("GET", "/readyz")
                return str(text) if status == 503 and words in text else None
            return None

        return await until(f"not ready: {words}", look)

    async def up(self) -> None:
        """Wait until it answers."""

        async def look() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return (await self.orders.ask("GET", "/v1/orders"))[0] == 200
            return False

        await until("the executor answers", look)

    async def place(self, key: str, **changes: Any) -> tuple[int, Any]:
        """A market order for ten AAPL, but for the changes: status and body."""
        body = {
            "contract": {"symbol": "AAPL"},
            "side": "BUY",
            "quantity": 10,
            "orderType": "MKT",
        } | changes
        status, answer = await self.orders.ask("POST", "/v1/orders", body, {"Idempotency-Key": key})
        if status in (200, 202):
            self.acknowledged.add(answer["id"])
        return status, answer

    async def all_orders(self) -> list[Any]:
        """Every order of the ledger, in the order of acceptance."""
        found: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.orders.get(f"/v1/orders?cursor={cursor}&limit=500")
            found += page["orders"]
            cursor = page["next"]
        return found

    async def verdict(self, *proven_resends: str) -> AuditVerdict:
        """IBKR's books against the ledger; these orderRefs were sent again under proof."""
        audit = await self.ibkr.get("/v1/audit")
        return judge(
            audit,
            await self.all_orders(),
            acknowledged=self.acknowledged,
            proven_resends=proven_resends,
        )

    async def place_when_up(self, key: str) -> tuple[int, Any]:
        """As `place`, once the executor answers."""
        await self.up()
        return await self.place(key)

    def configure(self, **changes: Any) -> None:
        """Write the executor's settings with these changes."""
        self.executor.configure(
            api_host="127.0.0.1",
            api_port=self.gateway.port,
            sentinel_url=self.sentinel.url,
            **changes,
        )

    async def reaches(self, order_id: str, *states: str) -> Any:
        """The order once it is in one of the states."""

        async def look() -> Any:
            with contextlib.suppress(aiohttp.ClientError):
                order = await self.orders.get(f"/v1/orders/{order_id}")
                return order if order["state"] in states else None
            return None

        return await until(f"order {order_id} in {states}", look)

    async def waits_for(self, order_id: str, reason: str) -> Any:
        """The order once it waits for this reason."""

        async def look() -> Any:
            order = await self.orders.get(f"/v1/orders/{order_id}")
            return order if (order["state"], order["reason"]) == ("Waiting", reason) else None

        return await until(f"order {order_id} waits for {reason}", look)

    async def placed_frames(self) -> list[Any]:
        """Every placeOrder the broker has received, as fields."""
        frames = await self.ibkr.get("/v1/frames?direction=in&message=3")
        return [frame["fields"] for frame in frames]

    async def introduced(self, times: int) -> bool:
        """Whether the executor has connected, and said who it is, so often."""
        return len(await self.ibkr.get("/v1/frames?direction=in&message=71")) >= times

    async def _probe(self, path: str) -> int:
        with contextlib.suppress(aiohttp.ClientError):
            return (await self.probes.ask("GET", path))[0]
        return 0


@contextlib.asynccontextmanager
async def world(
    folder: Path, ibkr_program: Sequence[str] = IBKR_PROGRAM
) -> AsyncIterator[ExecutorWorld]:
    """IBKR runs, the gateway waits for its login, the executor is configured but not started."""
    executor = ExecutorProcess(folder)
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        ibkr, broker_port = await stack.enter_async_context(_ibkr(folder, session, ibkr_program))
        gateway = await stack.enter_async_context(
            WindowlessGateway(session, ibkr.url, broker_port).listening()
        )
        sentinel = await stack.enter_async_context(SentinelStub().serving())
        executor.configure(api_host="127.0.0.1", api_port=gateway.port, sentinel_url=sentinel.url)
        stack.push_async_callback(executor.kill)
        url = f"http://127.0.0.1:{executor.port}"
        yield ExecutorWorld(
            ibkr,
            gateway,
            sentinel,
            executor,
            orders=JsonClient(session, url, CLIENT_TOKEN),
            probes=JsonClient(session, f"http://127.0.0.1:{executor.health_port}"),
            agent=JsonClient(session, url, AGENT_TOKEN),
        )


@contextlib.asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[ExecutorWorld]:
    """The same with the gateway logged in and the executor ready: an order goes to IBKR at once."""
    async with world(folder) as made:
        await made.executor.start()
        await made.log_in()
        await made.ready()
        yield made


@contextlib.asynccontextmanager
async def _ibkr(
    folder: Path, session: aiohttp.ClientSession, program: Sequence[str]
) -> AsyncIterator[tuple[JsonClient, int]]:
    """The simulator's IBKR process: its control API and its broker port."""
    port, broker_port = free_port(), free_port()
    users = folder / "users.json"
    users.write_text(json.dumps({"users": [USER]}))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "SIMULATOR_IBKR_PORT": str(port),
        "SIMULATOR_BROKER_PORT": str(broker_port),
        "SIMULATOR_USERS_FILE": str(users),
        "SIMULATOR_LOGIN_SECONDS": "0.01",
    }
    with (folder / "ibkr.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program),
            env=environment,
            stdout=log,
            stderr=log,
        )
    client = JsonClient(session, f"http://127.0.0.1:{port}")

    async def healthy() -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            return (await client.ask("GET", "/healthz"))[0] == 200
        return False

    try:
        await until("IBKR's side answers", healthy)
        yield client, broker_port
    finally:
        process.terminate()
        await process.wait()
