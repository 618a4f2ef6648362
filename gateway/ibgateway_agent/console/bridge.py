"""Carries bytes between one viewer's WebSocket and the display's TCP connection.

Each direction waits until the other side has taken what it was given, so a slow reader slows the
writer and nothing piles up here. Whichever side goes first ends the session with its Ending.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import WSMsgType, web

from ibgateway_agent.console.endings import (
    DISPLAY_DOWN,
    DISPLAY_LOST,
    DISPLAY_SILENT,
    NOT_BINARY,
    VIEWER_LEFT,
)
from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.idle import IdleWatch
from ibgateway_agent.console.settings import TcpAddress

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
"""Within a handshake the display answers at once; this long without a byte is a dead one."""
CHUNK_BYTES: Final = 65536
MAX_MESSAGE_BYTES: Final = 1 << 20
"""Viewers send keys, pointer moves and now and then a clipboard."""
KEEPALIVE: Final = (
    ("TCP_KEEPIDLE", 15),  # s of silence before the first probe
    ("TCP_KEEPINTVL", 5),  # s between probes
    ("TCP_KEEPCNT", 3),  # probes without an answer before the connection counts as dead
    ("TCP_USER_TIMEOUT", 30_000),  # ms that sent bytes may stay unacknowledged
)


class Viewer:
    """The WebSocket's end: binary messages seen as one stream of bytes."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._rest = bytearray()

    async def chunk(self) -> bytes:
        """What came next, at least one byte."""
        if self._rest:
            data = bytes(self._rest)
            self._rest.clear()
            return data
        return await self._message()

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._rest) < count:
            self._rest += await self._message()
        data = bytes(self._rest[:count])
        del self._rest[:count]
        return data

    async def send(self, data: bytes) -> None:
        """One binary message; waits while the browser is slow."""
        try:
            await self._socket.send_bytes(data)
        except (ConnectionError, RuntimeError):
            # aiohttp answers a write after the close with either, depending on who closed.
            raise SessionEndedError(VIEWER_LEFT) from None

    async def _message(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.TEXT:
                raise SessionEndedError(NOT_BINARY)
            if message.type is not WSMsgType.BINARY:
                raise SessionEndedError(VIEWER_LEFT)
            if message.data:
                return bytes(message.data)


class Display:
    """The TCP connection's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def chunk(self) -> bytes:
        """What came next, at least one byte."""
        try:
            data = await self._reader.read(CHUNK_BYTES)
        except OSError:
            raise SessionEndedError(DISPLAY_LOST) from None
        if not data:
            raise SessionEndedError(DISPLAY_LOST)
        return data

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes, which must come within ANSWER_SECONDS."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._reader.readexactly(count)
        except TimeoutError:
            raise SessionEndedError(DISPLAY_SILENT) from None
        except (OSError, asyncio.IncompleteReadError):
            raise SessionEndedError(DISPLAY_LOST) from None

    async def send(self, data: bytes) -> None:
        """Writes and waits while the display is slow."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            raise SessionEndedError(DISPLAY_LOST) from None


@contextlib.asynccontextmanager
async def open_display(address: TcpAddress) -> AsyncIterator[Display]:
    """A connection to the display, closed at the end; SessionEndedError(DISPLAY_DOWN) if there is none."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(address.host, address.port)
    except OSError:
        raise SessionEndedError(DISPLAY_DOWN) from None
    try:
        _keep_alive(writer.get_extra_info("socket"))
        yield Display(reader, writer)
    finally:
        writer.close()


async def pump(
    viewer: Viewer, display: Display, count: Callable[[str, int], None], idle: IdleWatch
) -> None:
    """Carries both directions until one side is gone, or nobody has used it for long; always ends with SessionEndedError.

    `count` is told the direction (in: from the viewer, out: to it) and the bytes passed on.
    """

    def came(data: bytes) -> None:
        count("in", len(data))
        idle.saw(data)

    tasks = [
        asyncio.create_task(_carry(viewer, display, came)),
        asyncio.create_task(_carry(display, viewer, lambda data: count("out", len(data)))),
        asyncio.create_task(idle.over()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(
    source: Viewer | Display, sink: Viewer | Display, passed: Callable[[bytes], None]
) -> None:
    while True:
        data = await source.chunk()
        await sink.send(data)
        passed(data)


def _keep_alive(connection: socket.socket) -> None:
    """A display that vanished without a word (node lost) is noticed within half a minute."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
