"""Asking an executor why it is not ready, only where nothing that the operator knows explains it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_api.executor_documents import ProblemDocument
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.model.memory import ExecutorMemory
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient

EVERY_SECONDS: Final = 10.0
GATE: Final = "/v1/gate"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Executors:
    """Asks executors. `clock` is monotonic seconds."""

    http: HttpClient
    clock: Callable[[], float]

    async def look(self, memory: ExecutorMemory, endpoint: Endpoint | None) -> None:
        """Ask when it is time; None, or one that does not answer, has no word."""
        if endpoint is None:
            memory.report, memory.ask_at = None, 0.0
        elif self.clock() >= memory.ask_at:
            memory.report = await self.words(endpoint)
            memory.ask_at = self.clock() + EVERY_SECONDS

    async def ask(self, endpoint: Endpoint) -> ExecutorReport | None:
        """The executor's own view of the gate; None where it does not give it."""
        try:
            return await self._report(endpoint)
        except (EndpointUnavailableError, ValueError) as error:
            logger.debug("%s can't be asked: %s", endpoint.name, error)
            return None

    async def words(self, endpoint: Endpoint) -> ExecutorReport | None:
        """The same for people: also of one whose ledger is away since its start, which can't say what is on its way and so has not drained."""
        try:
            return await self._report(endpoint)
        except EndpointUnavailableError as error:
            logger.debug("%s can't be asked: %s", endpoint.name, error)
            return _reason(error.body)
        except ValueError as error:
            logger.debug("%s can't be understood: %s", endpoint.name, error)
            return None

    async def _report(self, endpoint: Endpoint) -> ExecutorReport:
        return ExecutorReport.model_validate_json(await self.http.get(endpoint, GATE))

    def due(self, memory: ExecutorMemory) -> float:
        """Seconds until the next look."""
        return max(memory.ask_at - self.clock(), 0.0)


def _reason(problem: bytes) -> ExecutorReport | None:
    """What an executor that has no view of the gate says instead; one that is about to start has no words yet."""
    try:
        said = ProblemDocument.model_validate_json(problem)
    except ValueError:
        return None
    return (
        ExecutorReport(open=False, reason=said.code, message=said.detail) if said.detail else None
    )
