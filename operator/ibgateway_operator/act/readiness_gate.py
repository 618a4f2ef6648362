"""The fast lane: news of the sentinel becomes the executor pod's readiness condition at once.

It does nothing but judge and patch, so nothing slow is ever in its way. It is the only writer of that
condition; status is judged by the same function.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ibgateway_api.gate import Closed
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge, pod_condition
from ibgateway_operator.errors import NotFoundError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.manifests import Manifest, name_of
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.observe.observer import Observer, living
from ibgateway_operator.workqueue import After

logger = logging.getLogger(__name__)


@dataclass
class ReadinessGates:
    """Keeps every executor's gate. `on_change` hears of a gate that opened, closed or changed its reason."""

    observer: Observer
    cluster: ApiServer
    cache: Cache
    calendar: Calendar
    on_change: Callable[[Key, str], None]
    _reasons: dict[Key, str] = field(default_factory=dict)

    async def keep(self, key: Key) -> After | None:
        """Judge the gate, write the condition where it differs, and look again before it could close."""
        seen = self.observer.seen(key)
        if seen is None:
            self._reasons.pop(key, None)
            return None
        if seen.settling:
            return After(seen.settling)
        verdict = judge(seen, self.calendar)
        reason = (
            verdict.gate.reason if isinstance(verdict.gate, Closed) else ConditionReason.GATE_OPEN
        )
        pod = seen.pod(Component.EXECUTOR)
        condition = pod_condition(verdict.gate, pod, seen.now) if pod and living(pod) else None
        if condition is not None and pod is not None:
            await self._write(seen, pod, condition)
        if self._reasons.get(key) != reason:
            logger.info("%s: the gate is %s", key, reason)
            self._reasons[key] = reason
            self.on_change(key, reason)
        return After(verdict.look_again)

    async def _write(self, seen: Snapshot, pod: Manifest, condition: Manifest) -> None:
        place = Key(seen.gateway.key.namespace, name_of(pod))
        try:
            stored = await self.cluster.patch_pod_condition(place, condition)
        except NotFoundError:
            return
        self.cache.written(pod, {**stored, "kind": "Pod"})
