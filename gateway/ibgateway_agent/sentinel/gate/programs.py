"""Which programs ask for the gate now, and which of them have drained. Bounded, whoever asks by whatever name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ibgateway_agent.errors import ProgramLimitError
from ibgateway_api.gate_documents import MOST_PROGRAMS, PROGRAM_STAYS_SECONDS
from ibgateway_runtime.clock import Clock

MOST_ANSWERS: Final = 4 * MOST_PROGRAMS


@dataclass
class ProgramState:
    """One name: how many questions of it are open, and when it was heard last."""

    asking: int = 0
    heard: float = field(default=float("-inf"))


class ProgramWatch:
    """Hears programs. One is present while it asks, and for PROGRAM_STAYS_SECONDS after."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began = clock.monotonic()
        self._programs: dict[str, ProgramState] = {}
        self._drain = ""
        self._drained: dict[str, None] = {}
        """Who has answered that drain: it counts for a program that was not heard for a while, too."""

    @property
    def are_known(self) -> bool:
        """Whether every program that follows the gate has been heard: those of a sentinel that ended a moment ago ask anew first."""
        return self._clock.monotonic() - self.began > PROGRAM_STAYS_SECONDS

    @contextmanager
    def asks(self, program: str) -> Iterator[None]:
        """While a program asks. Raises ProgramLimitError where too many other names are there."""
        state = self._state(program)
        state.asking += 1
        try:
            yield
        finally:
            state.asking -= 1
            state.heard = self._clock.monotonic()

    def drained(self, program: str, drain: str) -> None:
        """A program has nothing under way, and sends nothing until the gate opens. Raises ProgramLimitError."""
        self._state(program).heard = self._clock.monotonic()
        if drain != self._drain:
            self._drain, self._drained = drain, {}
        self._drained[program] = None
        while len(self._drained) > MOST_ANSWERS:
            del self._drained[next(iter(self._drained))]

    def waiting_for(self, drain: str) -> tuple[str, ...]:
        """Those that are present and have not drained, by name."""
        self._forget()
        drained = self._drained if drain == self._drain else {}
        return tuple(sorted(name for name in self._programs if name not in drained))

    @property
    def present(self) -> int:
        """How many there are."""
        self._forget()
        return len(self._programs)

    def _state(self, program: str) -> ProgramState:
        self._forget()
        if program not in self._programs and len(self._programs) >= MOST_PROGRAMS:
            raise ProgramLimitError(
                f"{MOST_PROGRAMS} programs ask for this gate already: a program has one name"
            )
        return self._programs.setdefault(program, ProgramState())

    def _forget(self) -> None:
        """Who has gone; an open question keeps its own."""
        gone = self._clock.monotonic() - PROGRAM_STAYS_SECONDS
        kept = {n: s for n, s in self._programs.items() if s.asking or s.heard >= gone}
        if len(kept) != len(self._programs):
            self._programs = kept
