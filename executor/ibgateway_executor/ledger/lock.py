"""One executor on one ledger: two would send orders twice."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, TextIO

from ibgateway_executor.errors import StartRefusedError
from ibgateway_runtime.clock import Clock

WAIT_SECONDS: Final = 20.0
"""The executor that this one replaces may still be ending."""
RETRY_SECONDS: Final = 0.25


@contextlib.asynccontextmanager
async def locked(path: Path, clock: Clock) -> AsyncIterator[None]:
    """Make the ledger's folder and hold its lock; StartRefusedError where another process keeps it or it can't be made."""
    with _opened(path) as file:
        deadline = clock.monotonic() + WAIT_SECONDS
        while not _taken(file.fileno()):
            if clock.monotonic() > deadline:
                raise StartRefusedError(
                    "another executor holds this ledger: only one may run at a time; end the other one"
                )
            await asyncio.sleep(RETRY_SECONDS)
        yield


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open() if _read_only(path) else path.open("w")
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
