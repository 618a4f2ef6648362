"""Finds and ends processes by what they are, never by a broad name."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PROC = Path("/proc")


def command_line(pid: int) -> str:
    """The arguments of a process joined by spaces; empty if it is gone or a zombie."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def cgroups(pid: int) -> str:
    """The text of a process's /proc/PID/cgroup; empty if it is gone."""
    try:
        return (_PROC / str(pid) / "cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def network(pid: int) -> str:
    """The name of a process's network namespace; empty if it is gone."""
    try:
        return (_PROC / str(pid) / "ns" / "net").readlink().name
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def matching(condition: Callable[[int], bool]) -> list[int]:
    """Process ids (but our own) for which `condition` holds."""
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if pid != os.getpid() and condition(pid)]


def alive(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in "ZX"


def end(pids: Iterable[int], *, patience: float) -> None:
    """TERM, then KILL for those that are still there after `patience` seconds."""
    left = [pid for pid in pids if _signal(pid, signal.SIGTERM)]
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        left = [pid for pid in left if alive(pid)]
        if not left:
            return
        time.sleep(0.1)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    while any(alive(pid) for pid in left):
        time.sleep(0.1)


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
