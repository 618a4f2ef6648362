"""The sending process as a collaborator: started when it is needed, given up when it is not, killed when it hangs.

Addresses reach it through its stdin alone: nobody reads them from an argument or an environment.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ibgateway_api.notifications import Letter
from ibgateway_runtime.notifications.answers import ENDED, NO_ANSWER
from ibgateway_runtime.notifications.worker_process import WorkerProcess

SEND_SECONDS: Final = 20.0
"""What a receiver may take for a letter."""
PATIENCE_SECONDS: Final = 25.0
"""A worker that has not answered by then hangs as a whole."""
IDLE_SECONDS: Final = 600.0
"""A worker that has had nothing to do for so long gives its memory back."""
PROGRAM: Final = (sys.executable, "-m", "ibgateway_runtime.notifications.worker")

logger = logging.getLogger(__name__)


class Courier:
    """Hands letters to the worker. Any number of letters may be on their way.

    `idle`: seconds without a letter after which the worker is given up; None keeps it.
    """

    def __init__(
        self,
        program: Sequence[str] = PROGRAM,
        *,
        patience: float = PATIENCE_SECONDS,
        idle: float | None = IDLE_SECONDS,
    ) -> None:
        self._program = tuple(program)
        self._patience = patience
        self._idle = idle
        self._worker: WorkerProcess | None = None
        self._starting = asyncio.Lock()
        self._resting: asyncio.TimerHandle | None = None

    async def send(self, address: str, letter: Letter) -> str:
        """Why the letter was not taken; empty where it was."""
        return await self._ask(
            {
                "address": address,
                "title": letter.title,
                "body": letter.body,
                "severity": letter.severity,
                "seconds": SEND_SECONDS,
            }
        )

    async def check(self, address: str) -> str:
        """Why this can't be an address; empty where it can. Nothing is sent."""
        return await self._ask({"address": address})

    async def warm(self) -> None:
        """Have the worker ready: a letter may follow that is in a hurry."""
        try:
            await self._running()
        except OSError as error:
            logger.warning("the sending process does not start: %s", error)
        self._rest()

    async def close(self) -> None:
        """End the worker."""
        if self._resting is not None:
            self._resting.cancel()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            await asyncio.gather(worker.reading, return_exceptions=True)

    async def _ask(self, task: Mapping[str, Any]) -> str:
        try:
            worker = await self._running()
        except OSError as error:
            logger.warning("the sending process does not start: %s", error)
            return ENDED
        try:
            return await worker.ask(task, self._patience)
        except TimeoutError:
            self._end(worker)
            return NO_ANSWER
        finally:
            self._rest()

    async def _running(self) -> WorkerProcess:
        async with self._starting:
            if self._worker is None or not self._worker.alive:
                self._worker = await WorkerProcess.start(self._program)
            return self._worker

    def _rest(self) -> None:
        """Once nothing has been asked for a while the worker is not kept."""
        if self._resting is not None:
            self._resting.cancel()
        if self._idle is not None:
            self._resting = asyncio.get_running_loop().call_later(self._idle, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._worker is not None and not self._worker.busy:
            self._end(self._worker)

    def _end(self, worker: WorkerProcess) -> None:
        worker.kill()
        if self._worker is worker:
            self._worker = None
