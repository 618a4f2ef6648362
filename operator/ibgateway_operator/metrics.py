"""What the operator counts, for Prometheus."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key


@dataclass(frozen=True)
class OperatorMetrics:
    """The operator's metrics in a registry of their own."""

    registry: CollectorRegistry
    reconciles: Counter
    errors: Counter
    status_conflicts: Counter
    seconds: Histogram
    depth: Gauge
    leading: Gauge
    state: Gauge
    gate: Gauge

    def login(self, key: Key, state: LoginState) -> None:
        """Note a gateway's login state: 1 for the one it is in, 0 for all others."""
        for each in LoginState:
            self.state.labels(*key, each).set(float(each is state))

    def gate_is(self, key: Key, *, open_: bool) -> None:
        """Note a gateway's gate."""
        self.gate.labels(*key).set(float(open_))

    def forget(self, key: Key) -> None:
        """Drop the series of a gateway that is gone."""
        for each in LoginState:
            self.state.remove(*key, each)
        self.gate.remove(*key)


def metrics() -> OperatorMetrics:
    """Fresh metrics, all at zero."""
    registry = CollectorRegistry()
    gateway = ("namespace", "name")
    return OperatorMetrics(
        registry=registry,
        reconciles=Counter("ibgateway_operator_reconciles", "Reconciles begun", registry=registry),
        errors=Counter(
            "ibgateway_operator_reconcile_errors", "Reconciles failed", registry=registry
        ),
        status_conflicts=Counter(
            "ibgateway_operator_status_conflicts",
            "Statuses that were made from a version that is not the latest",
            registry=registry,
        ),
        seconds=Histogram(
            "ibgateway_operator_reconcile_seconds", "Length of reconciles", registry=registry
        ),
        depth=Gauge("ibgateway_operator_queue_depth", "Keys due or running", registry=registry),
        leading=Gauge(
            "ibgateway_operator_leading",
            "1 while this operator holds the Lease and works, 0 while it stands by",
            registry=registry,
        ),
        state=Gauge(
            "ibgateway_login_state",
            "1 for the login state a gateway is in",
            (*gateway, "state"),
            registry=registry,
        ),
        gate=Gauge("ibgateway_gate_open", "1 while trading is allowed", gateway, registry=registry),
    )
