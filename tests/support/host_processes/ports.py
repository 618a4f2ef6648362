"""Ports for programs that a test starts on this host."""

import itertools
import os
import random
import socket
from typing import Final

FIRST: Final = 10_000
BLOCK: Final = 2_500
WORKERS: Final = 8
"""Blocks below 32,768, where the kernel begins to give ports to clients: none of theirs is ever in the way."""


def _numbers() -> "itertools.cycle[int]":
    """Those of this process: workers of pytest have a block each, and no two processes begin at one place."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    block = range(FIRST + worker * BLOCK, FIRST + (worker + 1) * BLOCK)
    begin = random.randrange(BLOCK)  # noqa: S311 - a port
    return itertools.cycle([*block[begin:], *block[:begin]])


_NEXT: Final = _numbers()


def free_port() -> int:
    """A port of loopback that nobody has now, and that this process has not given for as long as can be."""
    for number in itertools.islice(_NEXT, BLOCK):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    raise AssertionError("every port is taken")
