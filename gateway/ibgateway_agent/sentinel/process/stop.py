"""Ends a gateway's process from beside it: the driver's STOP first, the wrapper's TERM where that fails.

STOP logs out cleanly when logged in and halts at once when not. There is no shared process namespace,
so the last resort is a file that asks the wrapper.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from ibgateway_agent.errors import DriverCommandError
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_agent.sentinel.permits.token import no_token_follows
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

CLEAN_STOP_SECONDS: Final = 100.0
PAUSE_SECONDS: Final = 120.0
"""IBC's PAUSE acts at the next full minute that is ten seconds away."""
TERM_SECONDS: Final = 60.0
DROP_SECONDS: Final = 2.0
"""The wrapper looks five times a second; a process that must end does not wait for a wrapper that hangs."""
LOOK_EVERY: Final = 0.1

TellDriver = Callable[[str], Awaitable[str]]
"""Gives the login driver one command; its answer. Raises DriverCommandError unless that is a yes."""


class ProcessStop:
    """At most one stop at a time; `busy` until the process is gone or nothing more can be done."""

    def __init__(
        self, state: GatewayState, permits: PermitFile, tell_driver: TellDriver, clock: Clock
    ) -> None:
        self._state = state
        self._permits = permits
        self._tell_driver = tell_driver
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._planned = self._told = self._hurries = False

    @property
    def busy(self) -> bool:
        """Whether a stop is under way."""
        return self._task is not None and not self._task.done()

    @property
    def planned(self) -> bool:
        """Whether the stop that is under way was planned: trading is held for it."""
        return self.busy and self._planned

    def begin(
        self, why: str, *, planned: bool = False, at_once: bool = False, pause: bool = False
    ) -> None:
        """End the running process; `at_once` does not wait for the clean way, nor goes on waiting.

        `pause`: so that the token stays, as long as that is possible.
        """
        wrapper = self._state.wrapper
        if at_once:
            self.hurry()
        if self.busy or wrapper is None or not self._state.running:
            return
        logger.info("ending the gateway's process: %s", why)
        self._planned, self._told, self._hurries = planned, False, False
        self._task = asyncio.create_task(self._end(wrapper.start, at_once=at_once, pause=pause))

    def hurry(self) -> None:
        """A clean stop that is under way is waited for no longer."""
        self._hurries = True

    def give_up(self) -> None:
        """Leave the process alone, unless the wrapper was already told to end it."""
        if self._task is not None and self.busy and not self._told:
            logger.info("the gateway's process goes on")
            self._task.cancel()

    async def close(self) -> None:
        """Give up waiting; the process is left as it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _end(self, start: str, *, at_once: bool, pause: bool) -> None:
        try:
            if pause and await self._paused(start):
                return
            if not at_once and await self._stopped_cleanly(start):
                return
            self._told = True
            self._permits.stop(start)
            if at_once:
                await self._halted()
            if not await self._gone(start, TERM_SECONDS):
                logger.error("the gateway's process did not end")
        except OSError:
            logger.exception("the gateway's process can't be ended")
        finally:
            self._planned = False

    async def _stopped_cleanly(self, start: str) -> bool:
        if no_token_follows(self._state.login):
            await self._without_token(start)
        try:
            await self._tell_driver("STOP")
        except DriverCommandError as error:
            logger.info("no clean stop: %s", error)
            return False
        return await self._gone(start, CLEAN_STOP_SECONDS, patient=False)

    async def _paused(self, start: str) -> bool:
        """Whether the process has ended with its token kept; where not, it is ended without."""
        try:
            await self._tell_driver("PAUSE")
        except DriverCommandError as error:
            logger.warning("the token can't be kept: %s", error)
            return False
        if await self._gone(start, PAUSE_SECONDS, patient=False):
            return True
        logger.warning("the token can't be kept: PAUSE was taken, and the process goes on")
        return False

    async def _without_token(self, start: str) -> None:
        """IBC's start script would take a token's file for a restart and begin anew without a permit."""
        self._permits.drop_token(start)
        ends = self._clock.monotonic() + DROP_SECONDS
        while self._clock.monotonic() < ends:
            if self._permits.token_dropped():
                return
            await asyncio.sleep(LOOK_EVERY)

    async def _halted(self) -> None:
        """While it logs in, STOP halts the process on the spot; the wrapper needs longer."""
        try:
            await self._tell_driver("STOP")
        except DriverCommandError as error:
            logger.info("no halt: %s", error)

    async def _gone(self, start: str, seconds: float, *, patient: bool = True) -> bool:
        """Whether the process of that start has ended, after waiting at most so long."""
        ends = self._clock.monotonic() + seconds
        while self._clock.monotonic() < ends and (patient or not self._hurries):
            wrapper = self._state.wrapper
            if wrapper is None or wrapper.start != start or not self._state.running:
                return True
            await asyncio.sleep(LOOK_EVERY)
        return False
