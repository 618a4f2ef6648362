"""The TWS text protocol on a socket: whole frames in, the handshake, and a hard close."""

import asyncio
import socket
import struct

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.tws import wire


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """The next frame's body; raises WireError on a length no client sends."""
    size = wire.body_size(await reader.readexactly(wire.LENGTH_BYTES))
    return await reader.readexactly(size)


async def read_handshake(reader: asyncio.StreamReader) -> int:
    """The server version to answer a client's first packet with: the lower of both maxima."""
    if await reader.readexactly(len(wire.PREFIX)) != wire.PREFIX:
        raise WireError("the first packet does not start with API")
    return wire.negotiate((await read_body(reader)).decode("ascii", "replace"))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close at once with RST: what is buffered is not sent, the peer sees a reset.

    A writer that is closed already is left as it is.
    """
    plain = writer.get_extra_info("socket")
    if plain is not None and plain.fileno() >= 0:  # else the peer was faster
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
