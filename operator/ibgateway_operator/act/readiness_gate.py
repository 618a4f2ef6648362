"""The fast lane: news of the sentinel becomes the executor pod's readiness condition at once.

It does nothing but judge and patch, so nothing slow is ever in its way. It is the only writer of that
condition; status is judged by the same function. Pods of programs that follow the gate are told in a lane
of their own, as soon as the executor's patch is on its way.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_api.gate import NEWS_LIMIT_SECONDS, Gate
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.week import Calendar
from ibgateway_operator.act.programs import ProgramGates
from ibgateway_operator.decide.gate import A_MOMENT, judge, pod_condition, said_of
from ibgateway_operator.errors import NotFoundError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.manifests import is_terminating, name_of
from ibgateway_operator.model.memory import GatewayMemory
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.observe.observer import Observer
from ibgateway_operator.observe.patience import has_status, is_heard
from ibgateway_operator.workqueue import After

JUDGED_SECONDS: Final = 60.0
"""A gate that nothing has happened to is judged this often all the same: wall clocks may be set."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadinessGates:
    """Keeps every executor's gate. `on_change` is told of a gate that opened, closed or changed its reason."""

    observer: Observer
    api_server: ApiServer
    cache: Cache
    calendar: Calendar
    programs: ProgramGates
    on_change: Callable[[Key, str], None]

    async def still(self, key: Key) -> After | None:
        """When to look again at a gate that can't have moved by itself; None where it is to be judged."""
        memory, now = self.observer.memories.get(key), self.observer.clock.monotonic()
        if memory is None or memory.listening is None:
            return None
        left = min(memory.judged_until - now, NEWS_LIMIT_SECONDS - memory.listening.age)
        return After(left + A_MOMENT) if left > 0 else None

    async def keep(self, key: Key) -> After | None:
        """Judge the gate, write the condition where it differs, and look again before it could close."""
        if wait := self._waits(key):
            self.programs.doubt(key, begins=not has_status(self.cache.gateway(key) or {}))
            return After(wait)
        snapshot, memory = self.observer.snapshot(key), self.observer.memory(key)
        if snapshot is None or memory is None:
            return await self.programs.miss(key)
        verdict = judge(snapshot, self.calendar)
        said = said_of(verdict.gate)
        reason = said.reason
        self.programs.follow(key, said)  # theirs begin once this one's patch waits
        written = await self._write(snapshot, verdict.gate)
        memory.open_since = self._open_since(memory, reason)
        if memory.gate_reason != reason:
            logger.info("%s: the gate is %s", key, reason)
        if written or memory.gate_reason != reason:
            memory.gate_reason = reason
            self.on_change(key, reason)
        boundary = (verdict.week.opens - snapshot.now).total_seconds()
        memory.judged_until = self.observer.clock.monotonic() + min(boundary, JUDGED_SECONDS)
        return After(min(verdict.look_again, JUDGED_SECONDS))

    def _open_since(self, memory: GatewayMemory, reason: str) -> float | None:
        """Since when it is open: an operator that has just started begins to count anew."""
        if reason != ConditionReason.GATE_OPEN:
            return None
        known = memory.open_since
        return self.observer.clock.monotonic() if known is None else known

    def _waits(self, key: Key) -> float:
        """Seconds until there is something to judge: news of a gateway can't have come before.

        A pod that was just made has no condition, and that counts as a closed gate.
        """
        memory = self.observer.memory(key)
        if memory is None:
            return 0.0
        memory.judged_until = 0.0
        if not is_heard(memory) and (wait := self.observer.beginning(key, memory)):
            return wait
        return self.observer.settling(key, memory)

    async def _write(self, snapshot: Snapshot, verdict: Gate) -> bool:
        """Write the condition where the pod stays and it differs; whether it was written."""
        pod = snapshot.pod(Component.EXECUTOR)
        if pod is None or is_terminating(pod):
            return False
        condition = pod_condition(verdict, pod, snapshot.now)
        if condition is None:
            return False
        place = Key(snapshot.gateway.key.namespace, name_of(pod))
        try:
            stored = await self.api_server.patch_pod_condition(place, condition)
        except NotFoundError:
            return False
        self.cache.written({**stored, "kind": "Pod"})
        return True
