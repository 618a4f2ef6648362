"""At most so many wrong attempts a minute, for the whole process.

Through a port-forward every person has the same address, so failures are not counted by address.
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
        while self._charged and self._charged[0] <= now - self._window:
            self._charged.popleft()
        if len(self._charged) >= self._failures:
            return False
        self._charged.append(now)
        return True

    def give_back(self, charged_at: float) -> None:
        """Gives one charge back: the attempt was right."""
        if charged_at in self._charged:
            self._charged.remove(charged_at)
