"""How fast messages leave. IBKR takes fifty a second over a connection, whatever they are about.

Faster than that is error 100, and the third one ends the connection. Every message but the handshake's
passes here, and an error 100 slows them all down for a while. Each kind has a rate of its own, so no
crowd of lookups ever holds up an order, a cancel or the proof that the connection lives; together they
stay below IBKR's rule.
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
SLOW_SECONDS: Final = 60.0
"""For so long after an error 100 half as many messages leave in a second; another one meanwhile halves it again."""
SLOWEST: Final = 8


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
        self._slowed = 1
        self._slow_until = float("-inf")
        self._turns = {kind: asyncio.Lock() for kind in MessageKind}

    def room(self, kind: MessageKind) -> bool:
        """Whether one more may leave now."""
        return self.pause(kind) <= 0

    def pause(self, kind: MessageKind) -> float:
        """Seconds until one more may leave; 0 when one may now."""
        return max(0.0, self._wait(kind))

    def count(self, kind: MessageKind) -> None:
        """One leaves now."""
        self._left[kind].append(self._monotonic())

    def too_fast(self) -> None:
        """The gateway says that messages come too fast: others may share its limit, or it is a lower one."""
        self._slowed = min(2 * self._slowness(), SLOWEST)
        self._slow_until = self._monotonic() + SLOW_SECONDS

    async def turn(self, kind: MessageKind) -> None:
        """Return, first come first served, when one may leave, and count it."""
        async with self._turns[kind]:
            while (wait := self._wait(kind)) > 0:
                await self._sleep(wait)
            self.count(kind)

    def _wait(self, kind: MessageKind) -> float:
        left, most = self._left[kind], max(1, kind.value // self._slowness())
        if len(left) < most:
            return 0.0
        return left[-most] + PERIOD_SECONDS - self._monotonic()

    def _slowness(self) -> int:
        return self._slowed if self._monotonic() < self._slow_until else 1
