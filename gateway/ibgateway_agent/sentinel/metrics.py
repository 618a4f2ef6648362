"""The sentinel's metrics, on a port of their own: they need no token and tell no secret."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Histogram

from ibgateway_agent.sentinel.figures import FIGURES, SentinelView
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import Attempt, PermitKind
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.metrics import Figures, Stopwatch, registry_of
from ibgateway_runtime.volume import VolumeWatch

HANDSHAKE_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Seconds; a probe gives up after five."""
BY_TOKEN: Final = "Token"  # noqa: S105 - a cause, not a secret
BY_DRIVER: Final = "Driver"


class SentinelMetrics:
    """One registry. `look` gives what is known now; None before the gateway was looked at.

    `volume` is the folder whose file system is measured.
    """

    def __init__(self, clock: Clock, look: Callable[[], SentinelView | None], volume: Path) -> None:
        self.registry = registry_of("sentinel")
        self.volume = VolumeWatch(volume)
        self._look = look
        self._clock = clock
        self._asked_at: datetime | None = None
        # Before the counters: the seconds of the present state are of now.
        self.registry.register(Figures(FIGURES, self._seen))
        self._attempts = self._counter(
            "ibgateway_login_attempts", "Login attempts that were allowed", "kind", "cause"
        )
        self._restarts = self._counter(
            "ibgateway_restarts",
            "Processes of the gateway that began: by which permit, by the week's token, or by IBC alone",
            "cause",
        )
        self._pushes = self._counter("ibgateway_pushes", "Second-factor pushes that were seen")
        self._missed = self._counter("ibgateway_pushes_missed", "Pushes that nobody approved")
        self._links = self._counter("ibgateway_link_losses", "Times that IBKR's link was lost")
        self._kicks = self._counter(
            "ibgateway_session_conflicts", "Times that another login took the session"
        )
        self._probes = self._counter("ibgateway_api_probes", "API probes by result", "result")
        self._handshake = Histogram(
            "ibgateway_api_handshake_seconds",
            "Length of handshakes that came as far as accounts and next valid id",
            buckets=HANDSHAKE_BUCKETS,
            registry=self.registry,
        )
        self._notifications = self._counter(
            "ibgateway_notifications",
            "Letters to people: taken by an address, failed, or messages that were given up",
            "result",
        )
        seconds = self._counter(
            "ibgateway_login_state_seconds", "Seconds spent in each login state", "state"
        )
        self._states = Stopwatch(seconds, clock.monotonic)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _seen(self) -> SentinelView | None:
        view = self._look()
        if view is None:
            return None
        self.state(view.report.state)
        return replace(view, asked_at=self._asked_at, volume=self.volume.size)

    def operator_asked(self) -> None:
        """An operator has asked for the gateway's state."""
        self._asked_at = self._clock.now()

    def state(self, state: LoginState) -> None:
        """The present login state."""
        self._states.be_in(state)

    def attempt(self, attempt: Attempt) -> None:
        """One more permit. Of a start by token the log tells by itself."""
        self._attempts.labels(attempt.kind, attempt.cause).inc()
        if attempt.kind is PermitKind.FULL:
            self._restarts.labels(attempt.cause).inc()

    def attempt_of_driver(self, attempt: Attempt) -> None:
        """One more attempt that the driver began by itself."""
        self._attempts.labels(attempt.kind, attempt.cause).inc()
        self._restarts.labels(BY_DRIVER).inc()

    def sign(self, sign: Sign) -> None:
        """Counts what is worth counting."""
        if sign is Sign.PUSH_SENT:
            self._pushes.inc()
        elif sign is Sign.APPROVAL_MISSED:
            self._missed.inc()
        elif sign is Sign.LINK_LOST:
            self._links.inc()
        elif sign in (Sign.SESSION_TAKEN, Sign.RELOGIN_BEGUN):
            self._kicks.inc()
        elif sign is Sign.TOKEN_START:
            self._restarts.labels(BY_TOKEN).inc()

    def notification(self, result: str) -> None:
        """One more letter that was taken or failed, or one more message that was given up."""
        self._notifications.labels(result).inc()

    def probe(self, result: ProbeResult, seconds: float) -> None:
        """One more probe, and how long it took."""
        self._probes.labels(result).inc()
        if result is ProbeResult.READY:
            self._handshake.observe(seconds)
