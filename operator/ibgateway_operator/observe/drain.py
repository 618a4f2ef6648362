"""Asking an executor whether it has drained, only while a planned stop waits for it."""

from collections.abc import Callable
from dataclasses import dataclass

from ibgateway_operator.decide.stops import PlannedStop
from ibgateway_operator.model.memory import DrainMemory, GatewayMemory
from ibgateway_operator.observe.executor import Executors
from ibgateway_runtime.http_client import Endpoint


@dataclass(frozen=True)
class Drains:
    """Asks executors. `clock` is monotonic seconds."""

    executors: Executors
    clock: Callable[[], float]

    async def ask(
        self, memory: GatewayMemory, stop: PlannedStop | None, endpoint: Endpoint | None
    ) -> None:
        """Remember the executor's word on `stop`; another stop begins with a clock of its own."""
        if stop is None:
            memory.drain = None
            return
        since = memory.drain.since if memory.drain and memory.drain.stop == stop else self.clock()
        report = await self.executors.ask(endpoint) if endpoint else None
        memory.drain = DrainMemory(stop, since, report)
