"""How a gateway talks to IBKR: one WebSocket a gateway, JSON messages both ways.

gateway -> IBKR   login {user, password|token|session, kind, mode, read_only, take_over}
                  existing_answer {go_on}    logout {}
IBKR -> gateway   rejected {dialog}  locked {seconds}  push_sent {push, seconds}
                  push_approved|push_denied|push_missed {}  existing {other}  yielded {}
                  token_expired {dialog}  logged_in {session, account, token}
                  kicked {style}  restored {}  link {up}  auto_restart {}
A new login request replaces the one before. When the socket closes the session ends at IBKR.
"""

import asyncio
import json
from typing import Any

from aiohttp import WSMsgType, web

from ibgateway_simulator.ibkr.api_client import ApiClientSession
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.users import Kind, LoginAttempt, LoginSession


class GatewayChannel:
    """One connected gateway, named by itself."""

    def __init__(self, ibkr: SimulatedIbkr, socket: web.WebSocketResponse, gateway: str) -> None:
        self.gateway = gateway
        self._ibkr = ibkr
        self._socket = socket
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[bool] = asyncio.Queue()
        self._login: asyncio.Task[None] | None = None
        self._session: str = ""

    def post(self, message: dict[str, Any]) -> None:
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

    async def _handle(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "login":
                await self._cancel_login()
                self._login = asyncio.create_task(self._attempt(message))
            case "existing_answer":
                self._answers.put_nowait(bool(message["go_on"]))
            case "logout":
                await self._cancel_login()
                self._end_session()

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
            if isinstance(client, ApiClientSession):
                client.abort()
        self._session = ""

    async def _attempt(self, request: dict[str, Any]) -> None:
        logins, now = self._ibkr.logins, self._ibkr.now()
        kind: Kind = request["kind"]
        attempt = logins.begin(
            LoginAttempt(0, request["user"], kind, request["mode"], self.gateway, now)
        )
        self._ibkr.note("login_attempt", attempt=attempt.id, user=attempt.user, login_kind=kind)
        result = "abandoned"
        try:
            result = await self._steps(attempt, request)
        finally:
            logins.finish(attempt.id, result)
            self._ibkr.note("login_result", attempt=attempt.id, user=attempt.user, result=result)

    async def _steps(self, attempt: LoginAttempt, request: dict[str, Any]) -> str:
        rules = self._ibkr.logins.rules
        await asyncio.sleep(rules.login_seconds)
        refused = self._refused(attempt, request)
        if refused:
            return refused
        before = rules.existing_check == "before-push" or attempt.kind != "full"
        take_over = bool(request.get("take_over"))
        if before and not await self._alone(attempt, take_over=take_over):
            return "yielded"
        if attempt.kind == "full" and self._ibkr.logins.user(attempt.user).two_factor:
            state = await self._pushed(attempt)
            if state != "approved":
                return f"push-{state}"
        if not before and not await self._alone(attempt, take_over=take_over):
            return "yielded"
        await asyncio.sleep(rules.login_seconds)
        self._log_in(attempt, request)
        return "logged-in"

    def _refused(self, attempt: LoginAttempt, request: dict[str, Any]) -> str:
        logins, now = self._ibkr.logins, self._ibkr.now()
        if attempt.kind == "relogin":
            known = request.get("session") in logins.sessions
            verdict = "ok" if known else "token-expired"
        elif attempt.kind == "token":
            verdict = logins.check_token(attempt.user, request.get("token", ""), now)
        else:
            password = request.get("password", "")
            verdict = logins.check_password(attempt.user, password, attempt.mode, now)
        if verdict == "ok":
            return ""
        if verdict == "locked":
            self.post({"type": "locked", "seconds": logins.locked_for(attempt.user, now)})
        elif verdict == "token-expired":
            self.post({"type": "token_expired", "dialog": logins.rules.expiry_dialog})
        else:
            self.post({"type": "rejected", "dialog": logins.rules.rejection})
        return verdict

    async def _pushed(self, attempt: LoginAttempt) -> str:
        logins = self._ibkr.logins
        push = logins.send_push(attempt.id, self._ibkr.now())
        self._ibkr.note("push_sent", push=push.id, user=push.user, stacked=push.stacked)
        seconds = logins.rules.approval_seconds
        self.post({"type": "push_sent", "push": push.id, "seconds": seconds})
        try:
            state = await self._ibkr.push_answer(push.id)
        except asyncio.CancelledError:
            logins.orphan(push.id)
            raise
        self.post({"type": f"push_{state}"})
        return state

    async def _alone(self, attempt: LoginAttempt, *, take_over: bool) -> bool:
        """Make sure that nobody else holds the user name; False when this gateway yields."""
        if attempt.kind == "relogin" and self._ibkr.kick_style.get(attempt.user) == "waits":
            async with self._ibkr.freed:
                await self._ibkr.freed.wait_for(
                    lambda: attempt.user not in self._ibkr.logins.persons
                )
        other = self._ibkr.logins.existing(attempt.user, self.gateway)
        if not other:
            return True
        if not take_over:
            while not self._answers.empty():
                self._answers.get_nowait()
            self.post({"type": "existing", "other": other})
            if not await self._answers.get():
                self.post({"type": "yielded"})
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
                self._ibkr.take_session(session, "contest")

    def _log_in(self, attempt: LoginAttempt, request: dict[str, Any]) -> None:
        logins, now = self._ibkr.logins, self._ibkr.now()
        known = logins.sessions.get(request.get("session", ""))
        if attempt.kind == "relogin" and known is not None:
            session = known
            self._ibkr.give_back(session, 1102)
        else:
            self._end_session()
            user = logins.user(attempt.user)
            read_only = bool(request.get("read_only"))
            session = LoginSession(
                "", user.name, user.account, attempt.mode, self.gateway, read_only, now
            )
            session = logins.open_session(session, full=attempt.kind == "full")
        self._session = session.id
        answer = {"session": session.id, "account": session.account}
        self.post({"type": "logged_in", **answer, "token": logins.token(attempt.user)})


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
