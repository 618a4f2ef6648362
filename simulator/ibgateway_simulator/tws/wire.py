"""Framing and field syntax of the TWS text protocol, pure.

A frame is a big-endian 32-bit length and that many bytes; every field in it ends in NUL and is
UTF-8. Only the first packet of a client carries the naked prefix `API\\0`. Booleans travel as 0
and 1, unset numbers as the largest value of their type.
"""

import re
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


def frame(message: Message) -> bytes:
    """The bytes of one message."""
    body = "".join(text(field) + "\0" for field in message).encode()
    return struct.pack(">I", len(body)) + body


def split(body: bytes) -> tuple[str, ...]:
    """The fields of one message body, without the empty string after the last NUL."""
    fields = body.decode("utf-8", "replace").split("\0")
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
