"""A raw probe of the gateway's API: the handshake up to accounts and next valid id.

TCP alone proves nothing: the image's socat accepts from the first second, and a wedged gateway
accepts and stays silent. Every probe that is not `Ready` closes its connection, because a gateway
that collects dead ones stops answering.
"""

import asyncio
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ibgateway_agent.errors import ApiClosedError

CLIENT_ID: Final = 901
"""At least 900 and never an executor's."""
_VERSIONS: Final = b"v157..178"
_MAX_FRAME: Final = 16 * 1024 * 1024


class ProbeResult(StrEnum):
    """How far a probe came."""

    PORT_CLOSED = "PortClosed"
    ACCEPTED_THEN_CLOSED = "AcceptedThenClosed"
    ACCEPTED_BUT_SILENT = "AcceptedButSilent"
    NO_ACCOUNTS = "HandshakeButNoAccounts"
    NO_NEXT_ID = "HandshakeButNoNextId"
    CLIENT_ID_IN_USE = "ClientIdInUse"
    READY = "Ready"


class ApiConnection:
    """A framed connection: NUL-terminated fields behind a length of four bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send_greeting(self) -> None:
        """The only packet with a naked prefix in front of its frame."""
        self._writer.write(b"API\0" + struct.pack(">I", len(_VERSIONS)) + _VERSIONS)

    def send(self, *fields: str) -> None:
        """One message."""
        body = "".join(f"{field}\0" for field in fields).encode()
        self._writer.write(struct.pack(">I", len(body)) + body)

    async def receive(self) -> list[str]:
        """The fields of the next message; raises `ApiClosedError`."""
        try:
            (length,) = struct.unpack(">I", await self._reader.readexactly(4))
            if length > _MAX_FRAME:
                raise ApiClosedError(f"a message of {length} bytes is none of the API's")
            body = await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise ApiClosedError("the gateway closed its API connection") from error
        return body.decode("utf-8", "replace").split("\0")[:-1] or [""]

    def close(self) -> None:
        """Close without waiting for the peer."""
        self._writer.close()


@dataclass(frozen=True)
class Probed:
    """A probe's result; `connection` is open and given only when `Ready`.

    `heard` are the error messages that came meanwhile, as (request, code): a new connection is told
    of a lost link once, if at all.
    """

    result: ProbeResult
    accounts: tuple[str, ...] = ()
    connection: ApiConnection | None = None
    heard: tuple[tuple[str, str], ...] = ()


async def probe(port: int, *, client_id: int = CLIENT_ID, seconds: float = 5.0) -> Probed:
    """Probe the API on loopback; `seconds` limits the whole of it."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return Probed(ProbeResult.PORT_CLOSED)
    connection = ApiConnection(reader, writer)
    handshake = _Handshake(connection, client_id)
    try:
        async with asyncio.timeout(seconds):
            probed = await handshake.run()
    except ApiClosedError:
        probed = Probed(handshake.closed())
    except TimeoutError:
        probed = Probed(handshake.silent())
    except BaseException:
        connection.close()
        raise
    if probed.connection is None:
        connection.close()
    return probed


class _Handshake:
    """One handshake, and how far it came."""

    def __init__(self, connection: ApiConnection, client_id: int) -> None:
        self._connection = connection
        self._client_id = client_id
        self._greeted = False
        self._in_use = False
        self._accounts: tuple[str, ...] = ()
        self._heard: tuple[tuple[str, str], ...] = ()

    async def run(self) -> Probed:
        self._connection.send_greeting()
        await self._connection.receive()
        self._greeted = True
        self._connection.send("71", "2", str(self._client_id), "")
        next_id = False
        while not (self._accounts and next_id):
            fields = await self._connection.receive()
            next_id = next_id or fields[0] == "9"
            self._take(fields)
        return Probed(ProbeResult.READY, self._accounts, self._connection, self._heard)

    def _take(self, fields: list[str]) -> None:
        if fields[0] == "15" and len(fields) > 2:
            self._accounts = tuple(account for account in fields[2].split(",") if account)
        if fields[0] == "4" and len(fields) > 3:
            self._heard = (*self._heard, (fields[2], fields[3]))
            self._in_use = self._in_use or fields[3] == "326"

    def closed(self) -> ProbeResult:
        if self._in_use:
            return ProbeResult.CLIENT_ID_IN_USE
        return self.silent() if self._greeted else ProbeResult.ACCEPTED_THEN_CLOSED

    def silent(self) -> ProbeResult:
        if not self._greeted:
            return ProbeResult.ACCEPTED_BUT_SILENT
        return ProbeResult.NO_NEXT_ID if self._accounts else ProbeResult.NO_ACCOUNTS
