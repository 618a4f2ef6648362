"""The keeper of permits: takes wishes, writes the ledger first and the permit after it."""

import logging
from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.permits import decide
from ibgateway_agent.sentinel.permits.attempt_ledger import (
    LOGIN,
    Asker,
    AttemptLedger,
    NoteKind,
    Records,
)
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.permits import (
    Attempt,
    AttemptOutcome,
    Cause,
    Granted,
    PermitKind,
    PermitRefusal,
    Refused,
)

logger = logging.getLogger(__name__)

WISH_LIVES_FOR: Final = timedelta(days=1)
"""A login request whose time stamp is older was made by somebody who no longer waits."""


class Permits:
    """Owns the ledger and the permit file."""

    def __init__(self, ledger: AttemptLedger, permits: PermitFile) -> None:
        self._ledger = ledger
        self._permits = permits
        if ledger.broken:
            logger.error(
                "no attempt is allowed: %s; a login request starts a new one", ledger.broken
            )

    @property
    def records(self) -> Records:
        """The ledger as it stands."""
        return self._ledger.records

    def accept(self, kind: Asker, request: str, now: datetime) -> bool:
        """Take a wish; False if it, or a later one of its kind, was taken before.

        Raises `LedgerError` for a restart while the ledger can't be read: only a person may start anew.
        """
        if kind == LOGIN and _outlived(request, now):
            return False
        if self._ledger.broken and kind == LOGIN:
            self._ledger.start_anew(now)
        if not _is_news(request, self.records.last_asked(kind)):
            return False
        self._ledger.noted(NoteKind.ASKED, now, kind, request)
        logger.info("asked for a %s: %s", kind, request)
        return True

    def step(self, situation: decide.Situation) -> decide.PermitDecision:
        """What to do now; a ledger that can't be read stands at its daily limit."""
        if self._ledger.broken:
            return decide.KeepWaiting(Refused(PermitRefusal.DAILY_BUDGET))
        if situation.waiting and self._permits.on_its_way():
            return decide.KeepWaiting()
        if situation.waiting:
            self.close_open(AttemptOutcome.ENDED)
        return decide.next_step(situation)

    def settle(self, step: decide.SettleRequest, now: datetime) -> None:
        """A wish that needs no attempt is done."""
        self._ledger.noted(NoteKind.DONE, now, step.kind, step.request)

    def give(self, step: decide.GivePermit, situation: decide.Situation) -> Attempt:
        """One permit: first the line in the ledger, then the file."""
        now = situation.now
        attempt = self._ledger.begin(now, step.kind, step.cause, step.request)
        action = decide.session_action(self.records, situation.settings, now)
        self._permits.permit(attempt.id, step.kind, action)
        logger.info("permit %d: %s, %s, %s", attempt.id, step.kind, step.cause, action)
        return attempt

    def start_over(self, situation: decide.Situation) -> Attempt | None:
        """The driver's own next attempt: counted if the budget allows it, else None."""
        if self._ledger.broken:
            return None
        self.close_open(AttemptOutcome.ENDED)
        if not isinstance(decide.start_over(situation), Granted):
            return None
        return self._ledger.begin(situation.now, PermitKind.FULL, Cause.START)

    def observe(self, situation: decide.Situation, run: int) -> None:
        """Write down what the running attempt has come to, once."""
        attempt = next((a for a in self.records.attempts if a.id == run), None)
        if attempt is None or self._ledger.broken:
            return
        after = decide.outcome(situation, attempt.outcome)
        if after is None:
            return
        try:
            self._ledger.ended(run, after)
        except OSError as error:
            # Asked again at the next look; a sentinel that dies of it would tell nobody anything.
            logger.error("attempt %d: %s could not be written: %s", run, after, error)  # noqa: TRY400
            return
        logger.info("attempt %d: %s", run, after)

    def process_ended(self, before: Login, run: int, now: datetime) -> None:
        """A process is gone; one that gave way to another session leaves the person alone."""
        if self._ledger.broken:
            return
        attempt = next((a for a in self.records.attempts if a.id == run), None)
        if before.state is LoginState.SESSION_CONFLICT:
            self._ledger.noted(NoteKind.YIELDED, now)
            if attempt is not None and attempt.outcome is not AttemptOutcome.SETTLED:
                self._ledger.ended(run, AttemptOutcome.YIELDED)
        elif _waits_too_long(before, now):
            self.close_open(AttemptOutcome.MISSED)

    def took_over(self, now: datetime) -> None:
        """The session was taken back from somebody."""
        if not self._ledger.broken:
            self._ledger.noted(NoteKind.TOOK_OVER, now)

    def close_open(self, outcome: AttemptOutcome) -> None:
        """The last attempt, if nothing is known of its end."""
        attempts = self.records.attempts
        if attempts and attempts[-1].outcome is None:
            self._ledger.ended(attempts[-1].id, outcome)

    def why_down(self) -> Sign | None:
        """What a waiting start waits for, in the words of a login state."""
        yielded = self.records.last_noted(NoteKind.YIELDED)
        if not self.records.attempts:
            return None
        last = self.records.attempts[-1]
        if yielded is not None and yielded > last.at:
            return Sign.SESSION_TAKEN
        return _WHY_DOWN.get(last.outcome) if last.outcome is not None else None


_WHY_DOWN: Final = {
    AttemptOutcome.MISSED: Sign.APPROVAL_MISSED,
    AttemptOutcome.REJECTED: Sign.REJECTED,
    AttemptOutcome.LOCKED_OUT: Sign.LOCKED_OUT,
}


def _waits_too_long(login: Login, now: datetime) -> bool:
    waits = login.state is LoginState.AWAITING_APPROVAL
    return waits and login.deadline is not None and now > login.deadline


def _outlived(request: str, now: datetime) -> bool:
    asked = _time(request)
    return asked is not None and now - asked > WISH_LIVES_FOR


def _is_news(request: str, last: str) -> bool:
    """Whether a wish is later than the last one; ids are time stamps, or else just differ."""
    asked, before = _time(request), _time(last)
    if asked is not None and before is not None:
        return asked > before
    return request != last


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
