"""A display that speaks RFB up to the verdict and then echoes, and a viewer's part in tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

CHALLENGE = b"challenge of 16!"
RIGHT = b"the right answer"
WRONG = b"some other bytes"

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


@asynccontextmanager
async def fake_display() -> AsyncIterator[FakeDisplay]:
    """One that listens on loopback."""
    fake = FakeDisplay()
    async with await asyncio.start_server(fake.serve, "127.0.0.1", 0) as server:
        fake.port = server.sockets[0].getsockname()[1]
        yield fake


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
