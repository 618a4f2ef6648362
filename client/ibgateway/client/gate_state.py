"""What was heard of the gate, and who is inside because of it: what both gates keep. Time comes in, nothing is sent here."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from ibgateway.client.errors import UnansweredError
from ibgateway.client.stream_events import LineParser
from ibgateway_api.gate_documents import GateReport

SILENCE_SECONDS: Final = 5.0
"""The sentinel shows every second that it lives; after so long without a line nothing is known any more."""
NO_NEWS: Final = "NoNews"
_FORKED: Final = "a process does not hear what its parent follows: make a Gate in each process"

logger = logging.getLogger("ibgateway.client.gate")


class ClosedGate(NamedTuple):
    """Why no order may be sent: `reason` for programs, `message` for people."""

    reason: str
    message: str


class GateState:
    """The last report, how old it is, and how many are inside. Any thread may ask; one task or thread tells.

    `changed` is called, without the lock, whenever the gate may have moved. `clock` is seconds that only grow, also while the machine is suspended.
    """

    def __init__(self, clock: Callable[[], float], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._parser = LineParser()
        self._report: GateReport | None = None
        self._heard_at = float("-inf")
        self._line_at = float("-inf")
        self._answered = False
        self._trouble = "it has not answered yet"
        self._inside = 0
        self._acknowledged = ("", "")
        self._said: ClosedGate | None = ClosedGate("", "")
        self._ended = ""
        self._process = os.getpid()

    @property
    def report(self) -> GateReport | None:
        """The last one, however old; None where the last answer was none."""
        return self._report

    def closed(self) -> ClosedGate | None:
        """Why the gate is closed; None while it is open."""
        if self._process != os.getpid():
            return ClosedGate(NO_NEWS, _FORKED)
        with self._lock:
            return self._closed()

    def enter(self) -> ClosedGate | None:
        """Go in if the gate is open at this very moment; why not, where it is closed."""
        if self._process != os.getpid():
            return ClosedGate(NO_NEWS, _FORKED)
        with self._lock:
            closed = self._closed()
            self._inside += closed is None
            return closed

    def leave(self) -> None:
        """One who was inside has left."""
        with self._lock:
            self._inside -= 1

    def asked(self) -> None:
        """The gate is asked for anew. What an older connection told gets no younger by what this one brings."""
        with self._lock:
            self._parser, self._answered, self._line_at = LineParser(), False, self._clock()

    def take(self, line: str) -> None:
        """A line of the answer. Raises UnansweredError for one that comes after a silence: what stands
        in a connection that nobody has read may be as old as the silence, so it is to be asked anew.
        """
        with self._lock:
            now = self._clock()
            if now - self._line_at > SILENCE_SECONDS:
                raise UnansweredError(f"nothing was read for {now - self._line_at:.0f} s")
            self._line_at = now
            told = [text for name, text in self._parser.take(line) if name == "gate"]
            for text in told:
                self._report, self._answered = GateReport.model_validate_json(text), True
                self._trouble = "it has fallen silent"
            self._heard_at = now if self._answered else self._heard_at
        if told:
            self._moved()

    def fail(self, trouble: str, *, at_once: bool) -> None:
        """The gate is not heard, and why. `at_once`: it is closed by that, before the silence closes it."""
        with self._lock:
            self._trouble = trouble
            self._report = None if at_once else self._report
        self._moved()

    def end(self) -> None:
        """Nobody follows the gate any more: it is closed for good."""
        self._ended = "this program has closed its Gate"
        self._moved()

    def to_acknowledge(self) -> str | None:
        """Id of the drain that waits for the word that nothing is inside, if it can be given now."""
        with self._lock:
            asked = self._report.drain if self._report else None
            if self._report is None or asked is None or self._inside:
                return None
            told = self._acknowledged == (self._report.boot, asked.id)
            return None if told else asked.id

    def acknowledged(self, drain: str) -> None:
        """The sentinel has taken that word. Another process of it asks again."""
        with self._lock:
            self._acknowledged = (self._report.boot if self._report else "", drain)

    def _closed(self) -> ClosedGate | None:
        report, age = self._report, self._clock() - self._heard_at
        if self._ended or report is None or age > SILENCE_SECONDS:
            why = self._ended or self._trouble
            return ClosedGate(NO_NEWS, f"nothing is heard of the gateway's sentinel: {why}")
        if not report.open:
            return ClosedGate(report.reason, report.message)
        if report.drain is not None:
            return ClosedGate(report.drain.reason, "the gateway is about to stop")
        return None

    def _moved(self) -> None:
        closed = self.closed()
        if closed != self._said:
            said = "the gate is closed: %s: %s" if closed else "the gate is open"
            logger.info(said, *(closed or ()))
        self._said = closed
        self._changed()
