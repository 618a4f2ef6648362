"""One executor on one ledger's folder: two would send orders twice."""

import contextlib
import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError
from ibgateway_runtime.clock import Clock


class LedgerLock:
    """A file whose lock the kernel holds for as long as this process lives; it says who that is."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._file: TextIO | None = None

    def take(self) -> None:
        """Make the ledger's folder and hold its lock; again: nothing.

        LedgerUnavailableError while another process has it, StartRefusedError where it can't be made.
        """
        if self._file is not None:
            return
        file = _opened(self._path)
        if not _taken(file.fileno()):
            with file:
                raise LedgerUnavailableError(
                    f"another executor holds this ledger{_holder(self._path)}: only one may run at a time; this one goes on "
                    "when the other has ended"
                )
        self._file = file
        with contextlib.suppress(OSError):
            file.truncate(0)
            now = self._clock.now().isoformat(timespec="seconds")
            file.write(f"{socket.gethostname()}, process {os.getpid()}, since {now}")
            file.flush()

    def release(self) -> None:
        """Let the next one have it."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open() if _read_only(path) else path.open("a")
    except OSError as error:
        raise StartRefusedError(
            f"the ledger's lock can't be written ({error}): see that its volume is mounted, writable "
            "and not full"
        ) from error


def _read_only(path: Path) -> bool:
    """A lock that is there can be held on a volume that takes no writing, too."""
    return path.exists() and not os.access(path, os.W_OK)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if said := path.read_text(encoding="utf-8").strip():
            return f" ({said})"
    return ""
