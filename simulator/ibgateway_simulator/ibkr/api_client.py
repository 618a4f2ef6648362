"""One API client: handshake, start-up, requests, and what IBKR tells this client.

A gateway pipes each accepted connection here after one line of JSON, {"session": id}. While the
session's link is down only what a gateway knows by itself is answered.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.ibkr.answers import ApiAnswers
from ibgateway_simulator.ibkr.api_connection import ApiClientConnection
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.message_rate import MessageRate
from ibgateway_simulator.model.notices import FARMS, LINK_DOWN, text_of
from ibgateway_simulator.model.trading.orders import (
    OpenOrderMessage,
    OrderMessage,
    OrderStatusMessage,
    before_its_end,
)
from ibgateway_simulator.tws.messages import of_order
from ibgateway_simulator.tws.requests import ApiRequest

logger = logging.getLogger(__name__)
IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
TOO_FAST = "Max rate of messages per second has been exceeded:max={} rec={} (1)"


class ApiClientSession:
    """An API client from its handshake to its end; `monotonic` gives seconds."""

    def __init__(
        self,
        ibkr: SimulatedIbkr,
        connection: ApiClientConnection,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._ibkr = ibkr
        self._connection = connection
        self._answers = ApiAnswers(ibkr, connection)
        self._rate = MessageRate()
        self._monotonic = monotonic

    @property
    def identity(self) -> ApiClientIdentity:
        """Who it is."""
        return self._connection.identity

    def deliver(self, messages_of_orders: Iterable[OrderMessage]) -> None:
        """Send what is about this client's own orders, as late as it is asked for."""
        faults, told = self._ibkr.book.faults, list(messages_of_orders)
        if faults.unacknowledged:
            return
        if faults.ack_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(faults.ack_seconds, self._deliver_now, told)
        else:
            self._deliver_now(told)

    def _deliver_now(self, messages_of_orders: Iterable[OrderMessage]) -> None:
        for message in self._as_asked(messages_of_orders):
            login, client_id, _ = message.ticket.key
            mine = (login, client_id) == (self.identity.account, self.identity.client_id)
            if mine and self._connection.reachable():
                say, now = self._connection.say, self._ibkr.now()
                self._connection.send(*of_order(message, say, now))

    def _as_asked(self, told: Iterable[OrderMessage]) -> Sequence[OrderMessage]:
        faults, asked = self._ibkr.book.faults, list(told)
        if faults.repeat_reports:
            orders = [m.order for m in asked if isinstance(m, OpenOrderMessage)]
            stale: list[OrderMessage] = [
                OrderStatusMessage(before_its_end(order)) for order in orders[:1]
            ]
            asked = [message for message in asked for _ in range(2)] + stale
        return asked[::-1] if faults.reverse_reports else asked

    def notice(self, code: int, text: str) -> None:
        """Send a system message, once the client has started."""
        if self.identity.started:
            self._connection.error(-1, code, text)

    def link_restored(self) -> None:
        """Place or forget what was sent while the link was lost."""
        self._answers.link_restored()

    def account_changed(self) -> None:
        """Send positions and account values to subscribers."""
        if self._connection.reachable():
            self._answers.account_changed()

    def abort(self) -> None:
        """Reset the connection."""
        self._connection.abort()

    async def serve(self) -> None:
        """Speak with the client until it goes or is thrown out."""
        await self._connection.handshake()
        while True:
            request = await self._connection.receive()
            if not self._within_rate():
                return
            if request.kind == ApiRequest.START_API:
                if not self._start(request.client_id):
                    return
            elif self.identity.started:
                self._answers.answer(request)
            await self._connection.drain()

    def _start(self, client_id: int) -> bool:
        if self._ibkr.in_use(self.identity.session_id, client_id):
            self._connection.error(-1, 326, IN_USE)
            return False
        self._connection.start(client_id)
        self._ibkr.note("api_client", client_id=client_id, connection=self.identity.number)
        faults = self._ibkr.book.faults
        self._connection.send(self._connection.say.managed_accounts(self._answers.accounts()))
        if not faults.no_next_valid_id:
            self._answers.send_next_id()
        if faults.broker_link_down:
            self.notice(LINK_DOWN, text_of(LINK_DOWN))
        for code in FARMS:
            self.notice(code, text_of(code))
        return True

    def _within_rate(self) -> bool:
        limit = self._ibkr.book.faults.max_rate
        received = self._rate.breach(self._monotonic(), limit)
        if received:
            self._connection.error(-1, 100, TOO_FAST.format(limit, received))
        return not self._rate.exhausted


async def accept(
    ibkr: SimulatedIbkr,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    monotonic: Callable[[], float],
) -> None:
    """Serve one piped connection; protocol errors end it."""
    try:
        session_id = json.loads(await reader.readline())["session"]
        session = ibkr.logins.sessions.get(session_id)
        if session is None or ibkr.book.faults.close_at_once:
            return
        connection = ApiClientConnection(ibkr, session=session, reader=reader, writer=writer)
        await _served(ibkr, ApiClientSession(ibkr, connection, monotonic=monotonic))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    except (WireError, ValueError, KeyError, IndexError) as error:
        logger.warning("connection closed: %r", error)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _served(ibkr: SimulatedIbkr, client: ApiClientSession) -> None:
    ibkr.clients.add(client)
    try:
        await client.serve()
    finally:
        ibkr.clients.discard(client)
        if client.identity.started:
            ibkr.left(client.identity)
        number, client_id = client.identity.number, client.identity.client_id
        ibkr.note("api_client_gone", client_id=client_id, connection=number)
