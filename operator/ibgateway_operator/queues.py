"""The lanes: a fast one that judges gates, one that tells programs, a slow one that reconciles, one that listens; and what puts keys on which."""

from dataclasses import dataclass
from typing import Final

from ibgateway_api.names import LABEL_COMPONENT, Component, Key
from ibgateway_operator.figures import QueueView
from ibgateway_operator.kube.bodies import named_by_label
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.kinds import DEPLOYMENT, POD, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest, labels_of
from ibgateway_operator.workqueue import Workqueue

JUDGED_BY: Final = frozenset(kind.kind for kind in (POD, STATEFUL_SET, DEPLOYMENT))
"""The children that a gate is judged by: pods, and whose template waits."""
GATE_FIRST_SECONDS: Final = 0.05
"""Head start of the gate's patch over everything else that news asks for."""


@dataclass(frozen=True)
class Queues:
    """The fast lane for gates, the slow one for reconciles, those for listening and for programs, and what puts keys on them."""

    fast: Workqueue[Key]
    slow: Workqueue[Key]
    listening: Workqueue[Key]
    """Whose sentinel may have an address by now."""
    programs: Workqueue[Key]
    """Pods of programs that are to be told of their gate; the keys are the pods'."""
    cache: Cache
    metrics: OperatorMetrics

    def changed(self, key: Key) -> None:
        """Something about this IBGateway may have changed."""
        self.fast.add(key)
        self.slow.add(key)

    def child_changed(self, body: Manifest) -> None:
        """A child or a pod came, changed or went: only some of them say anything about the gate."""
        key = named_by_label(body)
        if body["kind"] in JUDGED_BY:
            self.fast.add(key)
        if body["kind"] == POD.kind and labels_of(body).get(LABEL_COMPONENT) == Component.GATEWAY:
            self.listening.add(key)
        self.slow.add(key)

    def heard(self, key: Key) -> None:
        """A sentinel told something: the gate first."""
        self.fast.add(key)
        self.slow.add(key, delay=GATE_FIRST_SECONDS)

    def gate_changed(self, key: Key, reason: str) -> None:
        """The status says so, too."""
        self.metrics.gate_is(key, reason)
        self.slow.add(key)

    def figures(self) -> dict[str, QueueView]:
        """How each of them does that can fail for a key."""
        return {
            queue.name: QueueView(
                len(queue), queue.failing(), queue.oldest_due(), queue.oldest_run()
            )
            for queue in (self.fast, self.programs, self.slow)
        }

    def one_is_gone(self) -> None:
        """Its user name is free again: another one may have waited for it."""
        for key in self.cache.gateways():
            self.slow.add(key)
