"""An answer that waits for a change, and shows each second that whoever gives it lives."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from aiohttp import hdrs, web

from ibgateway_runtime.clock import Clock

HEARTBEAT: Final = timedelta(seconds=1)
LONGEST_WAIT_SECONDS: Final = 300.0


class WaitingPublisher(Protocol):
    """What can be waited for."""

    async def wait_for_newer(self, sequence: int, patience: timedelta) -> bool:
        """Whether there is something above `sequence`, after waiting at most `patience`."""
        ...


class WaitingAnswer:
    """Answers of one publisher. `text` is what it has now."""

    def __init__(self, publisher: WaitingPublisher, text: Callable[[], str], clock: Clock) -> None:
        self._publisher = publisher
        self._text = text
        self._clock = clock

    async def answer(self, request: web.Request, after: int, wait: float) -> web.StreamResponse:
        """Once there is something above `after`, or after `wait` seconds."""
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
        # Who has gone asks anew: that is no trouble of ours.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await self._tell(response, after, min(wait, LONGEST_WAIT_SECONDS))
        return response

    async def _tell(self, response: web.StreamResponse, after: int, wait: float) -> None:
        ends = self._clock.monotonic() + wait
        await response.write(b"\n")
        while (left := ends - self._clock.monotonic()) > 0:
            patience = min(HEARTBEAT, timedelta(seconds=left))
            if await self._publisher.wait_for_newer(after, patience):
                break
            await response.write(b"\n")
        await response.write(f"{self._text()}\n".encode())
        await response.write_eof()
