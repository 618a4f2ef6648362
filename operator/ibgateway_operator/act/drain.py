"""Asking an executor whether it has drained, only while a planned stop waits for it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ibgateway_api.names import Key
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.decide.intent import PlannedStop
from ibgateway_operator.errors import EndpointUnavailableError
from ibgateway_operator.observe.http import Endpoint, HttpClient

PATIENCE_SECONDS: Final = 120.0
"""A suspend waits this long for an executor: the user's wish to stop wins in the end."""

logger = logging.getLogger(__name__)


@dataclass
class Drains:
    """The drains under way. `clock` is monotonic seconds."""

    peers: HttpClient
    clock: Callable[[], float]
    _asked: dict[Key, float] = field(default_factory=dict)

    async def drained(self, key: Key, peer: Endpoint | None, stop: PlannedStop) -> bool:
        """Whether the stop may go on: its gate is closed and nothing is on its way.

        Without an address there is nobody to wait for yet.
        """
        since = self._asked.setdefault(key, self.clock())
        report = await self._report(peer) if peer else None
        if report is not None and report.unacknowledged == 0 and not report.open:
            return True
        return stop is PlannedStop.SUSPEND and self.clock() - since > PATIENCE_SECONDS

    def forget(self, key: Key) -> None:
        """No stop is waited for any more."""
        self._asked.pop(key, None)

    async def _report(self, peer: Endpoint) -> ExecutorReport | None:
        try:
            return ExecutorReport.model_validate_json(await self.peers.get(peer, "/v1/gate"))
        except (EndpointUnavailableError, ValueError) as error:
            logger.debug("the executor can't be asked: %s", error)
            return None
