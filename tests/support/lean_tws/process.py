"""The server as a process of its own, and its commands."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

LONGEST_ANSWER = 2**24


class LeanTws:
    """`port` is where it listens on loopback."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls) -> AsyncIterator["LeanTws"]:
        """Run until the block ends."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lean_tws.server"),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_ANSWER,
        )
        try:
            yield cls(process, await _line(process))
        finally:
            process.terminate()
            await process.wait()

    async def came(self) -> list[float]:
        """Monotonic times of the orders that have come since the last question."""
        times: list[float] = await self._ask("came")
        return times

    async def asked(self) -> list[str]:
        """Symbols or numbers of the contracts that were asked about since the last question."""
        asked: list[str] = await self._ask("asked")
        return asked

    async def forget(self) -> None:
        """A new day: what has ended is shown no more."""
        await self._ask("forget")

    async def acknowledge_after(self, seconds: float) -> None:
        """How late an order is acknowledged and filled."""
        await self._ask(f"ack {seconds}")

    async def cut(self) -> None:
        """Reset every connection."""
        await self._ask("cut")

    async def _ask(self, command: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await _line(self._process)


async def _line(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    return json.loads(await process.stdout.readline())
