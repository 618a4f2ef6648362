"""Relays the RFB handshake step by step up to the verdict on the password (RFC 6143, 7.1).

The console does not know the password; it watches that nobody guesses it quickly. A guess is charged
before it is passed on, so a refused guess never reaches the display. Only the versions and security
types of x11vnc with a password (VncAuth) or without (None) are let through: another type could be
a way to guess past the limit.
"""

from collections.abc import Callable
from typing import Final, Protocol

from ibgateway_agent.console.endings import (
    BAD_DISPLAY,
    BAD_VIEWER,
    DISPLAY_DOWN,
    PASSWORD_REFUSED,
    TOO_MANY_FAILURES,
)
from ibgateway_agent.console.errors import SessionEndedError

VERSIONS: Final = {b"RFB 003.003\n": 3, b"RFB 003.007\n": 7, b"RFB 003.008\n": 8}
TYPE_NONE: Final = 1
TYPE_VNC: Final = 2
CHALLENGE_BYTES: Final = 16
"""Length of both the challenge and the response of VncAuth."""


class GuessLimit(Protocol):
    """Where a guess is charged before it is passed on."""

    def charge(self, now: float) -> bool:
        """Whether it may be made."""

    def give_back(self, charged_at: float) -> None:
        """It was right."""


class RfbPeer(Protocol):
    """One end of the bridge; both methods raise SessionEndedError when that end is gone."""

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes that this side sends."""

    async def send(self, data: bytes) -> None:
        """Passes bytes on to this side, at the speed it takes them."""


async def relay_handshake(
    viewer: RfbPeer, display: RfbPeer, limit: GuessLimit, monotonic: Callable[[], float]
) -> None:
    """Returns once the display has let the viewer in; raises SessionEndedError otherwise."""
    minor = await _relay_version(viewer, display)
    chosen = await (_relay_type_3(viewer, display) if minor == 3 else _relay_types(viewer, display))
    if chosen == TYPE_VNC:
        await _relay_guess(viewer, display, limit, monotonic)
    elif minor == 8:
        await _relay_result(viewer, display)


async def _relay_version(viewer: RfbPeer, display: RfbPeer) -> int:
    greeting = await display.exactly(12)
    if not greeting.startswith(b"RFB "):
        raise SessionEndedError(BAD_DISPLAY)
    await viewer.send(greeting)
    version = await viewer.exactly(12)
    if version not in VERSIONS:
        raise SessionEndedError(BAD_VIEWER)
    await display.send(version)
    return VERSIONS[version]


async def _relay_type_3(viewer: RfbPeer, display: RfbPeer) -> int:
    """Version 3.3: the display decides the type; 0 means it refuses everyone for now."""
    word = await display.exactly(4)
    chosen = int.from_bytes(word, "big")
    if chosen not in {TYPE_NONE, TYPE_VNC}:
        raise SessionEndedError(BAD_DISPLAY if chosen else DISPLAY_DOWN)
    await viewer.send(word)
    return chosen


async def _relay_types(viewer: RfbPeer, display: RfbPeer) -> int:
    """Versions 3.7 and 3.8: the display lists types, the viewer chooses; no type means refusal."""
    count = await display.exactly(1)
    if count == b"\0":
        raise SessionEndedError(DISPLAY_DOWN)
    types = await display.exactly(count[0])
    await viewer.send(count + types)
    chosen = await viewer.exactly(1)
    if chosen[0] not in {TYPE_NONE, TYPE_VNC} or chosen not in types:
        raise SessionEndedError(BAD_VIEWER)
    await display.send(chosen)
    return chosen[0]


async def _relay_guess(
    viewer: RfbPeer, display: RfbPeer, limit: GuessLimit, monotonic: Callable[[], float]
) -> None:
    await viewer.send(await display.exactly(CHALLENGE_BYTES))
    response = await viewer.exactly(CHALLENGE_BYTES)
    charged_at = monotonic()
    if not limit.charge(charged_at):
        raise SessionEndedError(TOO_MANY_FAILURES)
    await display.send(response)
    await _relay_result(viewer, display)
    limit.give_back(charged_at)


async def _relay_result(viewer: RfbPeer, display: RfbPeer) -> None:
    """A word from the display: 0 lets the viewer in, all else refuses it."""
    result = await display.exactly(4)
    if any(result):
        raise SessionEndedError(PASSWORD_REFUSED)
    await viewer.send(result)
