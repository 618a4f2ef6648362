"""One API connection: handshake, start-up, requests, and what IBKR tells this client.

A gateway pipes each accepted connection here after one line of JSON, {"session": id}. The server
speaks min(client, 178). While the session's link is down only what a gateway knows by itself is
answered. Every frame in both directions is recorded with the connection's number.
"""

import asyncio
import contextlib
import itertools
import json
import logging
from collections import deque
from collections.abc import Iterable

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.ibkr.answers import ApiAnswers
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.orders import (
    Changed,
    Charged,
    Effect,
    Executed,
    Quoted,
    StatusOnly,
    Told,
    ticket_of,
)
from ibgateway_simulator.model.users import LoginSession
from ibgateway_simulator.tws import messages, order_fields, wire

logger = logging.getLogger(__name__)
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
TOO_FAST = "Max rate of messages per second has been exceeded:max={} rec={} (1)"
BREACHES = 3
_numbers = itertools.count(1)


class ApiClientSession:
    """An API client; `client_id` is -1 until startApi."""

    def __init__(
        self, ibkr: SimulatedIbkr, writer: asyncio.StreamWriter, session: LoginSession
    ) -> None:
        self.ibkr = ibkr
        self.session_id = session.id
        self.account = session.account
        self.version = 0
        self.client_id = -1
        self.number = next(_numbers)
        self._writer = writer
        self._answers = ApiAnswers(self)
        self._recent: deque[float] = deque()
        self._breaches = 0

    def send(self, *fields: wire.Field) -> None:
        """Write one message, unless the simulator plays dead."""
        if self.ibkr.broker.faults.mute or self._writer.is_closing():
            return
        self._record("out", tuple(wire.text(field) for field in fields))
        self._writer.write(wire.frame(fields))

    def error(self, req_id: int, code: int, text: str) -> None:
        """Send an error or notice about a request; -1 for none."""
        self.send(*messages.error(req_id, code, text, self.version))

    def notice(self, code: int, text: str) -> None:
        """Send a system message."""
        if self.client_id >= 0:
            self.error(-1, code, text)

    def abort(self) -> None:
        """Reset the connection: nothing buffered is sent."""
        wire.reset(self._writer)

    def reachable(self) -> bool:
        """Whether IBKR can be asked."""
        up = self.ibkr.reachable(self.session_id)
        return up and not self.ibkr.broker.faults.broker_link_down

    def tell(self, effects: Iterable[Effect]) -> None:
        """Send the effects on this client's own orders."""
        for effect in effects:
            ticket = ticket_of(effect)
            mine = (ticket.account, ticket.client_id) == (self.account, self.client_id)
            if mine and self.reachable():
                self._tell(effect)

    def link_restored(self) -> None:
        """Place or forget what was sent while the link was lost."""
        self._answers.link_restored()

    def account_changed(self) -> None:
        """Send positions and account values to subscribers."""
        if self.reachable():
            self._answers.account_changed()

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Speak with the client until it goes or is thrown out."""
        self.version = await wire.read_handshake(reader)
        now = self.ibkr.now().strftime("%Y%m%d %H:%M:%S UTC")
        self._record("in", (f"v{self.version}",))
        self.send(str(self.version), now)
        while True:
            fields = wire.split(await wire.read_body(reader))
            self._record("in", fields)
            if not self._within_rate():
                return
            if fields[:1] == ("71",):
                if not self._start(wire.integer(fields[2]) if len(fields) > 2 else 0):
                    return
            elif self.client_id >= 0:
                self._answers.answer(fields)
            await self._writer.drain()

    def _start(self, client_id: int) -> bool:
        others = self.ibkr.of_session(self.session_id)
        if any(
            isinstance(other, ApiClientSession) and other.client_id == client_id for other in others
        ):
            self.error(-1, 326, IN_USE)
            return False
        self.client_id = client_id
        self.ibkr.note("api_client", client_id=client_id, connection=self.number)
        faults = self.ibkr.broker.faults
        listed = faults.managed_accounts
        self.send(*messages.managed_accounts(self.account if listed is None else listed))
        if not faults.no_next_valid_id:
            self.send_next_id()
        if faults.broker_link_down:
            self.notice(2110, "Connectivity between Trader Workstation and server is broken.")
        for code, text in FARMS:
            self.notice(code, text)
        return True

    def send_next_id(self) -> None:
        """Send nextValidId."""
        order_id = self.ibkr.broker.next_valid_id(self.account, self.client_id)
        self.send(*messages.next_valid_id(order_id))

    def _within_rate(self) -> bool:
        limit = self.ibkr.broker.faults.max_rate
        now = asyncio.get_running_loop().time()
        self._recent.append(now)
        while self._recent and self._recent[0] < now - 1:
            self._recent.popleft()
        if len(self._recent) <= limit:
            return True
        self._breaches += 1
        self.error(-1, 100, TOO_FAST.format(limit, len(self._recent)))
        self._recent.clear()
        return self._breaches < BREACHES

    def _tell(self, effect: Effect) -> None:
        match effect:
            case Changed(order):
                self.send(*order_fields.open_order(order, self.version))
                self.send(*messages.order_status(order))
            case StatusOnly(order):
                self.send(*messages.order_status(order))
            case Executed(execution):
                self.send(*messages.exec_details(execution, -1, self.version))
            case Charged(execution):
                self.send(*messages.commission_report(execution))
            case Told(ticket, code, text):
                self.error(ticket.order_id, code, text)
            case Quoted(order):
                self.send(*order_fields.open_order(order, self.version, effect))

    def _record(self, direction: str, fields: tuple[str, ...]) -> None:
        at = self.ibkr.now().isoformat()
        self.ibkr.record(
            lambda seq: {
                "seq": seq,
                "at": at,
                "connection": self.number,
                "client_id": self.client_id,
                "direction": direction,
                "fields": list(fields),
            }
        )


async def accept(
    ibkr: SimulatedIbkr, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one piped connection; protocol errors end it."""
    try:
        session_id = json.loads(await reader.readline())["session"]
        session = ibkr.logins.sessions.get(session_id)
        if session is None:
            return
        client = ApiClientSession(ibkr, writer, session)
        ibkr.clients.add(client)
        try:
            await client.serve(reader)
        finally:
            ibkr.clients.discard(client)
            ibkr.note("api_client_gone", client_id=client.client_id, connection=client.number)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    except (WireError, ValueError, KeyError, IndexError) as error:
        logger.warning("connection closed: %r", error)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
