"""Attempts that the login driver makes by itself, asking nobody: counted, and ended where none is allowed."""

import logging
from collections.abc import Callable
from dataclasses import replace

from ibgateway_agent.errors import LedgerError
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_agent.sentinel.permits import decide, outcome
from ibgateway_agent.sentinel.permits.permits import Permits
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.process.stop import ProcessStop
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.login import Evidence, Login
from ibgateway_api.permits import AttemptOutcome, Granted, PermitKind, Refused
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)


class DriverAttempts:
    """Sees them in the evidence. `snapshot` gives everything that is known at the moment."""

    def __init__(
        self,
        state: GatewayState,
        permits: Permits,
        stop: ProcessStop,
        metrics: SentinelMetrics,
        *,
        snapshot: Callable[[], SentinelSnapshot],
        clock: Clock,
    ) -> None:
        self._state = state
        self._permits = permits
        self._stop = stop
        self._metrics = metrics
        self._snapshot = snapshot
        self._clock = clock

    def starts_over(self, *, just_now: bool) -> None:
        """An attempt that asked nobody is counted, and ended where it would not have been granted.

        One of before this sentinel's start (not `just_now`) has been answered by now: a login may have come of it.
        """
        snapshot = self._snapshot()
        self._permits.record_or_retry(outcome.unfinished(snapshot.records, AttemptOutcome.ENDED))
        granted = decide.driver_may_start_over(snapshot)
        if isinstance(granted, Refused) and just_now:
            self._stop.begin("the driver starts over without a permit", at_once=True)
            return
        self._stop.give_up()
        self._count(Granted(PermitKind.FULL))

    def see_relogin(self, before: Login, evidence: Evidence) -> None:
        """A push that comes with a re-login can't be held back: it is counted."""
        if outcome.asked_nobody(evidence, before):
            ended = outcome.unfinished(self._permits.records, AttemptOutcome.ENDED)
            self._permits.record_or_retry(ended)
            self._count(Granted(PermitKind.FULL))
        after, records = self._state.login, self._permits.records
        back = outcome.taken_back(before, after, records, evidence.at)
        self._permits.record_or_retry(back)

    def _count(self, granted: Granted) -> None:
        try:
            attempt = self._permits.count(granted, self._clock.now())
        except (OSError, LedgerError):
            logger.exception("what can't be written down is not allowed")
            self._stop.begin("an attempt that can't be written down", at_once=True)
            return
        self._metrics.attempt_of_driver(attempt)
        self._state.fold = replace(self._state.fold, attempt=attempt.id)
