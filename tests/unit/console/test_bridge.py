"""The bridge over real sockets: a viewer, the console, and a display that speaks RFB."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from console_world.fake_display import (
    RIGHT,
    WRONG,
    Client,
    FakeDisplay,
    closing,
    log_in,
    open_socket,
    receive,
    until,
)
from ibgateway_agent.console.session import SessionState
from ibgateway_agent.console.settings import TcpAddress

AppOf = Callable[[SessionState], web.Application]


def ended(sessions: SessionState, ending: str) -> float:
    return (
        sessions.metrics.registry.get_sample_value(
            "ibgateway_console_sessions_total", {"ending": ending}
        )
        or 0.0
    )


async def test_bytes_pass_both_ways_after_the_right_password(
    client: Client, display: FakeDisplay, sessions: SessionState
) -> None:
    socket = await open_socket(client)
    assert socket.protocol == "binary"
    await log_in(socket)
    assert await receive(socket, 4) == b"\0\0\0\0"
    await socket.send_bytes(b"key")
    assert await receive(socket, 3) == b"key"
    assert display.guesses == [RIGHT]
    await socket.close()
    await until(lambda: ended(sessions, "viewer-left") == 1)


async def test_a_viewer_may_send_its_part_byte_by_byte(client: Client) -> None:
    socket = await open_socket(client)
    for byte in b"RFB 003.008\n\x02" + RIGHT + b"key":
        await socket.send_bytes(bytes([byte]))
    assert (await receive(socket, 12 + 2 + 16 + 4 + 3)).endswith(b"\0\0\0\0key")
    await socket.close()


async def test_a_viewer_may_send_everything_in_one_message(client: Client) -> None:
    socket = await open_socket(client)
    await socket.send_bytes(b"RFB 003.008\n\x02" + RIGHT + b"key")
    assert (await receive(socket, 12 + 2 + 16 + 4 + 3)).endswith(b"\0\0\0\0key")
    await socket.close()


async def test_a_wrong_password_is_refused_with_text(client: Client) -> None:
    socket = await open_socket(client)
    await log_in(socket, WRONG)
    assert await closing(socket) == (4403, "The VNC password was refused.")


async def test_the_sixth_wrong_password_in_a_minute_is_not_even_tried(
    client: Client, display: FakeDisplay
) -> None:
    for _ in range(5):
        socket = await open_socket(client)
        await log_in(socket, WRONG)
        assert (await closing(socket))[0] == 4403
    socket = await open_socket(client)
    await log_in(socket, RIGHT)
    assert await closing(socket) == (
        4429,
        "Too many wrong attempts. Wait a minute, then try again.",
    )
    assert display.guesses == [WRONG] * 5


async def test_a_display_that_is_not_up_is_told_as_such(
    client: Client, app_of: AppOf, sessions: SessionState
) -> None:
    nobody = replace(sessions, display=TcpAddress("127.0.0.1", 0))
    async with TestClient(TestServer(app_of(nobody))) as other:
        socket = await open_socket(other)
        assert await closing(socket) == (
            4503,
            "No screen: the gateway's display is not up, trying again.",
        )


async def test_a_display_that_goes_away_ends_the_session(client: Client) -> None:
    socket = await open_socket(client)
    await log_in(socket)
    await socket.send_bytes(b"hang up")
    assert await closing(socket) == (
        4504,
        "No screen: the gateway's display has gone, trying again.",
    )


async def test_a_viewer_that_goes_away_ends_the_connection_to_the_display(
    client: Client, display: FakeDisplay
) -> None:
    socket = await open_socket(client)
    await log_in(socket)
    await receive(socket, 4)
    await socket.close()
    async with asyncio.timeout(30):
        await display.closed.wait()


async def test_text_messages_end_the_session(client: Client) -> None:
    socket = await open_socket(client)
    await log_in(socket)
    await socket.send_str("hello")
    assert (await closing(socket))[0] == 1003


async def test_a_viewer_that_types_no_password_gives_its_place_free(
    app_of: AppOf, sessions: SessionState
) -> None:
    hasty = replace(sessions, handshake_seconds=0.05)
    async with TestClient(TestServer(app_of(hasty))) as client:
        socket = await open_socket(client)
        assert await closing(socket) == (4408, "No password came in time.")


async def test_no_more_viewers_than_allowed(
    app_of: AppOf, sessions: SessionState, display: FakeDisplay
) -> None:
    narrow = replace(sessions, max_viewers=1)
    async with TestClient(TestServer(app_of(narrow))) as client:
        first = await open_socket(client)
        await log_in(first)
        second = await open_socket(client)
        assert await closing(second) == (4430, "Too many viewers are connected already.")
        await first.close()
        await until(lambda: not narrow.open)
        third = await open_socket(client)
        await log_in(third)
        assert await receive(third, 4) == b"\0\0\0\0"
        await third.close()


async def test_a_slow_viewer_slows_the_display(
    client: Client, display: FakeDisplay, sessions: SessionState
) -> None:
    """The display's own sends must block: nothing between may hold a flood of 64 MiB."""
    display.flood = 64 << 20
    socket = await open_socket(client)
    await log_in(socket)
    await until(lambda: display.flooded > 0)
    stalled = -1
    while stalled != display.flooded:
        stalled = display.flooded
        await asyncio.sleep(0.5)
    assert stalled < 32 << 20
    received = 0
    while received < (64 << 20) + 4:
        received += len(await socket.receive_bytes())
    assert display.flooded == 64 << 20
    await socket.close()


async def test_a_stopping_console_says_so(app_of: AppOf, sessions: SessionState) -> None:
    client = TestClient(TestServer(app_of(sessions)))
    await client.start_server()
    socket = await open_socket(client)
    await log_in(socket)
    await receive(socket, 4)
    told = asyncio.create_task(closing(socket))
    await client.server.close()
    assert await told == (1001, "The console is restarting, trying again.")
    await client.close()
