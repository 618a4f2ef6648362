"""The read buffer of a TLS connection: asyncio still takes its size from where the operator sets it."""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol

import pytest

from ibgateway_operator.__main__ import TLS_BUFFER


async def test_a_connection_has_a_buffer_of_the_operators_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert SSLProtocol.max_size > TLS_BUFFER
    monkeypatch.setattr(SSLProtocol, "max_size", TLS_BUFFER)
    loop = asyncio.get_running_loop()
    context, closed = ssl.create_default_context(), loop.create_future()
    protocol = SSLProtocol(loop, asyncio.Protocol(), context, closed, server_hostname="here")
    assert len(protocol.get_buffer(-1)) == TLS_BUFFER
    protocol._app_transport.abort()
