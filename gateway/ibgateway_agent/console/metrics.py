"""What the console counts, in a registry of its own (two consoles in one process do not mix)."""

import math

from prometheus_client import Counter, Gauge

from ibgateway_runtime.metrics import registry_of


class ConsoleMetrics:
    """Counters and gauges; label values come from fixed sets, never from a request."""

    def __init__(self) -> None:
        self.registry = registry_of("console")
        self.viewers = Gauge(
            "ibgateway_console_viewers", "Open noVNC sessions.", registry=self.registry
        )
        self.sessions = Counter(
            "ibgateway_console_sessions",
            "Sessions that have ended, by how.",
            ["ending"],
            registry=self.registry,
        )
        self.refused = Counter(
            "ibgateway_console_refused",
            "Requests refused before any session, by the check that failed.",
            ["check"],
            registry=self.registry,
        )
        self.bytes = Counter(
            "ibgateway_console_bytes",
            "Bytes carried in sessions: in from viewers, out to them.",
            ["direction"],
            registry=self.registry,
        )
        self.pressed = Counter(
            "ibgateway_console_pressed",
            "Buttons pressed, by what they ask for and what became of it.",
            ["action", "result"],
            registry=self.registry,
        )
        self.enforced = Gauge(
            "ibgateway_console_network_policy_enforced",
            "1 if NetworkPolicies keep the console from the API, 0 if not, NaN while unknown.",
            registry=self.registry,
        )
        self.enforced.set(math.nan)
