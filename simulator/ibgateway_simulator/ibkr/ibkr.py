"""IBKR's side as one object: clock, order book, logins, connected gateways and API clients.

It ties the pure models to time and connections and is the only place where the two meet. The
offset of its clock moves everything IBKR decides by time, and what currentTime answers.
"""

import asyncio
import datetime as dt
import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from ibgateway_simulator.ibkr.events import Events
from ibgateway_simulator.ibkr.gateway_messages import GatewayMessage, IbkrNotice, notice
from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.logins import Logins
from ibgateway_simulator.model.notices import text_of
from ibgateway_simulator.model.trading.accounts import Account
from ibgateway_simulator.model.trading.audit import OrderAudit
from ibgateway_simulator.model.trading.order_book import OrderBook
from ibgateway_simulator.model.trading.orders import (
    ExecDetailsMessage,
    Execution,
    OrderMessage,
    OrderTicket,
)
from ibgateway_simulator.model.users import KickStyle, LoginRules, LoginSession, PushState, User

logger = logging.getLogger(__name__)
TICK_SECONDS = 0.02
REPEAT_LOST_SECONDS = 10.0
LOST = 1100
RESTORED = frozenset({1101, 1102})


class ApiClient(Protocol):
    """What IBKR's side needs of a connected API client."""

    @property
    def identity(self) -> ApiClientIdentity:
        """Who it is."""

    def deliver(self, messages: Iterable[OrderMessage]) -> None:
        """Send what concerns this client."""

    def notice(self, code: int, text: str) -> None:
        """Send an error without an order."""

    def link_restored(self) -> None:
        """Deal with what was sent while the link was lost."""

    def account_changed(self) -> None:
        """Send positions and account values to subscribers."""

    def abort(self) -> None:
        """Reset the connection."""


class GatewayLink(Protocol):
    """What IBKR's side needs of a connected gateway."""

    @property
    def gateway(self) -> str:
        """Its name."""

    def post(self, message: GatewayMessage) -> None:
        """Send the gateway a message."""


class SimulatedIbkr:
    """Everything IBKR knows; `users` are who may log in, `now` gives UTC before the offset."""

    def __init__(
        self,
        users: Iterable[User],
        *,
        rules: LoginRules,
        now: Callable[[], dt.datetime],
        new_id: Callable[[], str],
    ) -> None:
        self.offset = dt.timedelta()
        self.book = OrderBook()
        self.late: list[tuple[OrderTicket, int]] = []
        """Orders that are on their way for as long as a test likes, with the numbers of their arrivals."""
        self.logins = Logins(users, rules=rules, new_id=new_id)
        self.events = Events()
        self.frames: list[dict[str, Any]] = []
        self.clients: set[ApiClient] = set()
        self.gateways: set[GatewayLink] = set()
        self.kick_styles: dict[str, KickStyle] = {}
        self.freed = asyncio.Condition()
        self._now = now
        self._connections = itertools.count(1)
        self._answers: dict[int, asyncio.Future[PushState]] = {}
        self._lost_said: dict[str, dt.datetime] = {}
        self._left: dict[tuple[str, int], dt.datetime] = {}
        self.audit = OrderAudit()
        for user in self.logins.users.values():
            self._open_accounts(user)

    def now(self) -> dt.datetime:
        """IBKR's time, UTC."""
        return self._now() + self.offset

    def note(self, kind: str, **details: Any) -> None:
        """Append to what tests can read, and log it."""
        self.events.add(kind, self.now(), **details)
        logger.info("%s %s", kind, " ".join(f"{key}={value}" for key, value in details.items()))

    def connection_number(self) -> int:
        """A number for the next API connection."""
        return next(self._connections)

    def add_user(self, user: User) -> None:
        """Add or replace a user; a new account gets the default cash."""
        self.logins.users[user.name] = user
        self._open_accounts(user)

    def publish(self, messages: list[OrderMessage]) -> None:
        """Tell the clients concerned and the event list."""
        if not messages:
            return
        for client in self.clients:
            client.deliver(messages)
        fills = [
            message.execution for message in messages if isinstance(message, ExecDetailsMessage)
        ]
        for fill in fills:
            self._note_fill(fill)
        if fills:
            self.account_changed()

    def account_changed(self) -> None:
        """Positions, values or prices have changed: tell every client that subscribed."""
        for client in self.clients:
            client.account_changed()

    async def run(self) -> None:
        """Let time pass, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Do what has become due: settlement, prices, fills, missed pushes, repeated 1100."""
        now = self.now()
        changed = self.book.pass_time(now)
        self.publish(self.book.tick(now))
        if changed:
            self.account_changed()
        for push in self.logins.sweep(now):
            self.note("push_missed", push=push.id, user=push.user)
            self._resolve(push.id, PushState.MISSED)
        self._repeat_lost(now)

    async def push_answer(self, push_id: int) -> PushState:
        """How the user answers a push."""
        future: asyncio.Future[PushState] = asyncio.get_running_loop().create_future()
        self._answers[push_id] = future
        try:
            return await future
        finally:
            del self._answers[push_id]

    def answer_push(self, push_id: int, state: PushState) -> None:
        """The user answers on the phone."""
        push = self.logins.answer(push_id, state, self.now())
        self.note(f"push_{state}", push=push.id, user=push.user)
        self._resolve(push.id, state)

    def kick(self, name: str, style: KickStyle) -> None:
        """A person logs in with the user name: the gateway's session is taken."""
        self.logins.user(name)
        self.logins.persons.add(name)
        self.kick_styles[name] = style
        self.note("person_login", user=name)
        for session in self.logins.of_user(name):
            self.take_session(session, style)

    def take_session(self, session: LoginSession, style: KickStyle) -> None:
        """Take a gateway's session away; its clients see a lost link."""
        self.logins.change_session(replace(session, kicked=True))
        self.note("session_kicked", session=session.id, user=session.user, style=style)
        self.post(session.gateway, notice(IbkrNotice.KICKED, style=style))
        self._say_lost(session.id, self.now())

    async def free(self, name: str) -> None:
        """The person logs out."""
        self.logins.user(name)
        self.logins.persons.discard(name)
        self.note("person_logout", user=name)
        for session in self.logins.of_user(name):
            if session.kicked and self.kick_styles.get(name) is KickStyle.SILENT:
                self.give_back(session, 1102)
                self.post(session.gateway, notice(IbkrNotice.LINK, up=True))
        async with self.freed:
            self.freed.notify_all()

    def give_back(self, session: LoginSession, code: int) -> None:
        """A taken session is the gateway's again."""
        self.logins.change_session(replace(session, kicked=False))
        self.note("session_restored", session=session.id, user=session.user)
        self._say_restored(session.id, code)

    def set_link(self, session: LoginSession, *, up: bool, code: int) -> None:
        """Cut or mend the line between the gateway and IBKR."""
        self.logins.change_session(replace(session, link_up=up))
        self.note("link_up" if up else "link_lost", session=session.id, user=session.user)
        self.post(session.gateway, notice(IbkrNotice.LINK, up=up))
        if up:
            self._say_restored(session.id, code)
        else:
            self._say_lost(session.id, self.now())

    def reachable(self, session_id: str) -> bool:
        """Whether the session's gateway is connected to IBKR right now."""
        session = self.logins.sessions.get(session_id)
        return session is not None and session.connected

    def of_session(self, session_id: str) -> list[ApiClient]:
        """The API clients of a session."""
        return [client for client in self.clients if client.identity.session_id == session_id]

    def left(self, client: ApiClientIdentity) -> None:
        """An API client's connection has ended."""
        self._left[client.session_id, client.client_id] = self.now()

    def in_use(self, session_id: str, client_id: int) -> bool:
        """Whether a session has another client with this id, or counts one that has gone as there."""
        if any(c.identity.client_id == client_id for c in self.of_session(session_id)):
            return True
        gone, lingers = self._left.get((session_id, client_id)), self.book.faults
        held = dt.timedelta(seconds=lingers.client_id_lingers_seconds)
        return gone is not None and self.now() - gone < held

    def post(self, gateway: str, message: GatewayMessage) -> None:
        """Send a message to the gateway with this name."""
        for link in self.gateways:
            if link.gateway == gateway:
                link.post(message)

    def record(
        self,
        client: ApiClientIdentity,
        direction: str,
        fields: Iterable[str],
        content: dict[str, Any] | None = None,
    ) -> None:
        """Append a frame to what tests can read; `content` has the values of a protobuf message by name."""
        frame = {
            "seq": len(self.frames) + 1,
            "at": self.now().isoformat(),
            "connection": client.number,
            "client_id": client.client_id,
            "direction": direction,
            "fields": list(fields),
        }
        self.frames.append(frame if content is None else {**frame, "content": content})

    def _open_accounts(self, user: User) -> None:
        for account in user.accounts:
            self.book.accounts.setdefault(account, Account(account))

    def _note_fill(self, fill: Execution) -> None:
        self.note(
            "execution", exec_id=fill.exec_id, order_ref=fill.ticket.order_ref,
            symbol=fill.ticket.symbol, action=fill.ticket.action, quantity=str(fill.quantity),
        )  # fmt: skip

    def _resolve(self, push_id: int, state: PushState) -> None:
        future = self._answers.get(push_id)
        if future is not None and not future.done():
            future.set_result(state)

    def _say_lost(self, session_id: str, now: dt.datetime) -> None:
        self._lost_said[session_id] = now
        for client in self.of_session(session_id):
            client.notice(LOST, text_of(LOST))

    def _say_restored(self, session_id: str, code: int) -> None:
        self._lost_said.pop(session_id, None)
        for client in self.of_session(session_id):
            client.notice(code, text_of(code))
            client.link_restored()

    def _repeat_lost(self, now: dt.datetime) -> None:
        for session_id, said in list(self._lost_said.items()):
            if session_id not in self.logins.sessions:
                del self._lost_said[session_id]
            elif self.book.faults.lost_said_once:
                continue
            elif (now - said).total_seconds() >= REPEAT_LOST_SECONDS:
                self._say_lost(session_id, now)
