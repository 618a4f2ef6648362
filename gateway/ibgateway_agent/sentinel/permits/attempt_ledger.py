"""The attempt ledger's file: every attempt, how it ended, and the requests that were taken.

An attempt is on disk (fsync) before its permit exists, so the budget holds through any crash. A file
that exists but can't be read allows nothing; a last line without its end was never acted on and is
dropped. A file that is missing, or empty, is a new gateway's or was lost: its first line says which.
"""

import contextlib
import errno
import os
from datetime import datetime
from pathlib import Path

from ibgateway_agent.errors import LedgerError
from ibgateway_agent.sentinel.permits.records import LedgerLine, Note, NoteKind, Records, fold
from ibgateway_api.accounts import TradingMode
from ibgateway_api.permits import Attempt, Cause, PermitKind


class AttemptLedger:
    """The file and what it says. Every writing method returns once the line is on disk.

    `problem` says why nothing may be read from the file or added to it; empty when all is well.
    `mode` is this gateway's; `ran_before`: it has had permits, so a ledger without a line was lost.
    """

    def __init__(
        self, path: Path, mode: TradingMode = TradingMode.PAPER, *, ran_before: bool = False
    ) -> None:
        self._path = path
        self._mode = mode
        self._ran_before = ran_before
        self.records = Records()
        self.problem = ""
        try:
            self.records = fold(self._whole_lines())
        except (LedgerError, OSError, UnicodeDecodeError) as error:
            self._distrust(str(error))
        if self.records.mode not in ("", mode):
            self._distrust(f"the attempt ledger is that of a {self.records.mode} gateway")
        self._opened = bool(self.problem or self.records.lines())

    def open(self, at: datetime) -> NoteKind | None:
        """Write the first line of a ledger that has none, and say which it is.

        Raises OSError; nothing is allowed until the line is there.
        """
        if self._opened:
            return None
        self.records, self.problem = Records(), ""
        first = NoteKind.LOST if self._ran_before else NoteKind.BEGUN
        try:
            self._note(first, at)
        except OSError as error:
            self._distrust(f"the attempt ledger can't be begun: {error}")
            raise
        self._opened = True
        return first

    def begin(self, at: datetime, kind: PermitKind, cause: Cause, request: str = "") -> Attempt:
        """A new attempt; its permit may be written once this returns."""
        number = max((a.id for a in self.records.attempts), default=0) + 1
        attempt = Attempt(id=number, at=at, kind=kind, cause=cause, request=request)
        self.append(attempt)
        return attempt

    def append(self, line: LedgerLine) -> None:
        """One more line. Raises LedgerError while the file can't be read, OSError for a bad volume."""
        if self.problem:
            raise LedgerError(self.problem)
        if self.records.lines() and not self._path.exists():
            self._restore()
        size = self._path.stat().st_size if self._path.exists() else 0
        try:
            self._write(f"{line.to_json()}\n".encode())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(self._path, size)
            raise
        self.records = self.records.plus(line)

    def start_anew(self, at: datetime) -> None:
        """Put an unreadable ledger aside, on a person's word only."""
        self._path.rename(self._path.with_name(f"{self._path.name}.unreadable-{at:%Y%m%dT%H%M%SZ}"))
        self.records, self.problem = Records(), ""
        self._note(NoteKind.LOST, at)

    def _note(self, kind: NoteKind, at: datetime) -> None:
        self.append(Note(note=kind, at=at, mode=self._mode))

    def _distrust(self, problem: str) -> None:
        self.problem, self.records = problem, Records(readable=False)

    def _restore(self) -> None:
        """Somebody has removed the file under a sentinel that knows what stood in it."""
        aside = self._path.with_name(f"{self._path.name}.new")
        with aside.open("wb") as file:
            file.writelines(f"{line.to_json()}\n".encode() for line in self.records.lines())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)

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
