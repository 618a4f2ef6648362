"""What the operator counts, for Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key


@dataclass(frozen=True, eq=False)
class LoginStates(Collector):
    """Each gateway's login state; series are made when they are asked for, and not at each reconcile."""

    of: dict[Key, LoginState] = field(default_factory=dict)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """1 for the state that a gateway is in, 0 for all others."""
        family = GaugeMetricFamily(
            "ibgateway_login_state",
            "1 for the login state a gateway is in",
            labels=("namespace", "name", "state"),
        )
        for key, state in self.of.items():
            for each in LoginState:
                family.add_metric((*key, each), float(each is state))
        yield family


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
    states: LoginStates
    gate: Gauge
    notifications: Counter

    def login(self, key: Key, state: LoginState) -> None:
        """Note a gateway's login state."""
        self.states.of[key] = state

    def gate_is(self, key: Key, *, open_: bool) -> None:
        """Note a gateway's gate."""
        self.gate.labels(*key).set(float(open_))

    def notification(self, result: str) -> None:
        """One more letter that was taken or failed, or one more message that was given up."""
        self.notifications.labels(result).inc()

    def forget(self, key: Key) -> None:
        """Drop the series of a gateway that is gone."""
        self.states.of.pop(key, None)
        self.gate.remove(*key)


def metrics() -> OperatorMetrics:
    """Fresh metrics, all at zero."""
    registry, states = CollectorRegistry(), LoginStates()
    registry.register(states)
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
        states=states,
        notifications=Counter(
            "ibgateway_notifications",
            "Letters to people: taken by an address, failed, or messages that were given up",
            ["result"],
            registry=registry,
        ),
        gate=Gauge("ibgateway_gate_open", "1 while trading is allowed", gateway, registry=registry),
    )
