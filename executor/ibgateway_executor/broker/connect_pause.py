"""When the next attempt to connect may be made: later and later while none of them is proven.

A port that accepts and closes at once, or a gateway that hangs up after the handshake, would otherwise be
dialled three times a second for ever. Whoever ends the pause of a loop early does not end this one.
"""

import random
from collections.abc import Callable
from typing import Final

from ibgateway_runtime.backoff import backoff
from ibgateway_runtime.clock import Clock

FIRST_SECONDS: Final = 0.3
LONGEST_SECONDS: Final = 10.0
FIRST_HELD_SECONDS: Final = 2.0
LONGEST_HELD_SECONDS: Final = 30.0
"""326: the gateway may hold our id for a while after the last connection went."""
QUICK_ATTEMPTS: Final = 3
"""After the login: the port may open a moment later than its state is told."""


def jitter() -> float:
    """Between a half and one: executors that lost the same gateway do not all dial it at once."""
    return 0.5 + random.random() / 2  # noqa: S311 - no secret


class ConnectPause:
    """Seconds until the next attempt, by the monotonic clock."""

    def __init__(self, clock: Clock, share: Callable[[], float] = jitter) -> None:
        self._clock = clock
        self._share = share
        self._not_before = float("-inf")
        self._attempts = 0
        self._held = FIRST_HELD_SECONDS

    def begin(self) -> None:
        """An attempt is made now."""
        doublings = max(0, self._attempts + 1 - QUICK_ATTEMPTS)
        self._attempts += 1
        pause = backoff(doublings, first=FIRST_SECONDS, longest=LONGEST_SECONDS)
        self._wait(pause * self._share())

    def held(self) -> None:
        """Another connection holds the client id."""
        self._wait(self._held)
        self._held = min(self._held * 2, LONGEST_HELD_SECONDS)

    def reset(self) -> None:
        """A connection was proven, or a login has just succeeded: the next attempt may be made now."""
        self._not_before, self._attempts = float("-inf"), 0
        self._held = FIRST_HELD_SECONDS

    def left(self) -> float:
        """Seconds until the next attempt, to the millisecond; 0 when it may be made."""
        return max(0.0, round(self._not_before - self._clock.monotonic(), 3))

    def _wait(self, seconds: float) -> None:
        self._not_before = self._clock.monotonic() + seconds
