"""Framing and field syntax of the TWS text protocol.

A frame is a big-endian 32-bit length and that many bytes; every field in it ends in NUL and is
UTF-8. Only the first packet of a client carries the naked prefix `API\\0`. Booleans travel as 0
and 1, unset numbers as the largest value of their type.
"""

import asyncio
import re
import socket
import struct
from decimal import Decimal

from ibgateway_simulator.errors import WireError

SERVER_VERSION = 178
"""The highest version spoken here; 201 and above would mean protobuf bodies."""
LOWEST_VERSION = 157
"""Clients refuse anything older ("TWS/gateway version must be >= 972")."""
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
PREFIX = b"API\0"
MAX_FRAME = 1 << 20

Field = str | int | float | Decimal | bool


def text(value: Field) -> str:
    """The wire form of one field: 1 and 0 for booleans, plain decimals without exponent."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(value)


def frame(fields: tuple[Field, ...]) -> bytes:
    """The bytes of one message."""
    body = "".join(text(field) + "\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def split(body: bytes) -> tuple[str, ...]:
    """The fields of one message body, without the empty string after the last NUL."""
    fields = body.decode("utf-8", "replace").split("\0")
    return tuple(fields[:-1]) if fields[-1] == "" else tuple(fields)


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """The next frame's body; raises WireError on a length no client sends."""
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    if size > MAX_FRAME:
        raise WireError(f"a frame of {size} bytes")
    return await reader.readexactly(size)


async def read_handshake(reader: asyncio.StreamReader) -> int:
    """The server version to answer a client's first packet with: the lower of both maxima."""
    if await reader.readexactly(len(PREFIX)) != PREFIX:
        raise WireError("the first packet does not start with API")
    return negotiate((await read_body(reader)).decode("ascii", "replace"))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close at once with RST: what is buffered is not sent, the peer sees a reset.

    A writer that is closed already is left as it is.
    """
    plain = writer.get_extra_info("socket")
    if plain is not None and plain.fileno() >= 0:  # else the peer was faster
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def negotiate(offer: str) -> int:
    """`v157..178`, or `v178` alone, with optional words after it, to the version both speak."""
    found = re.match(r"v(\d+)(?:\.\.(\d+))?(?:\s|\0|$)", offer)
    if found is None:
        raise WireError(f"no version range in {offer!r}")
    lowest, highest = int(found[1]), int(found[2] or found[1])
    version = min(highest, SERVER_VERSION)
    if version < max(lowest, LOWEST_VERSION):
        raise WireError(f"no common version with {offer!r}")
    return version


def number(value: str, default: str = "0") -> Decimal:
    """A client's number; empty, `Infinite` and the unset sentinels give the default."""
    try:
        parsed = Decimal(value or default)
    except ArithmeticError:
        return Decimal(default)
    unset = not parsed.is_finite() or parsed >= Decimal(UNSET_INTEGER) * 1000
    return Decimal(default) if unset else parsed


def integer(value: str, default: int = 0) -> int:
    """A client's whole number; anything else gives the default."""
    try:
        return int(value)
    except ValueError:
        return default
