"""Whether a gateway still answers."""

import asyncio

from ibgateway_runtime.clock import Clock


class AnswerWatch:
    """Tells a gateway that hangs, with its sockets open, from one that has nothing to say.

    `question_every` and `silent_after` are seconds.
    """

    def __init__(self, clock: Clock, *, question_every: float, silent_after: float) -> None:
        self._clock = clock
        self._question_every = question_every
        self._silent_after = silent_after
        self._asked_at = float("-inf")
        self._received_at = clock.monotonic()
        self._silent = False

    def asked(self) -> None:
        """A question leaves."""
        if self._asked_at <= self._received_at:
            self._asked_at = self._clock.monotonic()

    async def turned_silent(self) -> bool:
        """Wait until it is time for the next question; True where the gateway has just turned silent."""
        await asyncio.sleep(self._question_every)
        if self._asked_at <= self._received_at:
            return False
        waited = self._clock.monotonic() - self._asked_at
        turned = not self._silent and waited > self._silent_after
        self._silent = self._silent or turned
        return turned

    def received(self) -> bool:
        """Something came; True where it ends a silence."""
        self._received_at = self._clock.monotonic()
        was_silent, self._silent = self._silent, False
        return was_silent
