"""What the attempt ledger says: attempts, their outcomes and notes, as values. Pure.

Each line of the ledger is one `Attempt` or one `Note`. An outcome is the attempt's line once more,
with the outcome in it; the latest line of an attempt counts.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from pydantic import ValidationError

from ibgateway_agent.errors import LedgerError
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.document import Document
from ibgateway_api.permits import A_DAY, Attempt, AttemptOutcome, counts
from ibgateway_api.requests import CONSOLE


class RequestKind(StrEnum):
    """What may be asked of the sentinel: a login by a person, the week's restart by the operator."""

    LOGIN = "login"
    RESTART = "restart"


class NoteKind(StrEnum):
    """What is noted beside attempts."""

    ASKED = "asked"
    """A request was taken."""
    DONE = "done"
    """A request needs no attempt any more."""
    YIELDED = "yielded"
    """A process gave way to another session."""
    TOOK_OVER = "tookOver"
    """A process took the session back."""
    TOKEN_DEAD = "tokenDead"  # noqa: S105 - a note, not a secret
    """A start by token did not log in."""
    BEGUN = "begun"
    """The first line of a new gateway's ledger."""
    HANDED_OVER = "handedOver"
    """A person has the login for themselves; the line says until when."""
    HANDED_BACK = "handedBack"
    """A handover is over before its time."""
    TURN = "turn"
    """One attempt that pushes may begin until the line's time: no other push waits at its person."""
    PAUSED = "paused"
    """The process was told to end in a way that keeps the week's token."""
    LOST = "lost"
    """The first line of a ledger whose predecessor is gone or was put aside: what it held is not known."""


class Note(Document):
    """A line that is no attempt; `kind` is the request's kind, empty for a note about a session.

    `mode`: the trading mode of the gateway whose ledger begins here.
    """

    note: NoteKind
    at: datetime
    kind: str = ""
    request: str = ""
    mode: str = ""
    until: datetime | None = None
    by: str = ""
    """Who asked, where it was at the console; empty where somebody else did."""


LedgerLine = Attempt | Note


@dataclass(frozen=True)
class Records:
    """The ledger as read: attempts by age, each with its latest outcome, and the notes.

    Not `readable`: the file exists but can't be trusted, so it stands at its daily limit.
    """

    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()
    readable: bool = True

    def attempt(self, number: int) -> Attempt | None:
        """The attempt of that id."""
        return self._by_id.get(number)

    def last_used(self) -> Attempt | None:
        """The newest attempt whose permit was taken, as far as is known."""
        used = (a for a in reversed(self.attempts) if a.outcome is not AttemptOutcome.UNUSED)
        return next(used, None)

    def last_taken(self, kind: RequestKind) -> str:
        """The newest request of that kind that was ever taken."""
        note = self._asked.get(kind)
        return note.request if note else ""

    def taken_at(self, kind: RequestKind) -> datetime | None:
        """When the newest request of that kind was taken."""
        note = self._asked.get(kind)
        return note.at if note else None

    def pending(self, kind: RequestKind) -> str:
        """The newest request of that kind, unless an attempt or a note has settled it."""
        request = self.last_taken(kind)
        if not request:
            return ""
        settled = (kind, request) in self._done or request in self._tried
        return "" if settled else request

    def last_noted(self, event: NoteKind) -> datetime | None:
        """When something was noted last."""
        note = self.latest(event)
        return note.at if note else None

    def latest(self, *events: NoteKind) -> Note | None:
        """The newest note of one of these kinds."""
        places = [self._latest[event] for event in events if event in self._latest]
        return self.notes[max(places)] if places else None

    def attempts_today(self, now: datetime) -> int:
        """How many attempts of the last 24 hours count against the day."""
        return len(self._counted) - bisect_right(self._counted, now - A_DAY)

    # Each look of the sentinel asks all of these, of a ledger that grows for years.

    @cached_property
    def _counted(self) -> list[datetime]:
        """By time: a clock that was set back leaves the ledger out of order."""
        return sorted(a.at for a in self.attempts if counts(a))

    @cached_property
    def _by_id(self) -> dict[int, Attempt]:
        return {a.id: a for a in self.attempts}

    @cached_property
    def _tried(self) -> frozenset[str]:
        return frozenset(a.request for a in self.attempts)

    @cached_property
    def _latest(self) -> dict[NoteKind, int]:
        return {n.note: place for place, n in enumerate(self.notes)}

    @cached_property
    def _asked(self) -> dict[str, Note]:
        return {kind: self.notes[place] for kind, place in self._asked_places.items()}

    @cached_property
    def _asked_places(self) -> dict[str, int]:
        return {n.kind: place for place, n in enumerate(self.notes) if n.note is NoteKind.ASKED}

    @cached_property
    def _every_request(self) -> frozenset[tuple[str, str]]:
        """Of every kind, asked for or done."""
        kinds = (NoteKind.ASKED, NoteKind.DONE)
        return frozenset((n.kind, n.request) for n in self.notes if n.note in kinds)

    @cached_property
    def _done(self) -> frozenset[tuple[str, str]]:
        return frozenset((n.kind, n.request) for n in self.notes if n.note is NoteKind.DONE)

    def last_asked(self, *kinds: str) -> Note | None:
        """The newest request of one of these kinds: the last line, whatever the clock said meanwhile."""
        places = [self._asked_places[kind] for kind in kinds if kind in self._asked_places]
        return self.notes[max(places)] if places else None

    def was_asked(self, request: str) -> bool:
        """Whether a request of that id was taken, of whatever kind."""
        return any(note.request == request for note in self._asked.values())

    def was_settled(self, kind: str, request: str) -> bool:
        """Whether a request of that kind and id was ever taken or done, however long ago."""
        return (kind, request) in self._every_request

    def was_paused_by(self, request: str) -> bool:
        """Whether a pause of that id was ever noted."""
        return self.was_settled(pressed(ConsoleAction.PAUSE), request)

    @property
    def mode(self) -> str:
        """The trading mode that the ledger was begun in; empty where no line tells."""
        return next((n.mode for n in reversed(self.notes) if n.mode), "")

    def lines(self) -> tuple[LedgerLine, ...]:
        """The lines that add up to these records."""
        return (*self.notes, *self.attempts)

    def plus(self, line: LedgerLine) -> "Records":
        """The records with one more line."""
        if isinstance(line, Note):
            return replace(self, notes=(*self.notes, line))
        attempts = {a.id: a for a in self.attempts} | {line.id: line}
        return replace(self, attempts=tuple(attempts.values()))


def pressed(action: ConsoleAction) -> str:
    """The kind of a request by a button of the console: none of those that the operator makes."""
    return f"{CONSOLE} {action}"


def with_outcome(attempt: Attempt, outcome: AttemptOutcome) -> Attempt:
    """The line that says how an attempt ended."""
    return attempt.model_copy(update={"outcome": outcome})


def fold(lines: Iterable[str]) -> Records:
    """The records that a ledger's lines add up to; raises `LedgerError`."""
    attempts: dict[int, Attempt] = {}
    notes: list[Note] = []
    for number, line in enumerate(lines, start=1):
        try:
            document = json.loads(line)
            if "note" in document:
                notes.append(Note.model_validate(document))
            else:
                attempt = Attempt.model_validate(document)
                attempts[attempt.id] = attempt
        except (ValueError, TypeError, ValidationError) as error:
            raise LedgerError(f"line {number} of the attempt ledger is unreadable") from error
    return Records(tuple(attempts.values()), tuple(notes))
