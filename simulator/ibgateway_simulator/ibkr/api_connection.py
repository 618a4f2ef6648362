"""The connection of one API client: frames in and out, each of them recorded.

It stands below everything that answers a client, so that answers need not know the client.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.users import LoginSession
from ibgateway_simulator.tws import messages, stream, wire

AnswerTable = Mapping[str, Callable[[Sequence[str]], None]]
"""What answers which request; a request's key is its first field."""


class ApiClientConnection:
    """Reads and writes messages; `identity` grows with the handshake and with startApi.

    `started` is when startApi came, or the connection before that.
    """

    def __init__(
        self,
        ibkr: SimulatedIbkr,
        *,
        session: LoginSession,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.identity = ApiClientIdentity(
            *(ibkr.connection_number(), session.id, session.account),
            further_accounts=session.further_accounts,
        )
        self.started = ibkr.now()
        self._ibkr = ibkr
        self._reader = reader
        self._writer = writer

    async def handshake(self) -> None:
        """Agree on the version: min(client, 178)."""
        version = await stream.read_handshake(self._reader)
        self.identity = replace(self.identity, version=version)
        self._ibkr.record(self.identity, "in", (f"v{version}",))
        await asyncio.sleep(self._ibkr.book.faults.handshake_seconds)
        self.send((str(version), f"{self._ibkr.now():%Y%m%d %H:%M:%S UTC}"))

    def start(self, client_id: int) -> None:
        """The client has said its id."""
        self.identity = replace(self.identity, client_id=client_id)
        self.started = self._ibkr.now()

    async def receive(self) -> tuple[str, ...]:
        """The fields of the next message."""
        fields = wire.split(await stream.read_body(self._reader))
        self._ibkr.record(self.identity, "in", fields)
        return fields

    def send(self, *sent: wire.Message) -> None:
        """Write messages, unless the simulator plays dead."""
        for message in sent:
            if self._ibkr.book.faults.mute or self._writer.is_closing():
                return
            self._ibkr.record(self.identity, "out", (wire.text(field) for field in message))
            self._writer.write(wire.frame(message))

    def error(self, req_id: int, code: int, text: str) -> None:
        """Send an error or notice about a request; -1 for none."""
        self.send(messages.error(req_id, code, text, self.identity.version))

    async def drain(self) -> None:
        """Wait until the client has taken what was written."""
        await self._writer.drain()

    def abort(self) -> None:
        """Reset the connection: nothing buffered is sent."""
        stream.reset(self._writer)

    def reachable(self) -> bool:
        """Whether IBKR can be asked."""
        up = self._ibkr.reachable(self.identity.session_id)
        return up and not self._ibkr.book.faults.broker_link_down
