"""How long nobody has used a screen: a viewer's messages followed as far as their lengths (RFC 6143, 7.5).

A viewer asks for updates by itself for as long as it is open, so bytes alone are no sign of a person; keys, the pointer
and the clipboard are. A message that is not known can't be measured: from then on every byte counts as a person's.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from ibgateway_agent.console.endings import IDLE
from ibgateway_agent.console.errors import SessionEndedError

KEY, POINTER, CUT_TEXT, QEMU = 4, 5, 6, 255
_BY_A_PERSON: Final = frozenset({KEY, POINTER, CUT_TEXT, QEMU})
_LENGTHS: Final[dict[int, tuple[int, Callable[[bytes], int]]]] = {
    0: (1, lambda _: 20),  # SetPixelFormat
    2: (4, lambda head: 4 + 4 * int.from_bytes(head[2:4], "big")),  # SetEncodings
    3: (1, lambda _: 10),  # FramebufferUpdateRequest
    KEY: (1, lambda _: 8),
    POINTER: (1, lambda _: 6),
    CUT_TEXT: (8, lambda head: 8 + abs(int.from_bytes(head[4:8], "big", signed=True))),
    150: (1, lambda _: 10),  # EnableContinuousUpdates
    248: (9, lambda head: 9 + head[8]),  # fence
    250: (1, lambda _: 4),  # xvp
    251: (7, lambda head: 8 + 16 * head[6]),  # SetDesktopSize
    QEMU: (
        2,
        lambda head: 12 if head[1] == 0 else 0,
    ),  # extended key; another one has no length we know
}
"""Of each type: how many bytes tell its length, and the length they tell."""


class ViewerMessages:
    """Follows what a viewer sends once it is let in, however it is cut into chunks."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._rest = -1  # of ClientInit, the one byte before the first message
        self._lost = False

    def by_a_person(self, data: bytes) -> bool:
        """Whether a message that a person caused is, or begins, in these bytes."""
        found = self._lost
        at = 0
        while at < len(data) and not self._lost:
            if self._rest:
                taken = 1 if self._rest < 0 else min(self._rest, len(data) - at)
                self._rest = max(0, self._rest - taken)
                at += taken
                continue
            self._head.append(data[at])
            at += 1
            found = self._look() or found
        return found or self._lost

    def _look(self) -> bool:
        """The message whose first bytes have come: whether it begins here and is a person's."""
        kind = self._head[0]
        needed, length = _LENGTHS.get(kind, (1, lambda _: 0))
        if len(self._head) < needed:
            return False
        self._rest = length(bytes(self._head)) - len(self._head)
        self._lost = self._rest < 0
        self._head.clear()
        return kind in _BY_A_PERSON


class IdleWatch:
    """Ends a session that nobody has used for `seconds`."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._messages = ViewerMessages()
        self._used = monotonic()

    def saw(self, data: bytes) -> None:
        """Bytes of the viewer's have come."""
        if self._messages.by_a_person(data):
            self._used = self._monotonic()

    async def over(self) -> None:
        """Returns never; raises SessionEndedError once nobody has used it for so long."""
        while (left := self._used + self._seconds - self._monotonic()) > 0:  # noqa: ASYNC110 - time moves
            await asyncio.sleep(left)
        raise SessionEndedError(IDLE)
