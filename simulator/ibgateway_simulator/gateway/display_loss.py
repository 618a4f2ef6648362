"""What becomes of the process when its X server goes away.

Xlib ends it at once, with 1. The image's start script stops X a moment before it sends SIGTERM, and
of the real Gateway sometimes the one, sometimes the other wins. Here SIGTERM has a moment to win, so
that which exit code is seen is a choice (`SIMULATOR_TERM_CODE`) and no race.
"""

import ctypes
import os
import threading
from contextlib import suppress
from typing import Final

SIGTERM_SECONDS: Final = 2.0
"""What the start script needs from the end of X to SIGTERM, many times over."""
LOST_CODE: Final = 1
"""Xlib's own."""

_Handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


def _lost(_display: int | None) -> int:
    """Runs in the main thread, so the handler of SIGTERM is called while it waits."""
    threading.Event().wait(SIGTERM_SECONDS)
    os._exit(LOST_CODE)


_HANDLER: Final = _Handler(_lost)
"""Kept for the life of the process: Xlib calls it."""


def leave_time_for_sigterm() -> None:
    """Have Xlib call us instead of ending the process; without Xlib there is no display to lose."""
    with suppress(OSError):
        ctypes.CDLL("libX11.so.6").XSetIOErrorHandler(_HANDLER)
