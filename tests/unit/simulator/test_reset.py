"""Hanging up on an API client, also on one that was faster."""

import asyncio

from ibgateway_simulator.tws import stream


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
