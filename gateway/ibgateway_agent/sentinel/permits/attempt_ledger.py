"""The attempt ledger: every attempt, how it ended, and the wishes that were taken, line by line.

An attempt is on disk (fsync) before its permit exists, so the budget holds through any crash. An
outcome is one more line with the attempt's id. A file that exists but can't be read allows nothing;
a last line without its end was never acted on and is dropped. A missing file is a new gateway.
"""

import contextlib
import errno
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from ibgateway_agent.errors import LedgerError
from ibgateway_api.document import Document
from ibgateway_api.permits import Attempt, AttemptOutcome, Cause, PermitKind


class NoteKind(StrEnum):
    """What is noted beside attempts."""

    ASKED = "asked"
    DONE = "done"
    YIELDED = "yielded"
    TOOK_OVER = "tookOver"


Asker = Literal["login", "restart"]
LOGIN: Final = "login"
RESTART: Final = "restart"


class Note(Document):
    """A line that is no attempt: a wish taken or settled, or a meeting with another session."""

    note: NoteKind
    at: datetime
    kind: str = ""
    request: str = ""


@dataclass(frozen=True)
class Records:
    """The ledger as read: attempts by age, each with its latest outcome, and the notes."""

    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()

    def last_asked(self, kind: Asker) -> str:
        """The newest wish of that kind that was ever taken."""
        asked = [n.request for n in self.notes if n.note is NoteKind.ASKED and n.kind == kind]
        return asked[-1] if asked else ""

    def pending(self, kind: Asker) -> str:
        """The newest wish of that kind, unless an attempt or a note has settled it."""
        wish = self.last_asked(kind)
        done = any(
            n.note is NoteKind.DONE and n.kind == kind and n.request == wish for n in self.notes
        )
        tried = any(a.request == wish for a in self.attempts)
        return "" if done or tried else wish

    def last_noted(self, event: NoteKind) -> datetime | None:
        """When something was noted last."""
        times = [n.at for n in self.notes if n.note is event]
        return times[-1] if times else None


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


class AttemptLedger:
    """The file and what it says. Every writing method returns once the line is on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.records = Records()
        self.broken = ""
        try:
            self.records = fold(self._whole_lines())
        except (LedgerError, OSError, UnicodeDecodeError) as error:
            self.broken = str(error)

    def begin(self, at: datetime, kind: PermitKind, cause: Cause, request: str = "") -> Attempt:
        """A new attempt; its permit may be written once this returns."""
        number = max((a.id for a in self.records.attempts), default=0) + 1
        attempt = Attempt(id=number, at=at, kind=kind, cause=cause, request=request)
        self._append(attempt)
        return attempt

    def ended(self, number: int, outcome: AttemptOutcome) -> None:
        """How an attempt ended; a later line wins."""
        for attempt in self.records.attempts:
            if attempt.id == number:
                self._append(attempt.model_copy(update={"outcome": outcome}))

    def noted(self, event: NoteKind, at: datetime, kind: str = "", request: str = "") -> None:
        """One more note."""
        self._append(Note(note=event, at=at, kind=kind, request=request))

    def start_anew(self, at: datetime) -> None:
        """Put an unreadable ledger aside, on a person's word only."""
        self._path.rename(self._path.with_name(f"{self._path.name}.unreadable-{at:%Y%m%dT%H%M%SZ}"))
        self.records, self.broken = Records(), ""

    def _append(self, line: Document) -> None:
        if self.broken:
            raise LedgerError(self.broken)
        size = self._path.stat().st_size if self._path.exists() else 0
        try:
            self._write(f"{line.to_json()}\n".encode())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(self._path, size)
            raise
        self.records = _with(self.records, line)

    def _write(self, text: bytes) -> None:
        """On disk once it returns. A full disk leaves half a line, which the caller takes back."""
        with self._path.open("ab", buffering=0) as file:
            written = file.write(text)
            if written != len(text):
                raise OSError(errno.ENOSPC, "the attempt ledger's volume is full")
            os.fsync(file.fileno())
        self._sync_folder()

    def _whole_lines(self) -> list[str]:
        """The lines that have an end; a torn last one is cut off."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            os.truncate(self._path, len(whole))
        return whole.decode().splitlines()

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _with(records: Records, line: Document) -> Records:
    if isinstance(line, Note):
        return Records(records.attempts, (*records.notes, line))
    if isinstance(line, Attempt):
        before = {a.id: a for a in records.attempts} | {line.id: line}
        return Records(tuple(before.values()), records.notes)
    raise TypeError(f"{type(line)} is no line of the ledger")
