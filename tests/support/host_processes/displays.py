"""Numbers of X displays. X's lock and socket have fixed places, which no option moves.

An X server that is ended by SIGKILL leaves both behind, so the test that chose the number removes
exactly these two.
"""

import random
from pathlib import Path
from typing import Final

TEMPORARY: Final = Path("/tmp")


def free_display() -> int:
    """A number that no X server of this machine has, or has left behind."""
    while True:
        number = random.randint(1000, 30000)  # noqa: S311 - a display's number
        if not any(path.exists() for path in _files(number)):
            return number


def forget_display(number: int) -> None:
    """Remove what an X server of this number, which has ended, may have left."""
    for path in _files(number):
        path.unlink(missing_ok=True)


def _files(number: int) -> tuple[Path, Path]:
    return TEMPORARY / f".X{number}-lock", TEMPORARY / ".X11-unix" / f"X{number}"
