"""Follows the gateway's log: whole lines only, through truncation, and bounded in size.

The log's writer appends (`tee -a`), so the file may be truncated under it: it goes on at the start.
Truncation waits for a quiet moment, because a line that comes between the last read and the
truncation would be lost.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIMIT_BYTES: Final = 8 * 1024 * 1024
"""Above this the log is cut once it is read and quiet."""
HARD_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""Above this it is cut although it is not quiet."""
CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class LogPosition:
    """How far a log has been read: its inode and the offset behind the last whole line."""

    inode: int = 0
    offset: int = 0


class LogTail:
    """Reads what is new since `position`; a log that was replaced or cut is read from its start."""

    def __init__(self, path: Path, position: LogPosition | None = None) -> None:
        self._path = path
        self.position = position or LogPosition()
        self._quiet_reads = 0

    def lines(self) -> list[str]:
        """The whole lines since the last call, at most a megabyte of them."""
        try:
            if self._is_read(self._path.stat()):
                self._quiet_reads += 1
                return []
            with self._path.open("rb") as file:
                stat = os.fstat(file.fileno())
                self._find(stat.st_ino, stat.st_size)
                if stat.st_size == self.position.offset:
                    self._quiet_reads += 1
                    return []
                file.seek(self.position.offset)
                chunk = file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return []
        return self._split(chunk)

    def _is_read(self, found: os.stat_result) -> bool:
        """Whether the file is as it was left: most looks find it so, and need not open it."""
        return (found.st_ino, found.st_size) == (self.position.inode, self.position.offset)

    def cut(self, *, quiet_reads: int) -> bool:
        """Truncate the log if it is too long, read to its end, and quiet for that many reads."""
        size = self.position.offset
        patient = size > LIMIT_BYTES and self._quiet_reads >= quiet_reads
        if not patient and size <= HARD_LIMIT_BYTES:
            return False
        if not self._path.exists() or self._path.stat().st_size != size:
            return False
        os.truncate(self._path, 0)
        self.position = LogPosition(self.position.inode, 0)
        return True

    def _find(self, inode: int, size: int) -> None:
        if inode != self.position.inode or size < self.position.offset:
            self.position = LogPosition(inode, 0)

    def _split(self, chunk: bytes) -> list[str]:
        """Keeps a line that has no end yet for the next read; one longer than a chunk is given up."""
        whole, newline, _ = chunk.rpartition(b"\n")
        if not newline:
            whole = chunk if len(chunk) == CHUNK_BYTES else b""
        taken = len(whole) + len(newline)
        self.position = LogPosition(self.position.inode, self.position.offset + taken)
        if not taken:
            self._quiet_reads += 1
            return []
        self._quiet_reads = 0
        return whole.decode("utf-8", "replace").split("\n")
