"""Frames on a socket, and hanging up on a client, also on one that was faster."""

import asyncio

import pytest

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.tws import stream


async def test_a_handshake_needs_the_naked_prefix() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"GET / HTTP/1.1\r\n")
    with pytest.raises(WireError):
        await stream.read_handshake(reader)


async def test_a_length_no_client_sends_is_refused() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"\x7f\xff\xff\xff")
    with pytest.raises(WireError):
        await stream.read_body(reader)


async def test_a_connection_that_is_closed_already_may_be_reset() -> None:
    opened: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: opened.put(writer), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, client = await asyncio.open_connection("127.0.0.1", port)
        peer = await opened.get()
        peer.transport.abort()
        assert await reader.read() == b""
        await asyncio.sleep(0)
        assert peer.get_extra_info("socket").fileno() == -1
        stream.reset(peer)
        client.close()
        await client.wait_closed()
