"""The bridge over real sockets: a viewer, the console, and a display that speaks RFB."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from ibgateway_agent.console.app import Front, people_app
from ibgateway_agent.console.guard import Guard
from ibgateway_agent.console.metrics import Metrics
from ibgateway_agent.console.session import Desk
from ibgateway_agent.console.settings import Address

PAGE = Path(__file__).parents[3] / "gateway" / "console-page" / "page"
CHALLENGE = b"challenge of 16!"
RIGHT = b"the right answer"
WRONG = b"some other bytes"
TOKEN = "token.czNjcmV0"
WRONG_TOKEN = "token.d3Jvbmc"

Client = TestClient[Request, Application]
Socket = ClientWebSocketResponse[bool]


@dataclass
class FakeDisplay:
    """RFB 3.8 with VncAuth; remembers the guesses and echoes after a right one."""

    guesses: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    flood: int = 0
    flooded: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._handshake(reader, writer)
            while self.flooded < self.flood:
                writer.write(bytes(65536))
                await writer.drain()
                self.flooded += 65536
            while data := await reader.read(65536):
                if data == b"hang up":
                    break
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.set()
            writer.close()

    async def _handshake(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n")
        await reader.readexactly(12)
        writer.write(b"\x01\x02")
        await reader.readexactly(1)
        writer.write(CHALLENGE)
        guess = await reader.readexactly(16)
        self.guesses.append(guess)
        writer.write(b"\0\0\0\0" if guess == RIGHT else b"\0\0\0\1")


@pytest.fixture
async def display() -> AsyncIterator[FakeDisplay]:
    fake = FakeDisplay()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    yield fake
    server.close()


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """Our real page beside a stand-in for the library, which no unit test runs."""
    (tmp_path / "page").symlink_to(PAGE)
    (tmp_path / "novnc" / "core").mkdir(parents=True)
    (tmp_path / "novnc" / "core" / "rfb.js").write_text("export default class RFB {}\n")
    return tmp_path


@pytest.fixture
def desk(display: FakeDisplay) -> Desk:
    return Desk(display=Address("127.0.0.1", display.port), token=None, metrics=Metrics())


@pytest.fixture
def front(desk: Desk, static: Path) -> Front:
    guard = Guard(
        hosts=frozenset({"paper-novnc"}),
        allowed_origins=frozenset({"https://vnc.example.com:443"}),
    )
    return Front(guard=guard, desk=desk, static=static)


@pytest.fixture
async def client(front: Front) -> AsyncIterator[Client]:
    async with TestClient(TestServer(people_app(front))) as open_client:
        yield open_client


async def open_socket(client: Client, *protocols: str, target: str = "/websockify") -> Socket:
    """A WebSocket as the console's own page opens it."""
    origin = f"http://127.0.0.1:{client.port}"
    return await client.ws_connect(
        target, headers={"Origin": origin}, protocols=protocols or ("binary",)
    )


async def receive(socket: Socket, count: int) -> bytes:
    """The next `count` bytes, however the bridge cut them into messages."""
    data = b""
    while len(data) < count:
        data += await socket.receive_bytes()
    assert len(data) == count
    return data


async def log_in(socket: Socket, answer: bytes = RIGHT) -> None:
    """The viewer's part of the handshake up to its answer to the challenge."""
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.send_bytes(b"RFB 003.008\n")
    assert await receive(socket, 2) == b"\x01\x02"
    await socket.send_bytes(b"\x02")
    assert await receive(socket, 16) == CHALLENGE
    await socket.send_bytes(answer)


async def closing(socket: Socket) -> tuple[int, str]:
    """The close code and text with which the console ends the session."""
    message = await socket.receive()
    while message.type is WSMsgType.BINARY:
        message = await socket.receive()
    assert message.type is WSMsgType.CLOSE
    return message.data, message.extra or ""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event of its own
            await asyncio.sleep(0.01)


def sessions(desk: Desk, ending: str) -> float:
    return (
        desk.metrics.registry.get_sample_value(
            "ibgateway_console_sessions_total", {"ending": ending}
        )
        or 0.0
    )


async def test_bytes_pass_both_ways_after_the_right_password(
    client: Client, display: FakeDisplay, desk: Desk
) -> None:
    socket = await open_socket(client)
    assert socket.protocol == "binary"
    await log_in(socket)
    assert await receive(socket, 4) == b"\0\0\0\0"
    await socket.send_bytes(b"key")
    assert await receive(socket, 3) == b"key"
    assert display.guesses == [RIGHT]
    await socket.close()
    await until(lambda: sessions(desk, "viewer-left") == 1)


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


async def test_a_display_that_is_not_up_is_told_as_such(client: Client, front: Front) -> None:
    nobody = replace(front, desk=replace(front.desk, display=Address("127.0.0.1", 0)))
    async with TestClient(TestServer(people_app(nobody))) as other:
        socket = await open_socket(other)
        assert await closing(socket) == (
            4503,
            "The gateway's display is not up yet, trying again.",
        )


async def test_a_display_that_goes_away_ends_the_session(client: Client) -> None:
    socket = await open_socket(client)
    await log_in(socket)
    await socket.send_bytes(b"hang up")
    assert await closing(socket) == (4504, "The gateway's display has gone, trying again.")


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


async def test_a_viewer_that_types_no_password_gives_its_place_free(front: Front) -> None:
    hasty = replace(front, desk=replace(front.desk, handshake_seconds=0.05))
    async with TestClient(TestServer(people_app(hasty))) as client:
        socket = await open_socket(client)
        assert await closing(socket) == (4408, "No password came in time.")


async def test_no_more_viewers_than_allowed(front: Front, display: FakeDisplay) -> None:
    narrow = replace(front, desk=replace(front.desk, max_viewers=1))
    async with TestClient(TestServer(people_app(narrow))) as client:
        first = await open_socket(client)
        await log_in(first)
        second = await open_socket(client)
        assert await closing(second) == (4430, "Too many viewers are connected already.")
        await first.close()
        await until(lambda: not narrow.desk.open)
        third = await open_socket(client)
        await log_in(third)
        assert await receive(third, 4) == b"\0\0\0\0"
        await third.close()


async def test_a_slow_viewer_slows_the_display(
    client: Client, display: FakeDisplay, desk: Desk
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


async def test_a_stopping_console_says_so(front: Front) -> None:
    client = TestClient(TestServer(people_app(front)))
    await client.start_server()
    socket = await open_socket(client)
    await log_in(socket)
    await receive(socket, 4)
    told = asyncio.create_task(closing(socket))
    await client.server.close()
    assert await told == (1001, "The console is restarting, trying again.")
    await client.close()


@pytest.mark.parametrize(
    "target",
    [
        "/websockify?host=evil.example&port=1&path=x&encrypt=1",
        "/websockify?token=evil.example:1",
        "/websockify?target=127.0.0.1:1",
    ],
)
async def test_nothing_a_viewer_sends_changes_the_target(
    client: Client, display: FakeDisplay, target: str
) -> None:
    socket = await open_socket(client, target=target)
    await log_in(socket)
    assert await receive(socket, 4) == b"\0\0\0\0"
    assert display.connections == 1
    await socket.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://paper-novnc", "Host": "127.0.0.1:6080"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Origin": "http://localhost:6080", "Host": "localhost:6080.evil.example"},
    ],
)
async def test_hostile_pages_and_names_reach_nothing(
    client: Client, display: FakeDisplay, headers: dict[str, str]
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/websockify", headers=headers, protocols=["binary"])
    assert refused.value.status == 403
    assert display.connections == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:6080", "Origin": "http://localhost:6080"},
        {"Host": "[::1]:7000", "Origin": "http://[::1]:7000"},
        {"Host": "paper-novnc:6080", "Origin": "http://paper-novnc:6080"},
        {"Host": "vnc.example.com", "Origin": "https://vnc.example.com"},
    ],
)
async def test_the_own_page_reaches_the_display_under_each_of_its_names(
    client: Client, headers: dict[str, str]
) -> None:
    socket = await client.ws_connect("/websockify", headers=headers, protocols=["binary"])
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.close()


async def test_a_viewer_without_subprotocols_is_served(client: Client) -> None:
    origin = f"http://127.0.0.1:{client.port}"
    socket = await client.ws_connect("/websockify", headers={"Origin": origin})
    assert socket.protocol is None
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.close()


@pytest.fixture
async def token_client(front: Front, tmp_path: Path) -> AsyncIterator[Client]:
    secret = replace(front, desk=replace(front.desk, token=lambda: b"s3cret"))
    async with TestClient(TestServer(people_app(secret))) as client:
        yield client


async def test_the_right_token_opens_the_bridge(token_client: Client) -> None:
    socket = await open_socket(token_client, "binary", TOKEN)
    assert socket.protocol == "binary"
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.close()


@pytest.mark.parametrize("protocols", [("binary",), ("binary", WRONG_TOKEN), ("binary", "token.")])
async def test_without_the_right_token_the_display_is_not_touched(
    token_client: Client, display: FakeDisplay, protocols: tuple[str, ...]
) -> None:
    socket = await open_socket(token_client, *protocols)
    assert await closing(socket) == (4401, "The access token was refused.")
    assert display.connections == 0


async def test_after_five_wrong_tokens_even_the_right_one_waits(token_client: Client) -> None:
    for _ in range(5):
        assert (await closing(await open_socket(token_client, "binary", WRONG_TOKEN)))[0] == 4401
    assert (await closing(await open_socket(token_client, "binary", TOKEN)))[0] == 4429


async def test_a_token_never_reaches_the_log(
    token_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for protocols in (["binary", TOKEN], ["binary", WRONG_TOKEN]):
        socket = await open_socket(token_client, *protocols)
        await socket.close()
    origin = f"http://127.0.0.1:{token_client.port}"
    with pytest.raises(WSServerHandshakeError) as refused:
        await token_client.ws_connect("/websockify", headers={"Origin": origin}, protocols=[TOKEN])
    assert refused.value.status == 400
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp.client")]
    assert "a viewer came" in ours
    assert not [
        line for line in ours if "czNjcmV0" in line or "s3cret" in line or "d3Jvbmc" in line
    ]
