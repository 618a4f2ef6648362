"""Executors with their points counted: `python -m crash_campaign` forks one for each line of its input.

A line is a `PointPlan` as JSON. On its output it says `born PID` and `ended PID CODE`. Everything is imported before the
first fork, so a life begins in milliseconds instead of seconds; the end of its input is the end of it and of its child.
"""

import json
import os
import select
import signal
import sys

from crash_campaign.points import CrashPoints, PointPlan

# Imported before the first fork.
from ibgateway_executor.__main__ import main as executor

LONGEST_LINE = 1 << 16


def serve() -> int:
    """Fork for each line, reap what has ended, until the input ends."""
    reaps, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    child, rest = 0, b""
    while True:
        ready, _, _ = select.select([0, reaps], [], [])
        if reaps in ready:
            os.read(reaps, LONGEST_LINE)
            _reap()
        if 0 in ready:
            given = os.read(0, LONGEST_LINE)
            if not given:
                _end(child)
                return 0
            *lines, rest = (rest + given).split(b"\n")
            for line in lines:
                if (child := os.fork()) == 0:
                    os._exit(_live(line, close=(reaps, woken)))
                _say(f"born {child}")


def _live(line: bytes, close: tuple[int, ...]) -> int:
    """Be an executor; its exit code."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for file in close:
        os.close(file)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    plan = json.loads(line)
    sys.argv = ["ibgateway_executor"]
    CrashPoints(PointPlan(**plan)).install()
    try:
        return executor() or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1


def _reap() -> None:
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not child:
            return
        _say(f"ended {child} {os.waitstatus_to_exitcode(status)}")


def _end(child: int) -> None:
    if child:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            return


def _say(words: str) -> None:
    os.write(1, f"{words}\n".encode())


if __name__ == "__main__":
    raise SystemExit(serve())
