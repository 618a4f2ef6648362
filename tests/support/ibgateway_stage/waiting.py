"""Waiting for a condition with a generous limit; what was seen last is in the error."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NeverHappenedError(AssertionError):
    """A condition did not come true within its limit."""


def until(
    what: str, look: Callable[[], T | None], *, seconds: float = 120, every: float = 0.2
) -> T:
    """The first truthy answer of `look`; raises NeverHappenedError that names `what`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise NeverHappenedError(f"{what}: not within {seconds} s; seen last: {seen!r}")
        time.sleep(every)


def stays(what: str, look: Callable[[], bool], *, seconds: float, every: float = 0.5) -> None:
    """Holds for `seconds`; raises NeverHappenedError as soon as `look` is false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not look():
            raise NeverHappenedError(f"{what}: did not hold for {seconds} s")
        time.sleep(every)
