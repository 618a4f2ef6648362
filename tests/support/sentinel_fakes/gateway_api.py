"""The gateway's side of the API, as far as the sentinel speaks to it."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ApiBehaviour:
    """How far a handshake comes, what it says meanwhile, and what is answered afterwards.

    `answers`: the Gateway itself does; `serves`: IBKR's servers do. `ahead`: seconds of its clock.
    """

    closes: bool = False
    greets: bool = True
    accounts: str = "DU1234567,"
    gives_next_id: bool = True
    id_in_use: bool = False
    answers: bool = True
    serves: bool = True
    says: tuple[str, ...] = ()
    ahead: float = 0.0


def frame(*fields: str) -> bytes:
    """One message of the API."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


class FakeGatewayApi:
    """A small server that speaks the API's frames; its behaviour may change under way."""

    def __init__(self) -> None:
        self.behaviour = ApiBehaviour()
        self.port = 0
        self.asked: list[list[str]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.contract_asked = asyncio.Event()
        self.contracts_asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        if self.behaviour.closes:
            writer.close()
            return
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            assert await reader.readexactly(4) == b"API\0"
            while True:
                (length,) = struct.unpack(">I", await reader.readexactly(4))
                body = (await reader.readexactly(length)).decode()
                self._answer(body.split("\0")[:-1] or [body], writer)

    def sends(self, *fields: str) -> None:
        """A message on the newest connection."""
        self.writers[-1].write(frame(*fields))

    def says(self, code: str) -> None:
        """An error message of that code, to nobody's request."""
        self.sends("4", "2", "-1", code, "a message", "")

    def _answer(self, fields: list[str], writer: asyncio.StreamWriter) -> None:
        self.asked.append(fields)
        if fields[0].startswith("v") and self.behaviour.greets:
            writer.write(frame("178", "20261125 10:00:00 EST"))
        elif fields[0] == "71":
            self._start(fields, writer)
        elif fields[0] == "49" and self.behaviour.answers:
            writer.write(frame("49", "1", str(int(time.time() + self.behaviour.ahead))))
        elif fields[0] == "9":
            self.contracts_asked.append(fields[2])
            self.contract_asked.set()
            if self.behaviour.serves and self.behaviour.answers:
                writer.write(frame("10", fields[2], "SPY"))

    def _start(self, fields: list[str], writer: asyncio.StreamWriter) -> None:
        if self.behaviour.id_in_use and fields[2] == "901":
            writer.write(frame("4", "2", "-1", "326", "client id is already in use", ""))
            writer.close()
            return
        if self.behaviour.accounts:
            writer.write(frame("15", "1", self.behaviour.accounts))
        for code in self.behaviour.says:
            writer.write(frame("4", "2", "-1", code, "a message", ""))
        if self.behaviour.gives_next_id:
            writer.write(frame("9", "1", "1"))


@contextlib.asynccontextmanager
async def gateway_api() -> AsyncIterator[FakeGatewayApi]:
    """One that listens on loopback."""
    fake = FakeGatewayApi()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for writer in fake.writers:
            writer.close()
        await asyncio.sleep(0)
