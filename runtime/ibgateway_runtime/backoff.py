"""How long to wait after failures in a row: each time twice as long, up to a limit. Pure."""

from typing import Final

_DOUBLINGS: Final = 16
"""Far beyond any limit; a power of two of any number of failures is no number any more."""


def backoff(doublings: int, *, first: float, longest: float) -> float:
    """Seconds: `first`, doubled so many times, and never more than `longest`."""
    return min(first * 2.0 ** min(doublings, _DOUBLINGS), longest)
