"""How fast messages leave. IBKR takes fifty a second over a connection, whatever they are about.

Faster than that is error 100, and the third one ends the connection. Every message but the handshake's
passes here. Each kind has a rate of its own, so no crowd of lookups ever holds up an order, a cancel or
the proof that the connection lives; together they stay below IBKR's rule.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final


class MessageKind(Enum):
    """What a message is about; the value is how many of the kind may leave in a second."""

    ORDER = 20
    """Orders and cancels: written at once or, without room, not yet."""
    QUESTION = 10
    """What the connection itself asks: open orders, executions, completed orders, the clock."""
    LOOKUP = 15
    """Contracts and prices: there may be one for each of many orders."""


PERIOD_SECONDS: Final = 1.0


class MessagePacer:
    """Remembers when messages left, on the monotonic clock; `sleep` takes seconds."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._left = {kind: deque[float](maxlen=kind.value) for kind in MessageKind}
        self._turns = {kind: asyncio.Lock() for kind in MessageKind}

    def room(self, kind: MessageKind) -> bool:
        """Whether one more may leave now."""
        return self._wait(kind) <= 0

    def count(self, kind: MessageKind) -> None:
        """One leaves now."""
        self._left[kind].append(self._monotonic())

    async def turn(self, kind: MessageKind) -> None:
        """Return, first come first served, when one may leave, and count it."""
        async with self._turns[kind]:
            while (wait := self._wait(kind)) > 0:
                await self._sleep(wait)
            self.count(kind)

    def _wait(self, kind: MessageKind) -> float:
        left = self._left[kind]
        if len(left) < kind.value:
            return 0.0
        return left[0] + PERIOD_SECONDS - self._monotonic()
