"""Clients that go away in the middle of a request: with a FIN or with a reset, sooner or later."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket that is reset when it is closed."""


async def come_and_go(port: int, sent: bytes, *, times: int = 60) -> None:
    """Each one sends the same bytes and leaves, at a moment of its own, without reading to the end."""
    for number in range(times):
        with socket.socket() as client:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            with contextlib.suppress(ConnectionError):
                client.send(sent)
            for _ in range(number % 7):
                await asyncio.sleep(0)
            await asyncio.sleep(0.002 if number % 3 else 0)
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    await asyncio.sleep(0.2)
