"""Real programs on loopback, ended with the test that started them."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from host_processes import end_group

PATIENCE: Final = 60
"""Seconds until a condition counts as never coming."""


def until(condition: Callable[[], bool], what: str | Callable[[], str]) -> None:
    """Waits; `what` is asked for its words only when the condition never came."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(
    *command: str, env: dict[str, str] | None = None, pass_fds: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the test, with everything that it started."""
    with subprocess.Popen(
        command,
        env=env,
        pass_fds=pass_fds,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(2)  # x11vnc now and then hangs in its handler of the signal
            except subprocess.TimeoutExpired:
                running.kill()
            end_group(running.pid)
