"""Framing of the TWS API, the version both sides speak, and the syntax of text fields, pure.

A frame is a big-endian 32-bit length and that many bytes. In the text protocol these are fields, every one UTF-8
and ended by NUL; booleans travel as 0 and 1, unset numbers as the largest value of their type. From server
version 201 on they begin with a big-endian 32-bit number; above 200 it is a message's number and 200, and
what follows is protobuf. Only the first packet of a client carries the naked prefix `API\\0`, and the handshake is
text for everybody.
"""

import re
import struct
from collections.abc import Iterable
from decimal import Decimal

from ibgateway_simulator.errors import WireError

TEXT_VERSION = 178
"""The highest version that is spoken in text."""
PROTOBUF_FLOOR = 213
"""From this version on every message that is known here is protobuf; from 201 on only some are."""
PROTOBUF_VERSION = 225
"""The highest version that is spoken in protobuf."""
LOWEST_VERSION = 157
"""Clients refuse anything older ("TWS/gateway version must be >= 972")."""
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
PREFIX = b"API\0"
LENGTH_BYTES = 4
MAX_FRAME = 1 << 20

Field = str | int | float | Decimal | bool
Message = tuple[Field, ...]


def text(value: Field) -> str:
    """The wire form of one field: 1 and 0 for booleans, plain decimals without exponent."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(value)


def body(fields: Iterable[str]) -> bytes:
    """The body of a text frame; a NUL that a client of protobuf has put into a text would end its field."""
    return "".join(field.replace("\0", "") + "\0" for field in fields).encode()


def framed(content: bytes) -> bytes:
    """A body with its length before it."""
    return struct.pack(">I", len(content)) + content


def frame(message: Message) -> bytes:
    """The bytes of one text message."""
    return framed(body(text(field) for field in message))


def split(content: bytes) -> tuple[str, ...]:
    """The fields of one message body, without the empty string after the last NUL."""
    fields = content.decode("utf-8", "replace").split("\0")
    return tuple(fields[:-1]) if fields[-1] == "" else tuple(fields)


def body_size(length: bytes) -> int:
    """How long the body after these length bytes is; raises WireError when no client sends such."""
    (size,) = struct.unpack(">I", length)
    if size > MAX_FRAME:
        raise WireError(f"a frame of {size} bytes")
    return int(size)


def negotiate(offer: str) -> int:
    """`v157..178`, or `v178` alone, with optional words after it, to the version both speak."""
    found = re.match(r"v(\d+)(?:\.\.(\d+))?(?:\s|\0|$)", offer)
    if found is None:
        raise WireError(f"no version range in {offer!r}")
    lowest, highest = int(found[1]), int(found[2] or found[1])
    ours = PROTOBUF_VERSION if highest >= PROTOBUF_FLOOR else TEXT_VERSION
    version = min(highest, ours)
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
    """A client's whole number of 32 bits, which is what all protocols have; anything else gives the default."""
    try:
        parsed = int(value)
    except ValueError:
        return default
    return parsed if abs(parsed) < 1 << 31 else default
