"""Reads the gateway's log into the state, and keeps how far it was read across restarts."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ibgateway_agent.sentinel.log.checkpoint import Checkpoint
from ibgateway_agent.sentinel.log.login_fold import LoginFold, fold_line, written_at
from ibgateway_agent.sentinel.log.tail import LogTail
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.login import Evidence
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

QUIET_READS: Final = 100
SAVE_EVERY: Final = 30.0


class LogReader:
    """Folds line by line; `caught_up_at` is when what was written before this sentinel's start was read."""

    def __init__(
        self, tail: LogTail, checkpoint: Checkpoint, state: GatewayState, clock: Clock
    ) -> None:
        self._tail = tail
        self._checkpoint = checkpoint
        self._state = state
        self._clock = clock
        self._saved = (state.fold, clock.monotonic())
        self.caught_up_at: datetime | None = None
        self.unsaved = ""
        """Why the last checkpoint could not be written; empty when it was."""

    def evidence(self) -> Iterator[tuple[LoginFold, Evidence]]:
        """Each new piece of evidence, with the fold before its line; the first piece of a line moves it.

        A line is folded only when the pieces of the one before it have been dealt with: the ledger
        knows of a rejection before the driver's next try.
        """
        while lines := self._tail.lines():
            for line in lines:
                before = self._state.fold
                for piece in self._fold(line):
                    yield before, piece
                    before = self._state.fold
        self.caught_up_at = self.caught_up_at or self._clock.now()

    def finish(self) -> None:
        """After everything new was dealt with: save, and cut a log that has grown long."""
        self.save()
        if self._tail.cut(quiet_reads=QUIET_READS):
            logger.info("the gateway's log was cut")
            self.save(at_once=True)

    def save(self, *, at_once: bool = False) -> None:
        """Keep what changed; how far the log was read alone is worth a write only now and then."""
        fold, now = self._state.fold, self._clock.monotonic()
        saved, when = self._saved
        if not at_once and saved == fold and now - when < SAVE_EVERY:
            return
        self._saved = (fold, now)
        try:
            self._checkpoint.save(fold, self._tail.position)
            self.unsaved = ""
        except OSError as error:
            self.unsaved = str(error)
            logger.error("no checkpoint: %s", error)  # noqa: TRY400 - tried again at the next change

    def _fold(self, line: str) -> tuple[Evidence, ...]:
        """While catching up a line counts from the time that was written on it."""
        now = self._clock.now()
        at = now if self.caught_up_at else min(written_at(line) or now, now)
        seconds = self._state.settings.login.approval_seconds
        self._state.fold, evidence = fold_line(self._state.fold, line, at, approval_seconds=seconds)
        return evidence
