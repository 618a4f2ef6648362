"""The writer of permits: what was decided and concluded elsewhere, the ledger first, then the file."""

import contextlib
import logging
from dataclasses import replace
from datetime import datetime
from typing import Final

from ibgateway_agent.errors import HandoverRefusedError, StopRefusedError
from ibgateway_agent.sentinel.permits import decide, handover, trading_pause
from ibgateway_agent.sentinel.permits.attempt_ledger import AttemptLedger
from ibgateway_agent.sentinel.permits.outcome import Lines
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_agent.sentinel.permits.records import (
    Note,
    NoteKind,
    Records,
    RequestKind,
    pressed,
)
from ibgateway_agent.sentinel.permits.requests import is_new_request
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.advice import why_refused
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import Attempt, Cause, Granted
from ibgateway_api.reports import TradingPause
from ibgateway_api.requests import CONSOLE, HandoverRequest, TurnRequest

logger = logging.getLogger(__name__)

_LOST: Final = "the attempt ledger is lost: no automatic attempt for 24 hours; a login request is tried at once"


class Permits:
    """Owns the ledger and the permit file."""

    def __init__(self, ledger: AttemptLedger, file: PermitFile) -> None:
        self._ledger = ledger
        self._file = file
        self._dropped: datetime | None = None
        self._may_pause: str | None = None
        self.kept_pause = file.kept_pause()
        if ledger.problem:
            logger.error(
                "no attempt is allowed: %s; a login request starts a new one", ledger.problem
            )

    def open(self, now: datetime) -> None:
        """Write the first line of a ledger that has none; raises OSError."""
        if self._ledger.open(now) is NoteKind.LOST:
            logger.error(_LOST)

    @property
    def records(self) -> Records:
        """The ledger as it stands."""
        return self._ledger.records

    def on_its_way(self, start: str) -> bool:
        """Whether a permit lies ready for that start of the wrapper, or was taken by it."""
        return self._file.on_its_way(start)

    def remove_stale(self, start: str, now: datetime) -> None:
        """Take back a permit that outlived its start or its time."""
        if self._file.remove_stale(start, now):
            logger.info("a permit that nobody took in time is taken back")

    def drop_dead_token(self, login: Login, start: str) -> None:
        """Have that start of the wrapper remove a token that is of no use, once for each death."""
        if login.state is LoginState.TOKEN_EXPIRED and self._dropped != login.since:
            self._file.drop_token(start)
            self._dropped = login.since

    def accept(
        self, kind: RequestKind, request: str, seen: SentinelSnapshot, *, by: str = ""
    ) -> bool:
        """Take a request; False if it, or a later one of its kind, was taken before.

        Raises `LedgerError` for a restart while the ledger can't be read: only a person may start anew.
        Raises `StopRefusedError` for a planned stop that can't be now.
        """
        now = seen.now
        if not is_new_request(self.records, kind, request, now):
            return False
        if refused := decide.refused_stop(seen, kind, request):
            raise StopRefusedError(why_refused(refused.reason, refused.until))
        if kind is RequestKind.LOGIN and not self.records.readable:
            self._ledger.start_anew(now)
        self._ledger.append(Note(note=NoteKind.ASKED, at=now, kind=kind, request=request, by=by))
        logger.info("asked for a %s: %s", kind, request)
        return True

    def note_press(self, action: ConsoleAction, request: str, now: datetime) -> None:
        """A person has pressed a button there; raises as `hand_over`. A pause is remembered beside the ledger first."""
        if action is ConsoleAction.PAUSE:
            with contextlib.suppress(OSError):  # the ledger is what counts
                self._keep_pause(TradingPause(id=request, since=now))
        kind = pressed(action)
        self._ledger.append(
            Note(note=NoteKind.ASKED, at=now, kind=kind, request=request, by=CONSOLE)
        )
        if action is ConsoleAction.RESUME:
            self._keep_pause(None)
        logger.info("asked at the console: %s, %s", action, request)

    def mind_pause(self, seen: SentinelSnapshot) -> None:
        """A pause that only others remember gets its line again; the annotation that ends one is read once.

        Raises OSError. An unreadable ledger takes no line; the pause stands all the same.
        """
        if not seen.records.readable:
            return
        if lost := trading_pause.forgotten(seen):
            logger.warning("the ledger has lost the pause of %s: trading stays paused", lost.since)
            self._ledger.append(trading_pause.noted(lost, by=CONSOLE))
            seen = replace(seen, records=self.records)
        if note := trading_pause.resumed_by_annotation(seen):
            self._ledger.append(note)
            seen = replace(seen, records=self.records)
            logger.info(
                "%s: %s",
                note.request,
                "trading resumes"
                if note.note is NoteKind.ASKED
                else "nothing was paused before it",
            )
        if self.kept_pause is not None and trading_pause.standing(seen) is None:
            self._keep_pause(None)

    def _keep_pause(self, pause: TradingPause | None) -> None:
        self._file.keep_pause(pause)
        self.kept_pause = pause

    def hand_over(self, asked: HandoverRequest, seen: SentinelSnapshot) -> bool:
        """A person has the login until then, or no longer; False where nothing is new.

        Raises HandoverRefusedError for a time that can't be, LedgerError and OSError where it can't be kept.
        """
        stands = handover.handover(self.records, seen.now)
        if asked.until is None:
            if stands is None or stands.request != asked.id:
                return False
            self._ledger.append(Note(note=NoteKind.HANDED_BACK, at=seen.now, request=asked.id))
            logger.info("the login is the gateway's again: %s", asked.id)
            return True
        if stands is not None and (stands.request, stands.until) == (asked.id, asked.until):
            return False
        if why := handover.impossible(asked.until, seen.now):
            raise HandoverRefusedError(why)
        note = Note(note=NoteKind.HANDED_OVER, at=seen.now, request=asked.id, until=asked.until)
        self._ledger.append(note)
        logger.info("a person has the login until %s: %s", asked.until.isoformat(), asked.id)
        return True

    def take_turn(self, given: TurnRequest, now: datetime) -> bool:
        """One attempt that pushes may begin; False where this turn was given before. Raises as `hand_over`."""
        last = self.records.latest(NoteKind.TURN)
        if last is not None and last.request == given.id:
            return False
        note = Note(note=NoteKind.TURN, at=now, request=given.id, until=given.until)
        self._ledger.append(note)
        logger.info("it is this gateway's turn to push: %s", given.id)
        return True

    def keep_token(self, seen: SentinelSnapshot, start: str, *, going: bool) -> None:
        """Let the preStop hook keep the token of that start while it lives; `going`: the hook has begun.

        Then leave is still given, to a login that was proven just before, and not taken back any more.
        """
        lives = start if seen.running and handover.pauses(seen) else ""
        if lives != self._may_pause and (lives or not going):
            self._file.may_pause(lives)
            self._may_pause = lives
        if lives and going and not handover.comes_back(self.records):
            self.pauses(seen.now)

    def pauses(self, now: datetime) -> None:
        """The process is about to be told to end so that its token stays."""
        self._ledger.append(Note(note=NoteKind.PAUSED, at=now))

    def settle(self, step: decide.SettleRequest, now: datetime) -> None:
        """A request that needs no attempt is done."""
        done = Note(note=NoteKind.DONE, at=now, kind=step.kind, request=step.request)
        self._ledger.append(done)

    def give(self, step: decide.GivePermit, start: str, now: datetime) -> Attempt:
        """One permit for that start of the wrapper: first the line in the ledger, then the file."""
        attempt = self._ledger.begin(now, step.kind, step.cause, step.request)
        self._file.permit(attempt.id, step, start, now)
        logger.info("permit %d: %s, %s, %s", attempt.id, step.kind, step.cause, step.session)
        return attempt

    def count(self, granted: Granted, now: datetime) -> Attempt:
        """An attempt that the login driver makes by itself: in the ledger, without a permit."""
        return self._ledger.begin(now, granted.kind, Cause.START)

    def record(self, lines: Lines) -> None:
        """Write down what was concluded; raises OSError where the volume takes no more."""
        for line in lines:
            self._ledger.append(line)
            if isinstance(line, Attempt):
                logger.info("attempt %d: %s", line.id, line.outcome)
            elif line.note is NoteKind.LOST:
                logger.error(_LOST)

    def record_or_retry(self, lines: Lines) -> None:
        """The same for what is concluded anew at the next look.

        A sentinel that died of a full volume would report nothing any more.
        """
        try:
            self.record(lines)
        except OSError as error:
            attempts = [line.id for line in lines if isinstance(line, Attempt)]
            logger.error("outcome of attempt %s could not be written: %s", attempts, error)  # noqa: TRY400
