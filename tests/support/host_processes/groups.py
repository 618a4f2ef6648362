"""A process group, named by the pid of the process that was started with a session of its own."""

import contextlib
import os
import signal
import time
from typing import Final

import psutil

LIMIT_SECONDS: Final = 30.0


def kill_group(leader: int) -> None:
    """SIGKILL for every process of the group; none is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def end_group(leader: int) -> None:
    """The same, and returns once none of them is left: what they held is free again.

    A zombie holds nothing, and only its own parent can take it away.
    """
    ends = time.monotonic() + LIMIT_SECONDS
    while left := _members(leader):
        kill_group(leader)
        if time.monotonic() > ends:
            raise AssertionError(f"processes that do not end: {left}")
        time.sleep(0.02)


def _members(leader: int) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found
