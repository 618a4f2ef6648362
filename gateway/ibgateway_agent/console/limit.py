"""At most so many wrong attempts a minute; whose are counted together is guessing.py's.

An attempt is charged before it is judged and given back when it was right: a hundred guesses sent
at once are a hundred charges, not none.
"""

from collections import deque
from typing import Final

FAILURES: Final = 5
WINDOW_SECONDS: Final = 60.0


class FailureLimit:
    """Remembers when attempts were charged; time comes in as seconds of one monotonic clock."""

    def __init__(self, failures: int = FAILURES, window: float = WINDOW_SECONDS) -> None:
        self._failures = failures
        self._window = window
        self._charged: deque[float] = deque()

    def charge(self, now: float) -> bool:
        """Charges one attempt; False (and nothing charged) when the window is full already."""
        if self.used(now) >= self._failures:
            return False
        self._charged.append(now)
        return True

    def used(self, now: float) -> int:
        """How many attempts of the window are charged."""
        while self._charged and self._charged[0] <= now - self._window:
            self._charged.popleft()
        return len(self._charged)

    def give_back(self, charged_at: float) -> None:
        """Gives one charge back: the attempt was right."""
        if charged_at in self._charged:
            self._charged.remove(charged_at)
