"""A clock that stands still until a test moves it."""

import datetime as dt


class HeldClock:
    """`now` is what programs take; `advance` moves it."""

    def __init__(self, moment: dt.datetime) -> None:
        self._moment = moment

    def now(self) -> dt.datetime:
        """The moment it shows."""
        return self._moment

    def advance(self, seconds: float) -> None:
        """Move it forward."""
        self._moment += dt.timedelta(seconds=seconds)
