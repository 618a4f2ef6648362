"""How many messages one API client sends in a second, pure: moments are arguments."""

from collections import deque

SPAN_SECONDS = 1.0
MAX_BREACHES = 3


class MessageRate:
    """Counts the messages of one client; the third breach ends its connection."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._breaches = 0

    @property
    def exhausted(self) -> bool:
        """Whether the limit was broken so often that the connection is closed."""
        return self._breaches >= MAX_BREACHES

    def breach(self, now: float, limit: int) -> int:
        """Count a message at `now`: how many came within a second if above the limit, else 0.

        After a breach counting starts again.
        """
        self._recent.append(now)
        while self._recent[0] < now - SPAN_SECONDS:
            self._recent.popleft()
        received = len(self._recent)
        if received <= limit:
            return 0
        self._breaches += 1
        self._recent.clear()
        return received
