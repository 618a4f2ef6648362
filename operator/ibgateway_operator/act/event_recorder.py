"""Events of an IBGateway (events.k8s.io/v1): said once, never in a flood, never fatal."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_api import names
from ibgateway_operator.errors import OperatorError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import EVENT
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.memory import EventsMemory
from ibgateway_operator.model.snapshot import IBGateway
from ibgateway_operator.model.times import micro_time
from ibgateway_operator.status.pending_event import PendingEvent
from ibgateway_runtime.clock import Clock

REPEAT_SECONDS: Final = 86400.0
"""The same words about the same object are not said again within a day."""
BURST: Final = 30
BURST_SECONDS: Final = 600.0
LONGEST_NOTE: Final = 1000
"""The API server takes 1024 bytes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventRecorder:
    """Writes Events. `random_suffix` makes their names."""

    api_server: ApiServer
    clock: Clock
    instance: str
    random_suffix: Callable[[], str]

    async def record(
        self, gateway: IBGateway, memory: EventsMemory, events: Iterable[PendingEvent]
    ) -> None:
        """Write what was not said lately; an Event that can't be written is only logged."""
        for pending in events:
            if not self._may(memory, pending):
                continue
            logger.info("%s: %s: %s", gateway.key, pending.reason, pending.note)
            name = f"{gateway.key.name}.{self.random_suffix()}"
            try:
                await self.api_server.create(
                    event(gateway, pending, name, self.instance, self.clock.now())
                )
            except OperatorError as error:
                logger.warning("%s: an Event was not written: %s", gateway.key, error)

    def _may(self, memory: EventsMemory, pending: PendingEvent) -> bool:
        now = self.clock.monotonic()
        words = (pending.reason.value, pending.note)
        if now - memory.written.get(words, float("-inf")) < REPEAT_SECONDS:
            return False
        memory.recent = [at for at in memory.recent if now - at < BURST_SECONDS]
        if len(memory.recent) >= BURST:
            return False
        memory.written = {
            said: at for said, at in memory.written.items() if now - at < REPEAT_SECONDS
        }
        memory.recent.append(now)
        memory.written[words] = now
        return True


def event(
    gateway: IBGateway, pending: PendingEvent, name: str, instance: str, now: datetime
) -> Manifest:
    """The Event as it is posted."""
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": name, "namespace": gateway.key.namespace},
        "eventTime": micro_time(now),
        "reportingController": f"{names.GROUP}/operator",
        "reportingInstance": instance,
        "action": pending.action,
        "reason": pending.reason,
        "note": pending.note[:LONGEST_NOTE],
        "type": pending.type,
        "regarding": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "namespace": gateway.key.namespace,
            "name": gateway.key.name,
            "uid": gateway.uid,
        },
    }
