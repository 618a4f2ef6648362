"""The executor's lives, each a fork of one process that has everything imported: `python -m crash_campaign`."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path

from crash_campaign.points import PointPlan


class ExecutorLife:
    """One of them, with what the world asks of a process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def ended(self, code: int) -> None:
        """It has."""
        self.returncode = code
        self._ended.set()


class ExecutorLives:
    """Begins one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._born: asyncio.Queue[ExecutorLife] = asyncio.Queue()
        self._lives: dict[int, ExecutorLife] = {}

    async def begin(self, plan: PointPlan) -> ExecutorLife:
        """A new one. TimeoutError where it is not born."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(plan)).encode() + b"\n")
        await self._process.stdin.drain()
        return await asyncio.wait_for(self._born.get(), 60)

    async def follow(self) -> None:
        """Hear what is born and what has ended, until there is no more: the last one ends with its parent."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, pid, *code = line.split()
            if word == b"born":
                life = self._lives[int(pid)] = ExecutorLife(int(pid))
                self._born.put_nowait(life)
            elif (gone := self._lives.pop(int(pid), None)) is not None:
                gone.ended(int(code[0]))
        for life in self._lives.values():
            life.ended(-signal.SIGKILL)


@contextlib.asynccontextmanager
async def executor_lives(environment: Mapping[str, str], log: Path) -> AsyncIterator[ExecutorLives]:
    """Ready to begin one; the last one ends with the block."""
    with log.open("ab") as told:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crash_campaign"),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=told,
        )
    lives = ExecutorLives(process)
    following = asyncio.create_task(lives.follow())
    try:
        yield lives
    finally:
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 60)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await following
