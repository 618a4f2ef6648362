"""One run of the worker: letters in, answers out, and an end that leaves nobody waiting."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ibgateway_runtime.notifications.answers import ENDED

_HANDED_ON: Final = (
    *("PATH", "PYTHONPATH", "TZ", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""What of our environment the worker gets: no token, no path of a secret."""


class WorkerProcess:
    """A worker that runs, and who waits for its answers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the worker needs pipes")
        self._process = process
        self._tasks, self._answers = process.stdin, process.stdout
        self._awaited: dict[int, asyncio.Future[str]] = {}
        self._number = 0
        self.reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, program: Sequence[str]) -> "WorkerProcess":
        """Raises OSError where it can't be started."""
        env = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        return cls(
            await asyncio.create_subprocess_exec(
                *program, stdin=pipe, stdout=pipe, stderr=nowhere, env=env
            )
        )

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._process.returncode is None and not self.reading.done()

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._awaited)

    async def ask(self, task: Mapping[str, Any], patience: float) -> str:
        """Its answer to a task. Raises TimeoutError where it gives none within `patience` seconds."""
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._awaited[number] = answer
        try:
            async with asyncio.timeout(patience):
                self._tasks.write(f"{json.dumps({**task, 'id': number})}\n".encode())
                await self._tasks.drain()
                return str(await answer)
        except ConnectionError:
            return ENDED
        finally:
            self._awaited.pop(number, None)

    def kill(self) -> None:
        """End it, whatever hangs in it."""
        if self._process.returncode is None:
            self._process.kill()

    async def _read(self) -> None:
        async for line in self._answers:
            answer = json.loads(line)
            waiting = self._awaited.get(answer["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(answer["why"])
        await self._process.wait()
        for waiting in self._awaited.values():
            if not waiting.done():
                waiting.set_result(ENDED)
