"""Numbers of requests, away from order ids: an error names one or the other by its number alone."""

from typing import Final

FIRST_REQUEST_ID: Final = 1_000_000_000
"""Far above order ids; below them where a gateway counts from as high, as after a client that used times."""


class RequestIds:
    """The requests of one connection."""

    def __init__(self) -> None:
        self._first = self._last = FIRST_REQUEST_ID

    def new(self, next_order_id: int) -> int:
        """A number for one more request of a connection whose orders count from there."""
        if self._last == self._first and next_order_id >= FIRST_REQUEST_ID:
            self._first = self._last = 0
        self._last += 1
        return self._last

    def given(self, number: int) -> bool:
        """Whether a request has it, or had it."""
        return self._first < number <= self._last
