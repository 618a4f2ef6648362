"""Asking the console, now and then, whether NetworkPolicies are enforced here."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ibgateway_api.names import Key
from ibgateway_operator.errors import EndpointUnavailableError
from ibgateway_operator.observe.http import Endpoint, HttpClient

EVERY_SECONDS: Final = 60.0
UNTIL_KNOWN_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


@dataclass
class Consoles:
    """The last word of each console. `clock` is monotonic seconds."""

    peers: HttpClient
    clock: Callable[[], float]
    _said: dict[Key, bool] = field(default_factory=dict)
    _next: dict[Key, float] = field(default_factory=dict)

    def enforced(self, key: Key) -> bool | None:
        """What the console said last; None while it has not."""
        return self._said.get(key)

    async def look(self, key: Key, peer: Endpoint | None) -> None:
        """Ask when it is time; a console that does not answer leaves its last word standing."""
        if peer is None or self.clock() < self._next.get(key, 0.0):
            return
        try:
            word = json.loads(await self.peers.get(peer, "/network-policy")).get("enforced")
        except (EndpointUnavailableError, ValueError, AttributeError) as error:
            logger.debug("the console of %s can't be asked: %s", key, error)
            word = None
        if isinstance(word, bool):
            self._said[key] = word
        wait = EVERY_SECONDS if key in self._said else UNTIL_KNOWN_SECONDS
        self._next[key] = self.clock() + wait

    def due(self, key: Key) -> float:
        """Seconds until the next look."""
        return max(self._next.get(key, 0.0) - self.clock(), 0.0)

    def forget(self, key: Key) -> None:
        """The IBGateway is gone."""
        self._said.pop(key, None)
        self._next.pop(key, None)
