"""What the operator counts, for Prometheus, in a registry of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from prometheus_client import Counter, Histogram

from ibgateway_api.conditions import ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.figures import FIGURES, MEASURED, GatewayView, OperatorView
from ibgateway_runtime.metrics import Figures, registry_of


class OperatorMetrics:
    """What is counted as it happens, and each gateway as it was judged last."""

    def __init__(self) -> None:
        self.registry = registry_of("operator")
        self.view: OperatorView | None = None
        """What the next scrape shows; it is not changed any more, because it is written in a thread."""
        self.registry.register(Figures(FIGURES, lambda: self.view))
        self.leading = False
        self.gateways: dict[Key, GatewayView] = {}
        self._reconciles = self._counter(
            "ibgateway_operator_reconciles", "Reconciles that ended, by how", "result"
        )
        self.status_conflicts = self._counter(
            "ibgateway_operator_status_conflicts",
            "Statuses that were made from a version that is not the latest",
        )
        self._requests = self._counter(
            "ibgateway_operator_api_requests",
            "Requests to the API server, by method and by the answer's status",
            "method",
            "code",
        )
        self._seconds = Histogram(
            "ibgateway_operator_reconcile_seconds", "Length of reconciles", registry=self.registry
        )
        self._notifications = self._counter(
            "ibgateway_notifications",
            "Letters to people: taken by an address, failed, or messages that were given up",
            "result",
        )

    @contextmanager
    def reconcile(self) -> Iterator[None]:
        """Measure one, and count how it ends; one that is called off does not count."""
        result = "failed"
        try:
            with self._seconds.time():
                yield
            result = "done"
        except asyncio.CancelledError:
            result = ""
            raise
        finally:
            if result:
                self._reconciles.labels(result).inc()

    def request(self, method: str, status: int | None) -> None:
        """Count one to the API server; None where it gave no answer."""
        self._requests.labels(method, "none" if status is None else str(status)).inc()

    def status(self, key: Key, status: IBGatewayStatus) -> None:
        """Note a gateway's login state and its conditions."""
        found = {condition.type: condition for condition in status.conditions}
        conditions = {ConditionType(kind): found[kind] for kind in MEASURED if kind in found}
        login = LoginState(status.login.state)
        self.gateways[key] = replace(self._of(key), login=login, conditions=conditions)

    def gate_is(self, key: Key, reason: str) -> None:
        """Note the reason of a gateway's gate."""
        opened = reason == ConditionReason.GATE_OPEN
        self.gateways[key] = replace(self._of(key), gate=str(reason), gate_open=opened)

    def notification(self, result: str) -> None:
        """One more letter that was taken or failed, or one more message that was given up."""
        self._notifications.labels(result).inc()

    def forget(self, key: Key) -> None:
        """Drop the series of a gateway that is gone."""
        self.gateways.pop(key, None)

    def _of(self, key: Key) -> GatewayView:
        return self.gateways.get(key, GatewayView())

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)
