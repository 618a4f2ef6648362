"""The bots of examples/ as they are, each with its library, a simulated IBKR and a gate that the test moves."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from executor_world import CLIENT_TOKEN, world
from gate_fakes import TOKEN, ToldGate, until
from library_environments import library_environment
from library_stories import logged_in
from rust_programs import rust_program

ROOT = Path(__file__).parents[2]
PERIOD = 2.0
pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]


class StartedBot:
    """A bot of examples/ as a process, in the environment that the operator would give it."""

    def __init__(self, name: str, *, gate: str, port: int, folder: Path, **more: str) -> None:
        self._name = name
        self.lines: list[str] = []
        token = folder / "token"
        token.write_text(TOKEN)
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}/client:{ROOT}/api",
            "IB_HOST": "127.0.0.1",
            "IB_PORT": str(port),
            "IB_CLIENT_ID": "17",
            "IBGATEWAY_STATUS_URL": gate,
            "IBGATEWAY_TOKEN_FILE": str(token),
            "PERIOD_SECONDS": str(PERIOD),
            "SETTLE_SECONDS": "0.2",
            "PYTHONUNBUFFERED": "1",
            **more,
        }

    def _program(self) -> list[Path]:
        if self._name == "rust_ibapi":
            return [rust_program(ROOT / "examples/rust_ibapi")]
        name = f"examples-{self._name}"
        python = library_environment(name, [ROOT / f"requirements/{name}.txt"])
        return [python, ROOT / f"examples/{self._name}/bot.py"]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started, and ended as the kubelet does: the first process of a container has to handle SIGTERM itself."""
        program = await asyncio.to_thread(self._program)
        process = await asyncio.create_subprocess_exec(
            *program, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        hearing = asyncio.create_task(self._hear(process))
        try:
            yield
            assert process.returncode is None, "it ended by itself"
            process.terminate()
            async with asyncio.timeout(20):
                assert await process.wait() == 0, "it has no handler"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await hearing

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.lines.append(line.decode())

    async def says(self, words: str) -> None:
        """Come back once it has."""
        async with asyncio.timeout(120):
            while not any(words in line for line in self.lines):  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.05)


class Booked:
    """The orders that IBKR has."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def refs(self) -> list[str]:
        """Their orderRefs, oldest first."""
        async with aiohttp.ClientSession() as http, http.get(f"{self._url}/v1/orders") as answer:
            orders: list[dict[str, Any]] = await answer.json()
        assert {order["quantity"] for order in orders} <= {"1"}
        return [order["order_ref"] for order in orders]

    async def at_least(self, wanted: int) -> list[str]:
        """Come back once there are so many."""
        async with asyncio.timeout(120):
            while len(refs := await self.refs()) < wanted:  # noqa: ASYNC110 - IBKR tells nobody
                await asyncio.sleep(0.1)
        return refs


def drained(gate: ToldGate) -> set[str]:
    """The drains that were answered: in a word of their own, or with a question."""
    asked = {question["drained"] for question in gate.asked if "drained" in question}
    return asked | {word["drain"] for word in gate.words}


@pytest.mark.parametrize("name", ["ib_async", "ib_insync", "nautilus_ibapi", "rust_ibapi"])
async def test_a_bot_trades_while_the_gate_is_open_and_never_twice(
    name: str, tmp_path: Path
) -> None:
    async with logged_in() as (_, url, port), ToldGate() as gate:
        gate.closed("AwaitingApproval")
        bot, booked = StartedBot(name, gate=gate.url, port=port, folder=tmp_path), Booked(url)
        async with bot.running():
            await until(lambda: bool(gate.asked))
            await asyncio.sleep(2 * PERIOD)
            assert await booked.refs() == []
            gate.opened()
            await gate.tell()
            await booked.at_least(3)
            gate.draining("d1")
            await gate.tell()
            await until(lambda: drained(gate) == {"d1"})
            at_the_word = await booked.refs()
            await asyncio.sleep(2 * PERIOD)
            assert await booked.refs() == at_the_word
            gate.opened()
            await gate.tell()
            await booked.at_least(len(at_the_word) + 1)
        for _ in range(3):
            async with bot.running():
                await booked.at_least(1 + len(await booked.refs()))
        refs = await booked.refs()
        assert len(refs) == len(set(refs)), "one order for each decision"


DAY = {"PERIOD_SECONDS": "86400", "SETTLE_SECONDS": "4"}
"""No second period begins; IBKR's lists are known by then."""


@pytest.mark.parametrize("name", ["ib_async", "ib_insync", "nautilus_ibapi", "rust_ibapi"])
async def test_a_bot_that_is_started_again_does_not_believe_the_first_empty_lists(
    name: str, tmp_path: Path
) -> None:
    async with logged_in() as (_, url, port), ToldGate() as gate, aiohttp.ClientSession() as http:
        gate.opened()
        bot = StartedBot(name, gate=gate.url, port=port, folder=tmp_path, **DAY)
        booked = Booked(url)
        async with bot.running():
            await booked.at_least(1)
        empty = {"orders_empty_seconds": 2, "reports_empty_seconds": 2}
        async with http.patch(f"{url}/v1/faults", json=empty) as answer:
            assert answer.status == 200
        async with bot.running():
            await bot.says("IBKR has it")
        assert len(await booked.refs()) == 1


async def test_a_list_that_never_comes_is_no_empty_list(tmp_path: Path) -> None:
    """ib_async and ib_insync say that they are connected without it."""
    async with logged_in() as (_, url, port), ToldGate() as gate, aiohttp.ClientSession() as http:
        gate.opened()
        bot = StartedBot("ib_async", gate=gate.url, port=port, folder=tmp_path, **DAY)
        booked = Booked(url)
        async with bot.running():
            await booked.at_least(1)
        completed_orders, executions = 99, 7
        silent = {"silent_requests": [completed_orders, executions]}
        async with http.patch(f"{url}/v1/faults", json=silent) as answer:
            assert answer.status == 200
        async with bot.running():
            await bot.says("not now: TimeoutError")
        assert len(await booked.refs()) == 1


async def test_a_job_that_begins_before_the_first_login_ends_with_its_rebalance(
    tmp_path: Path,
) -> None:
    token, targets = tmp_path / "token", tmp_path / "targets.json"
    token.write_text(CLIENT_TOKEN)
    targets.write_text(json.dumps({"targets": [{"contract": {"symbol": "SPY"}, "weight": "0.6"}]}))
    locks = [ROOT / "requirements/examples-ib_async.txt"]
    python = await asyncio.to_thread(library_environment, "examples-ib_async", locks)
    async with world(tmp_path) as here:
        await here.executor.start()
        await here.up()
        process = await asyncio.create_subprocess_exec(
            python,
            ROOT / "examples/cronjob/rebalance.py",
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{ROOT}/client:{ROOT}/api",
                "EXECUTOR_URL": here.orders.url,
                "JOB_NAME": "rebalance-1",
                "TARGETS_FILE": str(targets),
                "TOKEN_FILE": str(token),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert b"knows no account" in await process.stdout.readline()
        await here.log_in()
        async with asyncio.timeout(120):
            said, _ = await process.communicate()
        assert process.returncode == 0, said
        assert b"Completed" in said


async def test_a_stop_waits_for_the_order_of_a_bot_that_asks_by_itself(tmp_path: Path) -> None:
    """Three seconds after a question nobody waits for it any more: it asks on until its order is done."""
    async with (
        logged_in() as (_, url, port),
        ToldGate() as gate,
        aiohttp.ClientSession() as http,
    ):
        async with http.patch(f"{url}/v1/faults", json={"hold_fills": True}) as answer:
            assert answer.status == 200
        gate.opened()
        bot, booked = (
            StartedBot("rust_ibapi", gate=gate.url, port=port, folder=tmp_path),
            Booked(url),
        )
        async with bot.running():
            await booked.at_least(1)
            gate.draining("d1")
            before = len(gate.asked)
            await until(lambda: len(gate.asked) >= before + 3)
            assert drained(gate) == set()
            async with http.post(f"{url}/v1/fills/release") as answer:
                assert answer.status == 200
            await until(lambda: drained(gate) == {"d1"})
            assert len(await booked.refs()) == 1
