"""The drain that programs are asked for: one, for as long as any planned stop waits for it.

A program that has drained sends nothing until the gate opens again. So its word holds for every stop that comes
while the same drain goes on, and for none after it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.gate.programs import ProgramWatch
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.gate_documents import (
    DRAIN_LIMIT_SECONDS,
    DrainAnswer,
    DrainReason,
    DrainRequest,
    GateDrain,
)
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

POD_STOP: Final = "pod"
CONSOLE_STOP: Final = "console"
POD_STOP_SECONDS: Final = 20.0
"""The preStop hook waits no longer."""
CONSOLE_SECONDS: Final = 50.0
"""A button at the console is given up after a minute: programs have had their time by then."""
ASKED_WITHIN_SECONDS: Final = 15.0
"""The operator asks once a second while a stop of its own is due; one that asks no more has dropped it."""


_CONSOLE: Final = {
    ConsoleAction.RESTART: DrainReason.RESTART,
    ConsoleAction.HANDOVER: DrainReason.HANDOVER,
}


@dataclass(frozen=True)
class StopLimit:
    """Until when a stop waits, by both clocks."""

    reason: str
    ends: float
    until: datetime


class GateDrains:
    """Which stops ask, and whether programs hold them up."""

    def __init__(self, programs: ProgramWatch, boot: str, clock: Clock) -> None:
        self._programs = programs
        self._boot = boot
        self._begun = 0
        self._left_behind = ""
        """The drain whose limit has passed with programs that had not answered."""
        self._clock = clock
        self.current: GateDrain | None = None
        """The drain at the last look; None where none is asked for."""
        self._stops: dict[str, StopLimit] = {}
        self._by_operator = ("", float("-inf"))
        """The stop of the operator, and when it asked last."""

    @property
    def asked_by_operator(self) -> bool:
        """Whether a stop of the operator's is due."""
        key, asked = self._by_operator
        return bool(key) and self._clock.monotonic() - asked <= ASKED_WITHIN_SECONDS

    def request(self, asked: DrainRequest) -> GateDrain:
        """The operator asks, again and again: what programs are asked for now."""
        key = f"operator {asked.id}"
        if key != self._by_operator[0]:
            self._stops.pop(self._by_operator[0], None)
        self._by_operator = (key, self._clock.monotonic())
        self._begin(key, asked.reason, DRAIN_LIMIT_SECONDS)
        return self._seen()

    def look(
        self, *, pod_stop: bool, console: ConsoleAction | None, nightly: datetime | None
    ) -> GateDrain | None:
        """The drain of this moment. `console`: what a person there waits for. `nightly`: when the gateway restarts itself, where trading is held for that."""
        wanted: Mapping[str, tuple[str, float] | None] = {
            self._by_operator[0]: ("", 0.0) if self.asked_by_operator else None,
            POD_STOP: (DrainReason.POD_STOP, POD_STOP_SECONDS) if pod_stop else None,
            CONSOLE_STOP: (_CONSOLE[console], CONSOLE_SECONDS) if console else None,
            "nightly": (DrainReason.NIGHTLY_RESTART, self._left(nightly)) if nightly else None,
        }
        for key in [key for key in self._stops if wanted.get(key) is None]:
            del self._stops[key]
        for key, stop in wanted.items():
            if stop is not None and key not in self._stops:
                self._begin(key, *stop)
        self.current = self._seen() if self._stops else None
        return self.current

    def answer(self, answer: DrainAnswer) -> bool:
        """A program has drained; False where that drain is not asked for now. Raises ProgramLimitError."""
        if self.current is None or answer.drain != self.current.id:
            return False
        self._programs.drained(answer.program, answer.drain)
        self._seen()
        return True

    def done(self, stop: str) -> bool:
        """Whether POD_STOP or CONSOLE_STOP waits, and is held up by no program any more."""
        limit = self._stops.get(stop)
        if limit is None or self.current is None:
            return False
        late = self._clock.monotonic() >= limit.ends
        return late or (
            self._programs.are_known and not self._programs.waiting_for(self.current.id)
        )

    def _begin(self, key: str, reason: str, seconds: float) -> None:
        if key not in self._stops:
            ends, until = self._clock.monotonic() + seconds, self._clock.now()
            self._stops[key] = StopLimit(reason, ends, until + timedelta(seconds=seconds))

    def _left(self, at: datetime) -> float:
        return max((at - self._clock.now()).total_seconds(), 0.0)

    def _seen(self) -> GateDrain:
        """The stop that comes first names the drain."""
        first = min(self._stops.values(), key=lambda stop: stop.ends)
        drain = self.current or self._new(first.until)
        seen = {
            "reason": first.reason,
            "until": first.until,
            "waiting_for": self._programs.waiting_for(drain.id),
        }
        self.current = drain.model_copy(update=seen)
        self._say_who_is_late(self.current, first)
        return self.current

    def _say_who_is_late(self, drain: GateDrain, first: StopLimit) -> None:
        late = self._clock.monotonic() >= first.ends and drain.waiting_for
        if late and self._left_behind != drain.id:
            self._left_behind = drain.id
            names = ", ".join(drain.waiting_for)
            logger.warning("%s waits no longer for %s: not drained", drain.reason, names)

    def _new(self, until: datetime) -> GateDrain:
        self._begun += 1
        name = f"{self._boot}-{self._begun}"
        logger.info("programs are asked to drain: %s", name)
        return GateDrain(id=name, reason="", since=self._clock.now(), until=until)
