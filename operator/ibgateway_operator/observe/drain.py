"""Asking who trades whether it has drained, only while a planned stop waits for it: the executor itself, programs by the sentinel."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.decide.stops import PlannedStop
from ibgateway_operator.model.memory import DrainMemory, GatewayMemory
from ibgateway_operator.observe.executor import Executors
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint
from ibgateway_runtime.sentinel_client import request_drain

NOT_FOUND: Final = 404

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drains:
    """Asks executors and sentinels. `clock` is monotonic seconds."""

    executors: Executors
    clock: Callable[[], float]

    async def ask(
        self,
        memory: GatewayMemory,
        stop: PlannedStop | None,
        executor: Endpoint | None,
        sentinel: Endpoint | None,
    ) -> None:
        """Remember what is said of `stop`; another stop begins with a clock of its own."""
        if stop is None:
            memory.drain = None
            return
        since = memory.drain.since if memory.drain and memory.drain.stop == stop else self.clock()
        report, programs = await asyncio.gather(
            self._executor(executor), self._programs(stop, sentinel)
        )
        memory.drain = DrainMemory(stop, since, report, programs)

    async def _executor(self, endpoint: Endpoint | None) -> ExecutorReport | None:
        return await self.executors.ask(endpoint) if endpoint else None

    async def _programs(
        self, stop: PlannedStop, endpoint: Endpoint | None
    ) -> tuple[str, ...] | None:
        """Those that have not drained. The executor's own stop is no concern of theirs, and a sentinel of a version that
        knows no programs has none.
        """
        if stop is PlannedStop.EXECUTOR:
            return ()
        if endpoint is None:
            return None
        try:
            drain = await request_drain(self.executors.http, endpoint, stop)
        except EndpointUnavailableError as error:
            logger.debug("%s can't be asked for a drain: %s", endpoint.name, error)
            return () if error.status == NOT_FOUND else None
        return drain.waiting_for
