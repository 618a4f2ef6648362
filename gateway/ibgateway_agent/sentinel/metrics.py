"""The sentinel's metrics, on a port of their own: they need no token and tell no secret."""

import math
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.permits import Attempt
from ibgateway_runtime.clock import Clock


class SentinelMetrics:
    """One registry; every label has a fixed set of values."""

    def __init__(self, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        self._logged_in_since: datetime | None = None
        self._state = Gauge(
            "ibgateway_login_state",
            "1 for the present login state",
            ["state"],
            registry=self.registry,
        )
        self._since = Gauge(
            "ibgateway_logged_in_seconds",
            "Seconds since the login, 0 while not logged in",
            registry=self.registry,
        )
        self._since.set_function(self._seconds)
        self._full = Gauge(
            "ibgateway_full_authentication_timestamp_seconds",
            "When a login that was not by token was last proven",
            registry=self.registry,
        )
        self._attempts = Counter(
            "ibgateway_login_attempts",
            "Login attempts that were allowed",
            ["kind", "cause"],
            registry=self.registry,
        )
        self._pushes = Counter(
            "ibgateway_pushes", "Second-factor pushes that were seen", registry=self.registry
        )
        self._skew = Gauge(
            "ibgateway_clock_skew_seconds",
            "The node's clock minus IBKR's, NaN before they were compared",
            registry=self.registry,
        )
        self._probes = Counter(
            "ibgateway_api_probes", "API probes by result", ["result"], registry=self.registry
        )

        self._notifications = Counter(
            "ibgateway_notifications",
            "Letters to people: taken by an address, failed, or messages that were given up",
            ["result"],
            registry=self.registry,
        )

    def follow_clock(self, skew: Callable[[], float | None]) -> None:
        """Ask this for the skew whenever it is read."""

        def seconds() -> float:
            known = skew()
            return math.nan if known is None else known

        self._skew.set_function(seconds)

    def login(self, login: Login) -> None:
        """The present state."""
        for state in LoginState:
            self._state.labels(state).set(state is login.state)
        self._logged_in_since = login.since if login.state is LoginState.LOGGED_IN else None
        if login.full_auth_time is not None:
            self._full.set(login.full_auth_time.timestamp())

    def _seconds(self) -> float:
        if self._logged_in_since is None:
            return 0.0
        return (self._clock.now() - self._logged_in_since).total_seconds()

    def attempt(self, attempt: Attempt) -> None:
        """One more permit, or one more attempt that the driver began by itself."""
        self._attempts.labels(attempt.kind, attempt.cause).inc()

    def sign(self, sign: Sign) -> None:
        """Counts what is worth counting."""
        if sign is Sign.PUSH_SENT:
            self._pushes.inc()

    def notification(self, result: str) -> None:
        """One more letter that was taken or failed, or one more message that was given up."""
        self._notifications.labels(result).inc()

    def probe(self, result: ProbeResult) -> None:
        """One more probe."""
        self._probes.labels(result).inc()
