"""How fast messages leave. IBKR takes fifty a second over a connection, whatever they are about.

Faster than that is error 100, and the third one ends the connection. Every message but the handshake's
passes here, and an error 100 slows them all down for a while. Each kind has a share of its own, so no
crowd of lookups ever holds up an order, a cancel or the proof that the connection lives; together they
stay below IBKR's rule. Orders and cancels may have what the other kinds leave, evenly spaced, as long as none of those waits.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final


class MessageKind(Enum):
    """What a message is about; the value is how many of the kind may leave in a second whatever the others do."""

    ORDER = 20
    """Orders and cancels: written at once or, without room, not yet. More of them where the others leave room."""
    QUESTION = 10
    """What the connection itself asks: open orders, executions, completed orders, the clock."""
    LOOKUP = 15
    """Contracts and prices: there may be one for each of many orders."""


ALTOGETHER: Final = 45
"""Messages in a second, of all kinds."""
PERIOD_SECONDS: Final = 1.0
APART_SECONDS: Final = PERIOD_SECONDS / ALTOGETHER
"""Between two that leave one by one. One that leaves late, because its row had to reach the disk first, does not make all
later ones late: the next follows by up to so much sooner."""
SLOW_SECONDS: Final = 60.0
"""For so long after an error 100 half as many messages leave in a second; another one meanwhile halves it again."""
SLOWEST: Final = 8
"""One of each kind leaves in a second whatever happens."""


class MessagePacer:
    """Remembers when messages left, on the monotonic clock; `sleep` takes seconds."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._left = {kind: deque[float](maxlen=ALTOGETHER) for kind in MessageKind}
        self._all = deque[float](maxlen=ALTOGETHER)
        self._due = float("-inf")
        self._short = 0
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
        now = self._monotonic()
        late = min(max(-self._borrowed_wait(), 0.0), APART_SECONDS)
        self._due = now - late + APART_SECONDS
        self._left[kind].append(now)
        self._all.append(now)

    def too_fast(self) -> None:
        """The gateway says that messages come too fast: others may share its limit, or it is a lower one."""
        self._slowed = min(2 * self._slowness(), SLOWEST)
        self._slow_until = self._monotonic() + SLOW_SECONDS

    async def turn(self, kind: MessageKind) -> None:
        """Return, first come first served, when one may leave, and count it."""
        async with self._turns[kind]:
            while (wait := self._wait(kind)) > 0:
                await self._paused(kind, wait)
            self.count(kind)

    async def _paused(self, kind: MessageKind, seconds: float) -> None:
        """Wait; where it is the others that have used up the room, nothing is lent to them meanwhile."""
        short = self._own_wait(kind) <= 0
        self._short += short
        try:
            await self._sleep(seconds)
        finally:
            self._short -= short

    def _wait(self, kind: MessageKind) -> float:
        own, room = self._own_wait(kind), self._room_wait()
        if kind is not MessageKind.ORDER:
            return max(own, room)
        return (
            own
            if own <= 0 or self._short or self._slowness() > 1
            else min(own, self._borrowed_wait())
        )

    def _own_wait(self, kind: MessageKind) -> float:
        """Until the kind's own share has room."""
        left, most = self._left[kind], kind.value // self._slowness()
        return 0.0 if len(left) < most else left[-most] + PERIOD_SECONDS - self._monotonic()

    def _room_wait(self) -> float:
        """Until there is room for one more of any kind; negative since there was."""
        if len(self._all) < ALTOGETHER:
            return float("-inf")
        return self._all[0] + PERIOD_SECONDS - self._monotonic()

    def _borrowed_wait(self) -> float:
        """Evenly spaced: bursts would come closer together on their way, and be too many in a second."""
        return max(self._room_wait(), self._due - self._monotonic())

    def _slowness(self) -> int:
        return self._slowed if self._monotonic() < self._slow_until else 1
