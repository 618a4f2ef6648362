"""Events of an IBGateway (events.k8s.io/v1): said once, never in a flood, never fatal."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ibgateway_api import names
from ibgateway_operator.clock import Clock
from ibgateway_operator.errors import OperatorError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import EVENT
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import IBGateway
from ibgateway_operator.status.event_rules import PendingEvent

REPEAT_SECONDS: Final = 86400.0
"""The same words about the same object are not said again within a day."""
BURST: Final = 30
BURST_SECONDS: Final = 600.0
LONGEST_NOTE: Final = 1000
"""The API server takes 1024 bytes."""

logger = logging.getLogger(__name__)


@dataclass
class EventRecorder:
    """Writes Events. `random_suffix` makes their names."""

    cluster: ApiServer
    clock: Clock
    instance: str
    random_suffix: Callable[[], str]
    _said: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _recent: dict[str, list[float]] = field(default_factory=dict)

    async def record(self, gateway: IBGateway, news: Iterable[PendingEvent]) -> None:
        """Write what was not said lately; an Event that can't be written is only logged."""
        for announcement in news:
            if not self._may(gateway.uid, announcement):
                continue
            logger.info("%s: %s: %s", gateway.key, announcement.reason, announcement.note)
            name = f"{gateway.key.name}.{self.random_suffix()}"
            try:
                await self.cluster.create(
                    event(gateway, announcement, name, self.instance, self.clock.now())
                )
            except OperatorError as error:
                logger.warning("%s: an Event was not written: %s", gateway.key, error)

    def forget(self, uid: str) -> None:
        """The IBGateway is gone."""
        self._recent.pop(uid, None)
        for words in [w for w in self._said if w[0] == uid]:
            del self._said[words]

    def _may(self, uid: str, announcement: PendingEvent) -> bool:
        now = self.clock.monotonic()
        words = (uid, announcement.reason, announcement.note)
        if now - self._said.get(words, float("-inf")) < REPEAT_SECONDS:
            return False
        recent = [at for at in self._recent.get(uid, []) if now - at < BURST_SECONDS]
        self._recent[uid] = recent
        if len(recent) >= BURST:
            return False
        recent.append(now)
        self._said[words] = now
        return True


def event(
    gateway: IBGateway, announcement: PendingEvent, name: str, instance: str, now: datetime
) -> Manifest:
    """The Event as it is posted."""
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": name, "namespace": gateway.key.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{names.GROUP}/operator",
        "reportingInstance": instance,
        "action": announcement.action,
        "reason": announcement.reason,
        "note": announcement.note[:LONGEST_NOTE],
        "type": announcement.tone,
        "regarding": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "namespace": gateway.key.namespace,
            "name": gateway.key.name,
            "uid": gateway.uid,
        },
    }
