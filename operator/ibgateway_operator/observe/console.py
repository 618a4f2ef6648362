"""Asking the console, now and then, whether NetworkPolicies are enforced here."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_operator.model.memory import ConsoleMemory
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient

EVERY_SECONDS: Final = 60.0
UNTIL_KNOWN_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consoles:
    """Asks consoles. `clock` is monotonic seconds."""

    http: HttpClient
    clock: Callable[[], float]

    async def look(self, memory: ConsoleMemory) -> None:
        """Ask when it is time; a console that does not answer leaves its last word standing."""
        if memory.address is None or self.clock() < memory.ask_at:
            return
        enforced = await self._ask(Endpoint(*memory.address))
        if enforced is not None:
            memory.enforced = enforced
        wait = UNTIL_KNOWN_SECONDS if memory.enforced is None else EVERY_SECONDS
        memory.ask_at = self.clock() + wait

    async def _ask(self, endpoint: Endpoint) -> bool | None:
        try:
            word = json.loads(await self.http.get(endpoint, "/network-policy")).get("enforced")
        except (EndpointUnavailableError, ValueError, AttributeError) as error:
            logger.debug("%s can't be asked: %s", endpoint.name, error)
            return None
        return word if isinstance(word, bool) else None

    def due(self, memory: ConsoleMemory) -> float:
        """Seconds until the next look; infinite while there is no console."""
        return max(memory.ask_at - self.clock(), 0.0) if memory.address else float("inf")
