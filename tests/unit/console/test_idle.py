"""Which of a viewer's bytes are a person's, and what becomes of a screen that nobody uses."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from console_world.fake_display import closing, log_in, open_socket, receive
from ibgateway_agent.console.endings import IDLE
from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.idle import IdleWatch, ViewerMessages
from ibgateway_agent.console.session import SessionState

INIT = b"\x01"
FORMAT = b"\0" * 20
ENCODINGS = b"\x02\0\0\x02" + b"\x04" * 8
UPDATE = b"\x03" + b"\x05" * 9
KEY = b"\x04\x01\0\0\0\0\0A"
POINTER = b"\x05\0\0\x10\0\x10"
TEXT = b"\x06\0\0\0\0\0\0\x03abc"
EXTENDED_TEXT = b"\x06\0\0\0\xff\xff\xff\xfc\x04\x04\x04\x04"
FENCE = b"\xf8\0\0\0\0\0\0\0\x04\x04\x04\x04\x04"
DESKTOP = b"\xfb\0\x04\0\x03\0\x01\0" + b"\x04" * 16
QEMU_KEY = b"\xff\0\0\x01" + b"\0" * 8
CONTINUOUS = b"\x96" + b"\x04" * 9
BY_ITSELF = [FORMAT, ENCODINGS, UPDATE, FENCE, DESKTOP, CONTINUOUS]


def follower() -> ViewerMessages:
    messages = ViewerMessages()
    assert not messages.by_a_person(INIT)
    return messages


@pytest.mark.parametrize("by_person", [KEY, POINTER, TEXT, EXTENDED_TEXT, QEMU_KEY])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_a_persons_message_is_known_among_those_of_the_viewer(by_person: bytes, chunk: int) -> None:
    messages = follower()
    before, after = b"".join(BY_ITSELF), UPDATE * 3
    assert not any(
        messages.by_a_person(before[i : i + chunk]) for i in range(0, len(before), chunk)
    )
    pieces = [by_person[i : i + chunk] for i in range(0, len(by_person), chunk)]
    assert True in list(map(messages.by_a_person, pieces))
    assert not any(messages.by_a_person(after[i : i + chunk]) for i in range(0, len(after), chunk))


def test_a_message_that_nobody_knows_makes_every_byte_a_persons() -> None:
    messages = follower()
    assert messages.by_a_person(b"\x63anything")
    assert messages.by_a_person(UPDATE)


async def test_an_hour_of_updates_without_a_person_is_an_idle_one() -> None:
    now = 0.0
    watch = IdleWatch(1800, lambda: now)
    watch.saw(INIT + KEY)
    now = 1799.0
    watch.saw(UPDATE)
    over = asyncio.create_task(watch.over())
    await asyncio.sleep(0)
    assert not over.done()
    over.cancel()
    watch.saw(KEY)
    now = 3598.0
    watch.saw(UPDATE)
    later = asyncio.create_task(watch.over())
    await asyncio.sleep(0)
    assert not later.done()
    later.cancel()
    now = 3599.0
    with pytest.raises(SessionEndedError) as ended:
        await watch.over()
    assert ended.value.ending is IDLE


async def test_a_screen_that_nobody_uses_is_closed_with_words(
    app_of: Callable[[SessionState], web.Application], sessions: SessionState
) -> None:
    soon = replace(sessions, idle_seconds=0.2)
    async with TestClient(TestServer(app_of(soon))) as client:
        socket = await open_socket(client)
        await log_in(socket)
        assert await receive(socket, 4) == b"\0\0\0\0"
        assert await closing(socket) == (4407, IDLE.text)
