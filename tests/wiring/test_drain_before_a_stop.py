"""A gateway's pod that goes waits for the order on its way: real sentinel, preStop hook and executor."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from executor_world import CLIENT_TOKEN, until
from executor_world.client import JsonClient
from executor_world.process import ExecutorProcess
from ibgateway_api.week import Calendar
from ibgateway_stage.calendar import calendar
from sentinel_world import TOKEN, PodOnHost, pod_on_host

ORDER = {"contract": {"symbol": "AAPL"}, "side": "BUY", "quantity": 10, "orderType": "MKT"}


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[PodOnHost]:
    (tmp_path / "pod").mkdir()
    async with pod_on_host(tmp_path / "pod") as made:
        await made.log_in()
        yield made


@pytest.fixture
async def executor(tmp_path: Path, pod: PodOnHost) -> AsyncIterator[ExecutorProcess]:
    folder = tmp_path / "executor"
    folder.mkdir()
    made = ExecutorProcess(folder)
    (folder / "agent-token").write_text(f"{TOKEN}\n")
    made.configure(
        api_host="127.0.0.1",
        api_port=pod.ports["socat"],
        sentinel_url=f"http://127.0.0.1:{pod.ports['http']}",
        calendar=Calendar.model_validate(calendar(datetime.now(UTC) - timedelta(days=3))),
    )
    await made.start()
    yield made
    await made.kill()


@pytest.fixture
async def orders(executor: ExecutorProcess) -> AsyncIterator[JsonClient]:
    async with aiohttp.ClientSession() as session:
        client = JsonClient(session, f"http://127.0.0.1:{executor.port}", CLIENT_TOKEN)
        probes = JsonClient(session, f"http://127.0.0.1:{executor.health_port}")

        async def ready() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return bool((await probes.ask("GET", "/readyz"))[0] == 200)
            return False

        await until("the executor is ready", ready)
        yield client


async def test_the_order_on_its_way_is_acknowledged_before_the_gateway_logs_out(
    pod: PodOnHost, executor: ExecutorProcess, orders: JsonClient
) -> None:
    """As for a pod that is deleted with its resource: nobody but its own hook asks for anything."""
    await pod.ibkr_said("PATCH", "/v1/faults", {"ack_seconds": 3})
    status, order = await orders.ask("POST", "/v1/orders", ORDER, {"Idempotency-Key": "k1"})
    assert status == 202

    async def stands(*states: str) -> Any:
        seen = await orders.get(f"/v1/orders/{order['id']}")
        return seen if seen["state"] in states else None

    await until("the order is on its way", lambda: stands("Sending"))
    assert await pod.prestop() == 0
    await until("the order is filled", lambda: stands("Working", "Filled"))
    assert f"order {order['id']} is Unknown" not in executor.log.read_text()
    _, waits = await orders.ask("POST", "/v1/orders", ORDER, {"Idempotency-Key": "k2"})
    assert waits["state"] == "Accepted"
    assert len(await pod.ibkr_said("GET", "/v1/frames?direction=in&message=3")) == 1
