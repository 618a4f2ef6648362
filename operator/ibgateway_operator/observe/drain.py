"""Asking an executor whether it has drained, only while a planned stop waits for it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.decide.stops import PlannedStop
from ibgateway_operator.model.memory import DrainMemory, GatewayMemory
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drains:
    """Asks executors. `clock` is monotonic seconds."""

    http: HttpClient
    clock: Callable[[], float]

    async def ask(
        self, memory: GatewayMemory, stop: PlannedStop | None, endpoint: Endpoint | None
    ) -> None:
        """Remember the executor's word on `stop`; another stop begins with a clock of its own."""
        if stop is None:
            memory.drain = None
            return
        since = memory.drain.since if memory.drain and memory.drain.stop == stop else self.clock()
        report = await self._report(endpoint) if endpoint else None
        memory.drain = DrainMemory(stop, since, report)

    async def _report(self, endpoint: Endpoint) -> ExecutorReport | None:
        try:
            return ExecutorReport.model_validate_json(await self.http.get(endpoint, "/v1/gate"))
        except (EndpointUnavailableError, ValueError) as error:
            logger.debug("%s can't be asked: %s", endpoint.name, error)
            return None
