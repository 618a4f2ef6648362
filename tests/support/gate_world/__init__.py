"""Everybody who judges the gate, as processes of this host: gateway, sentinel, executor, operator.

Each is asked for itself: the executor by its readiness, the sentinel by its report, the operator by the condition
that its API server has stored.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp

from executor_world import ExecutorProcess
from host_processes import free_port as free_port
from ibgateway_api.week import Calendar
from ibgateway_stage.calendar import calendar
from sentinel_world import TOKEN, PodOnHost, pod_on_host

LIMIT: Final = 60.0
LOOK: Final = 0.004
"""Seconds between two questions: the executor's and the sentinel's figures are so much too large at most."""
OPEN: Final = "GateOpen"
PROGRAM: Final = "bot-1"
"""A pod of somebody else's that follows the gate."""


@dataclass(frozen=True)
class Spoken:
    """What one of them says of the gate: a reason, `GateOpen` where it is open; of the operator on which pod."""

    at: float
    reason: str
    pod: str = ""


class OperatorOnHost:
    """The operator's process; `stored` has every condition that its API server took."""

    def __init__(self) -> None:
        self.stored: list[Spoken] = []
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, pod: PodOnHost, executor: ExecutorProcess, log: Path) -> None:
        """Begin; the log goes to a file."""
        words = [
            *("-m", "gate_world.operator_program", str(pod.ports["http"]), str(executor.port)),
            *(TOKEN, json.dumps(times())),
        ]
        with log.open("wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *words,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                },
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        self._tasks.append(asyncio.create_task(self._read()))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            at, pod, status, reason = line.decode().split()
            self.stored.append(Spoken(float(at), OPEN if status == "True" else reason, pod))
            self._news.set()

    async def until(self, wanted: Callable[[str], bool], since: float, *, program: bool) -> float:
        """The moment at which such a condition was stored, `since` or later: on the pod of the program, or the executor's."""
        while True:
            self._news.clear()
            found = [
                s.at
                for s in self.stored
                if s.at >= since and wanted(s.reason) and (s.pod == PROGRAM) is program
            ]
            if found:
                return found[0]
            await self._news.wait()

    async def now(self, wanted: Callable[[str], bool]) -> None:
        """Wait until the last condition of both pods is such a one."""
        while True:
            self._news.clear()
            last = {said.pod: said.reason for said in self.stored}
            if len(last) > 1 and all(map(wanted, last.values())):
                return
            await self._news.wait()

    async def end(self) -> None:
        """By the end of its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), LIMIT)
        await asyncio.gather(*self._tasks)


@dataclass(frozen=True)
class GateWorld:
    """All of them, and somebody who asks."""

    pod: PodOnHost
    executor: ExecutorProcess
    operator: OperatorOnHost
    session: aiohttp.ClientSession

    async def executor_says(self) -> str:
        """The reason in the executor's readiness."""
        url = f"http://127.0.0.1:{self.executor.health_port}/readyz"
        async with self.session.get(url) as answer:
            text = await answer.text()
        return OPEN if answer.status == 200 else text.split(":", 1)[0]

    async def sentinel_says(self) -> str:
        """The state of the sentinel's report, or what it holds trading for."""
        url = f"http://127.0.0.1:{self.pod.ports['http']}/v1/status"
        async with self.session.get(url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            report: dict[str, Any] = await answer.json()
        if report["state"] != "LoggedIn":
            return str(report["state"])
        return str(report["holds"][0]["reason"]) if report.get("holds") else OPEN

    async def judged(self, wanted: Callable[[str], bool], since: float) -> dict[str, float]:
        """The moments at which each of them says what is wanted."""
        async with asyncio.timeout(LIMIT):
            executor, sentinel, operator, program = await asyncio.gather(
                asked(self.executor_says, wanted),
                asked(self.sentinel_says, wanted),
                self.operator.until(wanted, since, program=False),
                self.operator.until(wanted, since, program=True),
            )
        return {
            "executor": executor,
            "sentinel": sentinel,
            "operator": operator,
            "operator to a program": program,
        }

    async def all_open(self) -> None:
        """Wait until nobody holds anything."""
        async with asyncio.timeout(LIMIT):
            await asked(self.executor_says, is_open)
            await asked(self.sentinel_says, is_open)
            await self.operator.now(is_open)


def is_open(reason: str) -> bool:
    """Whether an order may go."""
    return reason == OPEN


def is_closed(reason: str) -> bool:
    """Whether none may."""
    return reason != OPEN


async def asked(question: Callable[[], Awaitable[str]], wanted: Callable[[str], bool]) -> float:
    """The moment of the first answer that is wanted."""
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            if wanted(await question()):
                return time.monotonic()
        await asyncio.sleep(LOOK)


async def line_of(log: Path, text: str, begins: int) -> float:
    """The moment at which a log has the text behind so many bytes."""
    return await asyncio.to_thread(_line_of, log, text.encode(), begins)


def _line_of(log: Path, text: bytes, begins: int) -> float:
    end = time.monotonic() + LIMIT
    seen = b""
    with log.open("rb") as file:
        file.seek(begins)
        while time.monotonic() < end:
            seen += file.read()
            if text in seen:
                return time.monotonic()
            time.sleep(0.002)
    raise TimeoutError(f"never logged: {text.decode()}")


def times() -> dict[str, Any]:
    """IBKR's times, far away."""
    return calendar(datetime.now(UTC) - timedelta(days=3))


@contextlib.asynccontextmanager
async def gate_world(folder: Path, **budget: Any) -> AsyncIterator[GateWorld]:
    """All run; the gateway waits for its first approval."""
    executor = ExecutorProcess(folder)
    (folder / "agent-token").write_text(f"{TOKEN}\n")
    async with contextlib.AsyncExitStack() as stack:
        (folder / "pod").mkdir()
        pod = await stack.enter_async_context(pod_on_host(folder / "pod", **budget))
        executor.configure(
            api_host="127.0.0.1",
            api_port=pod.ports["socat"],
            sentinel_url=f"http://127.0.0.1:{pod.ports['http']}",
            calendar=Calendar.model_validate(times()),
        )
        stack.push_async_callback(executor.kill)
        await executor.start()
        operator = OperatorOnHost()
        await operator.start(pod, executor, folder / "operator.log")
        stack.push_async_callback(operator.end)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield GateWorld(pod, executor, operator, session)
