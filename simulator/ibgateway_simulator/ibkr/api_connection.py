"""The connection of one API client: frames in and out, each of them recorded, in the protocol that the client asked for.

It stands below everything that answers a client, so that answers need not know the client.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.users import LoginSession
from ibgateway_simulator.tws import stream, wire
from ibgateway_simulator.tws.dialects import dialect
from ibgateway_simulator.tws.messages import ServerMessages, WireMessage
from ibgateway_simulator.tws.requests import ClientRequest

AnswerTable = Mapping[str, Callable[[ClientRequest], None]]
"""What answers which kind of request."""


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
        self._dialect = dialect(wire.TEXT_VERSION)

    @property
    def say(self) -> ServerMessages:
        """Makes the messages for `send`."""
        return self._dialect.messages

    async def handshake(self) -> None:
        """Agree on the version; the handshake itself is text for everybody."""
        version = await stream.read_handshake(self._reader)
        self.identity = replace(self.identity, version=version)
        self._ibkr.record(self.identity, "in", (f"v{version}",))
        await asyncio.sleep(self._ibkr.book.faults.handshake_seconds)
        fields = (str(version), f"{self._ibkr.now():%Y%m%d %H:%M:%S UTC}")
        self.send(WireMessage(wire.body(fields), fields))
        self._dialect = dialect(version)

    def start(self, client_id: int) -> None:
        """The client has said its id."""
        self.identity = replace(self.identity, client_id=client_id)
        self.started = self._ibkr.now()

    async def receive(self) -> ClientRequest:
        """The next message."""
        request = self._dialect.read(await stream.read_body(self._reader))
        self._ibkr.record(self.identity, "in", request.fields, request.content)
        return request

    def send(self, *sent: WireMessage) -> None:
        """Write messages, unless the simulator plays dead."""
        for message in sent:
            if self._ibkr.book.faults.mute or self._writer.is_closing():
                return
            self._ibkr.record(self.identity, "out", message.fields, message.content)
            self._writer.write(wire.framed(message.body))

    def error(self, req_id: int, code: int, text: str) -> None:
        """Send an error or notice about a request; -1 for none."""
        self.send(self.say.error(req_id, code, text, self._ibkr.now()))

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
