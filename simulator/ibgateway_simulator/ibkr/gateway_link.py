"""How a gateway talks to IBKR: one WebSocket a gateway, JSON messages both ways.

A new login request replaces the one before. When the socket closes the session ends at IBKR.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

from aiohttp import WSMessage, WSMsgType, web

from ibgateway_simulator.ibkr.gateway_messages import (
    GatewayMessage,
    GatewayRequest,
    IbkrNotice,
    notice,
)
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.users import (
    ExistingCheck,
    ExpiryFile,
    KickStyle,
    LoginAttempt,
    LoginKind,
    LoginRefusal,
    LoginResult,
    LoginSession,
    PushState,
    ReloginAnswer,
)

PUSH_NOTICES = {
    PushState.APPROVED: IbkrNotice.PUSH_APPROVED,
    PushState.DENIED: IbkrNotice.PUSH_DENIED,
    PushState.MISSED: IbkrNotice.PUSH_MISSED,
}
PUSH_RESULTS = {
    PushState.DENIED: LoginResult.PUSH_DENIED,
    PushState.MISSED: LoginResult.PUSH_MISSED,
}


class GatewayLine(Protocol):
    """The WebSocket of a gateway."""

    async def send_json(self, data: GatewayMessage) -> None:
        """Send a message."""

    def __aiter__(self) -> AsyncIterator[WSMessage]:
        """What the gateway sends, until it goes."""
        ...


class GatewayChannel:
    """One connected gateway, named by itself."""

    def __init__(self, ibkr: SimulatedIbkr, socket: GatewayLine, gateway: str) -> None:
        self.gateway = gateway
        self._ibkr = ibkr
        self._socket = socket
        self._outbox: asyncio.Queue[GatewayMessage] = asyncio.Queue()
        self._answers: asyncio.Queue[bool] = asyncio.Queue()
        self._device = asyncio.Event()
        self._login: asyncio.Task[None] | None = None
        self._session: str = ""

    def post(self, message: GatewayMessage) -> None:
        """Queue a message for the gateway."""
        self._outbox.put_nowait(message)

    async def serve(self) -> None:
        """Handle the gateway's messages until it goes."""
        sender = asyncio.create_task(self._send())
        try:
            async for message in self._socket:
                if message.type == WSMsgType.TEXT:
                    await self._handle(json.loads(message.data))
        finally:
            sender.cancel()
            await self._cancel_login()
            self._end_session()

    async def _send(self) -> None:
        while True:
            await self._socket.send_json(await self._outbox.get())

    async def _handle(self, message: GatewayMessage) -> None:
        match message.get("type"):
            case GatewayRequest.LOGIN:
                await self._cancel_login()
                self._login = asyncio.create_task(self._attempt(message))
            case GatewayRequest.EXISTING_ANSWER:
                self._answers.put_nowait(bool(message["go_on"]))
            case GatewayRequest.DEVICE:
                self._device.set()
            case GatewayRequest.API_SETTINGS:
                self._set_api(read_only=bool(message["read_only"]))
            case GatewayRequest.LOGOUT:
                await self._cancel_login()
                self._end_session()

    def _set_api(self, *, read_only: bool) -> None:
        """A person has changed it in the gateway's window: from now on, for the clients that are connected too."""
        session = self._ibkr.logins.sessions.get(self._session)
        if session is not None:
            self._ibkr.logins.change_session(replace(session, read_only=read_only))
            self._ibkr.note("api_settings", session=session.id, read_only=read_only)

    async def _cancel_login(self) -> None:
        if self._login is not None:
            self._login.cancel()
            await asyncio.gather(self._login, return_exceptions=True)
            self._login = None

    def _end_session(self) -> None:
        if self._session in self._ibkr.logins.sessions:
            self._ibkr.logins.close_session(self._session)
            self._ibkr.note("logged_out", session=self._session, gateway=self.gateway)
        for client in self._ibkr.of_session(self._session):
            client.abort()
        self._session = ""

    async def _attempt(self, request: GatewayMessage) -> None:
        logins, now = self._ibkr.logins, self._ibkr.now()
        kind = LoginKind(request["kind"])
        attempt = logins.begin(
            LoginAttempt(0, request["user"], kind, request["mode"], self.gateway, now)
        )
        self._ibkr.note("login_attempt", attempt=attempt.id, user=attempt.user, login_kind=kind)
        result = LoginResult.ABANDONED
        try:
            result = await self._steps(attempt, request)
        finally:
            logins.finish(attempt.id, result)
            self._ibkr.note("login_result", attempt=attempt.id, user=attempt.user, result=result)

    async def _steps(self, attempt: LoginAttempt, request: GatewayMessage) -> LoginResult:
        rules = self._ibkr.logins.rules
        await asyncio.sleep(rules.login_seconds)
        refusal = self._refusal(attempt, request)
        if refusal is not None:
            self._refuse(attempt, refusal)
            return LoginResult(refusal)
        before = rules.existing_check is ExistingCheck.BEFORE_PUSH
        take_over = bool(request.get("take_over"))
        if before and not await self._alone(attempt, take_over=take_over):
            return LoginResult.YIELDED
        if self._asks_for_push(attempt):
            state = await self._pushed(attempt)
            if state is not PushState.APPROVED:
                return PUSH_RESULTS[state]
        if not before and not await self._alone(attempt, take_over=take_over):
            return LoginResult.YIELDED
        await asyncio.sleep(rules.login_seconds)
        self._log_in(attempt, request)
        return LoginResult.LOGGED_IN

    def _refusal(self, attempt: LoginAttempt, request: GatewayMessage) -> LoginRefusal | None:
        logins, now = self._ibkr.logins, self._ibkr.now()
        if attempt.kind is LoginKind.RELOGIN:
            if logins.rules.relogin is ReloginAnswer.UNRECOGNIZED:
                return LoginRefusal.WRONG_PASSWORD
            known = request.get("session") in logins.sessions
            return None if known else LoginRefusal.TOKEN_EXPIRED
        if logins.meets_error():
            return LoginRefusal.LOGIN_ERROR
        if attempt.kind is LoginKind.TOKEN:
            return logins.check_token(attempt.user, request.get("token", ""), now)
        password = request.get("password", "")
        return logins.check_password(attempt.user, password, attempt.mode, now)

    def _refuse(self, attempt: LoginAttempt, refusal: LoginRefusal) -> None:
        logins = self._ibkr.logins
        if refusal is LoginRefusal.LOCKED:
            seconds = logins.locked_for(attempt.user, self._ibkr.now())
            self.post(notice(IbkrNotice.LOCKED, seconds=seconds))
        elif refusal is LoginRefusal.TOKEN_EXPIRED:
            dialog, stays = logins.rules.expiry_dialog, logins.rules.dead_token_file
            self.post(
                notice(
                    IbkrNotice.TOKEN_EXPIRED, dialog=dialog, file_stays=stays is ExpiryFile.STAYS
                )
            )
        elif refusal is LoginRefusal.LOGIN_ERROR:
            self.post(notice(IbkrNotice.LOGIN_ERROR))
        else:
            self.post(notice(IbkrNotice.REJECTED, dialog=logins.rules.rejection))

    def _asks_for_push(self, attempt: LoginAttempt) -> bool:
        if attempt.kind is LoginKind.FULL:
            return self._ibkr.logins.user(attempt.user).two_factor
        demand = self._ibkr.logins.rules.relogin
        demands = demand in (ReloginAnswer.PUSH, ReloginAnswer.NO_PUSH)
        return attempt.kind is LoginKind.RELOGIN and demands

    async def _pushed(self, attempt: LoginAttempt) -> PushState:
        logins = self._ibkr.logins
        if attempt.kind is LoginKind.RELOGIN and logins.rules.relogin is ReloginAnswer.NO_PUSH:
            self._ibkr.note("push_withheld", attempt=attempt.id, user=attempt.user)
            await asyncio.Event().wait()
        await self._device_chosen(logins.user(attempt.user).devices)
        push = logins.send_push(attempt.id, self._ibkr.now())
        self._ibkr.note("push_sent", push=push.id, user=push.user, stacked=push.stacked)
        seconds = logins.rules.approval_seconds
        self.post(notice(IbkrNotice.PUSH_SENT, push=push.id, seconds=seconds))
        try:
            state = await self._ibkr.push_answer(push.id)
        except asyncio.CancelledError:
            logins.orphan(push.id)
            raise
        self.post(notice(PUSH_NOTICES[state]))
        if state is PushState.APPROVED and logins.rules.stalls:
            await asyncio.Event().wait()
        return state

    async def _device_chosen(self, devices: tuple[str, ...]) -> None:
        """Nobody is pushed before it is known on which of several devices."""
        if devices:
            self._device.clear()
            self.post(notice(IbkrNotice.DEVICES, devices=devices))
            await self._device.wait()

    async def _alone(self, attempt: LoginAttempt, *, take_over: bool) -> bool:
        """Make sure that nobody else holds the user name; False when this gateway yields."""
        style = self._ibkr.kick_styles.get(attempt.user)
        if attempt.kind is LoginKind.RELOGIN and style is KickStyle.WAITS:
            async with self._ibkr.freed:
                await self._ibkr.freed.wait_for(
                    lambda: attempt.user not in self._ibkr.logins.persons
                )
        other = self._ibkr.logins.existing(attempt.user, self.gateway)
        if other is None:
            return True
        returns = attempt.kind is LoginKind.RELOGIN and style is KickStyle.RELOGIN
        if not take_over and not returns:
            while not self._answers.empty():
                self._answers.get_nowait()
            self.post(notice(IbkrNotice.EXISTING, other=other))
            if not await self._answers.get():
                self.post(notice(IbkrNotice.YIELDED))
                return False
        self._take_over(attempt.user)
        return True

    def _take_over(self, user: str) -> None:
        logins = self._ibkr.logins
        if user in logins.persons:
            logins.persons.discard(user)
            self._ibkr.note("person_kicked", user=user, by=self.gateway)
        for session in logins.of_user(user):
            if session.gateway != self.gateway and not session.kicked:
                self._ibkr.take_session(session, KickStyle.CONTEST)

    def _log_in(self, attempt: LoginAttempt, request: GatewayMessage) -> None:
        logins = self._ibkr.logins
        known = logins.sessions.get(request.get("session", ""))
        if attempt.kind is LoginKind.RELOGIN and known is not None:
            session = known
            self._ibkr.give_back(session, 1102)
        else:
            session = self._new_session(attempt, read_only=bool(request.get("read_only")))
        self._session = session.id
        self.post(
            notice(
                IbkrNotice.LOGGED_IN,
                session=session.id,
                account=session.account,
                token=logins.token(attempt.user),
            )
        )

    def _new_session(self, attempt: LoginAttempt, *, read_only: bool) -> LoginSession:
        self._end_session()
        logins = self._ibkr.logins
        user = logins.user(attempt.user)
        session = LoginSession(
            id="",
            user=user.name,
            account=user.account,
            mode=attempt.mode,
            gateway=self.gateway,
            read_only=read_only,
            since=self._ibkr.now(),
            further_accounts=user.further_accounts,
        )
        return logins.open_session(session, full=attempt.kind is LoginKind.FULL)


async def gateway_socket(ibkr: SimulatedIbkr, request: web.Request) -> web.WebSocketResponse:
    """The WebSocket route; `gateway` in the query names the gateway."""
    socket = web.WebSocketResponse(heartbeat=15)
    await socket.prepare(request)
    link = GatewayChannel(ibkr, socket, request.query.get("gateway", "gateway"))
    ibkr.gateways.add(link)
    ibkr.note("gateway_connected", gateway=link.gateway)
    try:
        await link.serve()
    finally:
        ibkr.gateways.discard(link)
        ibkr.note("gateway_gone", gateway=link.gateway)
    return socket
