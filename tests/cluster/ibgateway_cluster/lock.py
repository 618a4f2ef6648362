"""One `up` or `down` at a time: a lock that the kernel drops when its holder dies."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ibgateway_cluster.errors import BusyError, UnsupportedError


@contextmanager
def held(path: Path, *, wait: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock during the body.

    When somebody else has it: with `wait`, say so and wait for it; else raise `BusyError`. Raises
    `UnsupportedError` where its folder can't be made or written.
    """
    descriptor = _opened(path)
    try:
        _take(descriptor, wait=wait, say=say)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UnsupportedError(
            f"{path.parent} can't be made or written ({error.strerror}): set HOME, or XDG_CACHE_HOME, to a folder that can"
        ) from error


def _take(descriptor: int, *, wait: bool, say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode() or "unknown"
        if not wait:
            raise BusyError(f"another run of this tool is at work (process {holder})") from None
        say(f"another run of this tool is at work (process {holder}); waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
