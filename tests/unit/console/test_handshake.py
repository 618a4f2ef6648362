"""The RFB handshake as the console relays it: what passes, what ends the session."""

import pytest

from ibgateway_agent.console.endings import (
    BAD_DISPLAY,
    BAD_VIEWER,
    DISPLAY_DOWN,
    DISPLAY_LOST,
    PASSWORD_REFUSED,
    TOO_MANY_FAILURES,
    SessionEnd,
)
from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.handshake import relay_handshake
from ibgateway_agent.console.limit import FailureLimit

V33, V37, V38 = b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"
CHALLENGE, RESPONSE = b"challenge of 16!", b"response with 16"
YES, NO = b"\0\0\0\0", b"\0\0\0\1"


class ScriptedPeer:
    """A side that says its bytes whenever asked and keeps what it is sent."""

    def __init__(self, says: bytes) -> None:
        self._says = says
        self.got = b""

    async def exactly(self, count: int) -> bytes:
        if len(self._says) < count:
            raise SessionEndedError(DISPLAY_LOST)
        data, self._says = self._says[:count], self._says[count:]
        return data

    async def send(self, data: bytes) -> None:
        self.got += data


async def relay(
    viewer: ScriptedPeer, display: ScriptedPeer, limit: FailureLimit | None = None
) -> None:
    await relay_handshake(viewer, display, limit or FailureLimit(), lambda: 100.0)


@pytest.mark.parametrize(
    ("viewer_says", "display_says"),
    [
        (V38 + b"\2" + RESPONSE, V38 + b"\1\2" + CHALLENGE + YES),
        (V38 + b"\2" + RESPONSE, V38 + b"\3\2\x10\1" + CHALLENGE + YES),
        (V37 + b"\2" + RESPONSE, V38 + b"\1\2" + CHALLENGE + YES),
        (V33 + RESPONSE, V38 + b"\0\0\0\2" + CHALLENGE + YES),
        (V38 + b"\1", V38 + b"\1\1" + YES),
        (V37 + b"\1", V37 + b"\1\1"),
        (V33, V33 + b"\0\0\0\1"),
    ],
)
async def test_every_byte_of_a_good_handshake_passes_unchanged(
    viewer_says: bytes, display_says: bytes
) -> None:
    viewer, display = ScriptedPeer(viewer_says), ScriptedPeer(display_says)
    await relay(viewer, display)
    assert viewer.got == display_says
    assert display.got == viewer_says


@pytest.mark.parametrize(
    ("viewer_says", "display_says", "ending"),
    [
        (V38 + b"\2" + RESPONSE, V38 + b"\1\2" + CHALLENGE + NO, PASSWORD_REFUSED),
        (V38 + b"\2" + RESPONSE, V38 + b"\1\2" + CHALLENGE + b"\0\0\0\2", PASSWORD_REFUSED),
        (V33 + RESPONSE, V38 + b"\0\0\0\2" + CHALLENGE + NO, PASSWORD_REFUSED),
        (V38 + b"\1", V38 + b"\1\1" + NO, PASSWORD_REFUSED),
        (V38 + b"\x10", V38 + b"\2\2\x10", BAD_VIEWER),
        (V38 + b"\1", V38 + b"\1\2", BAD_VIEWER),
        (b"RFB 003.889\n", V38, BAD_VIEWER),
        (b"GET / HTTP/1", V38, BAD_VIEWER),
        (V38, b"HTTP/1.1 400", BAD_DISPLAY),
        (V33, V38 + b"\0\0\0\5", BAD_DISPLAY),
        (V33, V38 + b"\0\0\0\0", DISPLAY_DOWN),
        (V38, V38 + b"\0", DISPLAY_DOWN),
        (V38, V38[:5], DISPLAY_LOST),
    ],
)
async def test_anything_else_ends_the_session(
    viewer_says: bytes, display_says: bytes, ending: SessionEnd
) -> None:
    with pytest.raises(SessionEndedError) as ended:
        await relay(ScriptedPeer(viewer_says), ScriptedPeer(display_says))
    assert ended.value.ending == ending


async def test_a_refusal_is_not_passed_on_as_bytes() -> None:
    viewer = ScriptedPeer(V38 + b"\2" + RESPONSE)
    with pytest.raises(SessionEndedError):
        await relay(viewer, ScriptedPeer(V38 + b"\1\2" + CHALLENGE + NO))
    assert viewer.got == V38 + b"\1\2" + CHALLENGE


async def test_the_sixth_guess_never_reaches_the_display() -> None:
    limit = FailureLimit()
    for _ in range(5):
        with pytest.raises(SessionEndedError):
            await relay(
                ScriptedPeer(V38 + b"\2" + RESPONSE),
                ScriptedPeer(V38 + b"\1\2" + CHALLENGE + NO),
                limit,
            )
    display = ScriptedPeer(V38 + b"\1\2" + CHALLENGE + YES)
    with pytest.raises(SessionEndedError) as ended:
        await relay(ScriptedPeer(V38 + b"\2" + RESPONSE), display, limit)
    assert ended.value.ending == TOO_MANY_FAILURES
    assert display.got == V38 + b"\2"


async def test_a_guess_without_a_verdict_stays_charged() -> None:
    limit = FailureLimit()
    for _ in range(5):
        with pytest.raises(SessionEndedError):
            await relay(
                ScriptedPeer(V38 + b"\2" + RESPONSE), ScriptedPeer(V38 + b"\1\2" + CHALLENGE), limit
            )
    assert not limit.charge(100.0)


async def test_right_passwords_are_never_counted() -> None:
    limit = FailureLimit()
    for _ in range(20):
        await relay(
            ScriptedPeer(V38 + b"\2" + RESPONSE),
            ScriptedPeer(V38 + b"\1\2" + CHALLENGE + YES),
            limit,
        )
    assert limit.charge(100.0)
