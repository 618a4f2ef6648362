"""Reads the gateway's log into the state, and keeps how far it was read across restarts."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ibgateway_agent.sentinel.log.checkpoint import Checkpoint
from ibgateway_agent.sentinel.log.login_fold import LoginFold, fold_line, written_at
from ibgateway_agent.sentinel.log.tail import LogPosition, LogTail
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.login import Evidence
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

QUIET_READS: Final = 100
SAVE_EVERY: Final = 30.0
TRY_EVERY: Final = 3600.0
"""So often it is written although nothing is new: a volume that takes no writes is known before a login is due."""


class LogReader:
    """Folds line by line; `caught_up_at` is when what was written before this sentinel's start was read."""

    def __init__(
        self, tail: LogTail, checkpoint: Checkpoint, state: GatewayState, clock: Clock
    ) -> None:
        self._tail = tail
        self._checkpoint = checkpoint
        self._state = state
        self._clock = clock
        self._saved: tuple[LoginFold, LogPosition | None] = (state.fold, None)
        self._saved_at = clock.monotonic()
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
        """Keep what changed; how far the log was read alone is worth a write only now and then.

        What lies there already is written anew once an hour: each write is synced, on the volume of the attempt ledger.
        """
        if not at_once and not self._is_due():
            return
        fold, position = self._state.fold, self._tail.position
        self._saved, self._saved_at = (fold, position), self._clock.monotonic()
        try:
            self._checkpoint.save(fold, position)
            self.unsaved = ""
        except OSError as error:
            self.unsaved = str(error)
            logger.error("no checkpoint: %s", error)  # noqa: TRY400 - tried again in half a minute

    def _is_due(self) -> bool:
        fold, position = self._saved
        if fold != self._state.fold:
            return True
        news = bool(self.unsaved) or position != self._tail.position
        return self._clock.monotonic() - self._saved_at >= (SAVE_EVERY if news else TRY_EVERY)

    def _fold(self, line: str) -> tuple[Evidence, ...]:
        """While catching up a line counts from the time that was written on it."""
        now = self._clock.now()
        at = now if self.caught_up_at else min(written_at(line) or now, now)
        seconds = self._state.settings.login.approval_seconds
        self._state.fold, evidence = fold_line(self._state.fold, line, at, approval_seconds=seconds)
        return evidence
