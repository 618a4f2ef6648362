"""The control API: what a test may do to IBKR and read from it. JSON over HTTP, no authentication.

Routes are listed in `routes`; docs/simulator.md describes each. 404: the thing named does not
exist; 409: the present state does not allow it; 400: the body is not what the route expects.
"""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ibgateway_simulator.errors import (
    SimulatorConflictError,
    SimulatorError,
    SimulatorNotFoundError,
)
from ibgateway_simulator.ibkr import views
from ibgateway_simulator.ibkr.control_trading import TradingControl
from ibgateway_simulator.ibkr.gateway_link import gateway_socket
from ibgateway_simulator.ibkr.gateway_messages import IbkrNotice, notice
from ibgateway_simulator.ibkr.ibkr import RESTORED, SimulatedIbkr
from ibgateway_simulator.ibkr.settings import user_from
from ibgateway_simulator.ibkr.views import Json
from ibgateway_simulator.model.api_clients import ApiClientIdentity
from ibgateway_simulator.model.choices import choice
from ibgateway_simulator.model.notices import text_of
from ibgateway_simulator.model.users import KickStyle, PushState, changed_rules

LONGEST_WAIT = 60.0


class ControlApi:
    """Routes over one simulated IBKR; the handlers here are about people, logins and connections."""

    def __init__(self, ibkr: SimulatedIbkr) -> None:
        self._ibkr = ibkr

    def routes(self) -> list[web.RouteDef]:
        """Every route of IBKR's HTTP port."""
        trading = TradingControl(self._ibkr)
        table: dict[str, Callable[[web.Request, Json], Awaitable[Any]]] = {
            "GET /healthz": self.health,
            "GET /v1/state": self.state,
            "GET /v1/events": self.events,
            "GET /v1/frames": self.frames,
            "GET /v1/pushes": self.pushes,
            "POST /v1/pushes/{push}/{answer}": self.answer_push,
            "GET /v1/logins": self.logins,
            "PATCH /v1/login-rules": self.login_rules,
            "PUT /v1/users/{user}": self.put_user,
            "POST /v1/users/{user}/{verb}": self.user_verb,
            "POST /v1/connectivity": self.connectivity,
            "POST /v1/connections/drop": self.drop,
            "POST /v1/notices": self.notices,
            "PATCH /v1/faults": trading.faults,
            "GET /v1/orders": trading.orders,
            "GET /v1/executions": trading.executions,
            "POST /v1/late-orders": trading.late_orders,
            "POST /v1/orders/{perm_id}/{verb}": trading.order_verb,
            "POST /v1/fills/release": trading.release,
            "PATCH /v1/next-ids": trading.next_ids,
            "PATCH /v1/clock": trading.clock,
            "PATCH /v1/prices": trading.prices,
            "PATCH /v1/market": trading.market,
            "GET /v1/audit": trading.audit,
            "GET /v1/accounts": trading.accounts,
            "PATCH /v1/accounts/{account}": trading.patch_account,
        }
        made = [self._route(spec, handler) for spec, handler in table.items()]
        return [*made, web.get("/gateway/session", self._gateway)]

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        return await gateway_socket(self._ibkr, request)

    def _route(
        self, spec: str, handler: Callable[[web.Request, Json], Awaitable[Any]]
    ) -> web.RouteDef:
        method, path = spec.split(" ")

        async def handle(request: web.Request) -> web.Response:
            try:
                raw = await request.text()
                body = json.loads(raw) if raw else {}
                return web.json_response(await handler(request, body))
            except SimulatorNotFoundError as error:
                return web.json_response({"error": str(error)}, status=404)
            except SimulatorConflictError as error:
                return web.json_response({"error": str(error)}, status=409)
            except (SimulatorError, ValueError, KeyError, TypeError, ArithmeticError) as error:
                return web.json_response({"error": repr(error)}, status=400)

        return web.route(method, path, handle)

    async def health(self, _: web.Request, __: Json) -> Json:
        """IBKR's side answers."""
        return {"ok": True, "now": self._ibkr.now().isoformat()}

    async def state(self, _: web.Request, __: Json) -> Json:
        """Users, sessions, API clients, rules and faults at once."""
        logins, book = self._ibkr.logins, self._ibkr.book
        now = self._ibkr.now()
        clients = sorted((client.identity for client in self._ibkr.clients), key=_number)
        return {
            "now": now.isoformat(),
            "users": [
                {
                    **views.user_view(user),
                    "person": user.name in logins.persons,
                    "token": logins.has_token(user.name, now),
                    "locked_seconds": logins.locked_for(user.name, now),
                }
                for user in logins.users.values()
            ],
            "sessions": [views.session_view(session) for session in logins.sessions.values()],
            "gateways": sorted(link.gateway for link in self._ibkr.gateways),
            "clients": [views.client_view(client) for client in clients],
            "login_rules": dataclasses.asdict(logins.rules),
            "faults": json.loads(json.dumps(dataclasses.asdict(book.faults), default=str)),
            "hours": {"mode": book.hours.mode, "open": book.hours.is_open(now)},
        }

    async def events(self, request: web.Request, _: Json) -> list[Json]:
        """Entries after `after`; waits up to `wait` seconds for the first."""
        after = int(request.query.get("after", "0"))
        return await self._ibkr.events.after(after, patience(request))

    async def frames(self, request: web.Request, _: Json) -> list[Json]:
        """Frames after `after`; by `client_id`, `direction` and `message` (first field)."""
        query = request.query
        after = int(query.get("after", "0"))
        return [
            frame
            for frame in self._ibkr.frames[after:]
            if query.get("client_id") in (None, str(frame["client_id"]))
            and query.get("direction") in (None, frame["direction"])
            and query.get("message") in (None, frame["fields"][0] if frame["fields"] else "")
        ]

    async def pushes(self, _: web.Request, __: Json) -> list[Json]:
        """Every push ever sent."""
        return [views.push_view(push) for push in self._ibkr.logins.pushes]

    async def answer_push(self, request: web.Request, body: Json) -> Json:
        """Approve, deny or ignore a push by number, or the `latest` waiting one; for that, up to `wait` seconds."""
        logins, name = self._ibkr.logins, request.match_info["push"]
        number = await self._latest_push(request) if name == "latest" else int(name)
        match request.match_info["answer"]:
            case "approve":
                self._ibkr.answer_push(number, PushState.APPROVED)
            case "deny":
                self._ibkr.answer_push(number, PushState.DENIED)
            case "ignore":
                left = (logins.push(number).deadline - self._ibkr.now()).total_seconds()
                logins.miss_soon(number, float(body.get("seconds", left)), self._ibkr.now())
            case other:
                raise SimulatorNotFoundError(f"a push can't be answered with {other!r}")
        return views.push_view(logins.push(number))

    async def _latest_push(self, request: web.Request) -> int:
        user = request.query.get("user")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience(request)):
                while not self._ibkr.logins.waiting(user):
                    await self._ibkr.events.next()
        if not (waiting := self._ibkr.logins.waiting(user)):
            raise SimulatorConflictError("no push is waiting: GET /v1/pushes lists those that were")
        return waiting[-1].id

    async def logins(self, _: web.Request, __: Json) -> list[Json]:
        """Every login attempt."""
        return [views.attempt_view(attempt) for attempt in self._ibkr.logins.attempts]

    async def login_rules(self, _: web.Request, body: Json) -> Json:
        """Change how logins go."""
        self._ibkr.logins.rules = changed_rules(self._ibkr.logins.rules, body)
        return dataclasses.asdict(self._ibkr.logins.rules)

    async def put_user(self, request: web.Request, body: Json) -> Json:
        """Add or replace a user."""
        user = user_from({**body, "name": request.match_info["user"]})
        self._ibkr.add_user(user)
        return views.user_view(user)

    async def user_verb(self, request: web.Request, body: Json) -> Json:
        """kick, free, expire-token, unlock, restart."""
        name, ibkr = request.match_info["user"], self._ibkr
        user = ibkr.logins.user(name)
        match request.match_info["verb"]:
            case "kick":
                style = choice(KickStyle, body.get("style", KickStyle.RELOGIN), of="a kick's style")
                ibkr.kick(name, style)
            case "free":
                await ibkr.free(name)
            case "expire-token":
                ibkr.logins.expire_token(name)
            case "unlock":
                ibkr.logins.unlock(name)
            case "restart":
                for session in ibkr.logins.of_user(name):
                    ibkr.post(session.gateway, notice(IbkrNotice.AUTO_RESTART))
            case other:
                raise SimulatorNotFoundError(f"nothing to do to a user is called {other!r}")
        return views.user_view(user)

    async def connectivity(self, _: web.Request, body: Json) -> Json:
        """`lost` or `restored` (code 1101 or 1102), for one user or all."""
        code, up = int(body.get("code", 1102)), body["state"] == "restored"
        if body["state"] not in ("lost", "restored") or code not in RESTORED:
            raise SimulatorConflictError("state is lost or restored, code 1101 or 1102")
        sessions = list(self._ibkr.logins.sessions.values())
        for session in sessions:
            if body.get("user") in (None, session.user) and session.link_up != up:
                self._ibkr.set_link(session, up=up, code=code)
        return {"sessions": len(sessions)}

    async def notices(self, _: web.Request, body: Json) -> Json:
        """A system message to all API clients, or to those of one client id: {code, text, client_id}."""
        code, wanted = int(body["code"]), body.get("client_id")
        found = [c for c in self._ibkr.clients if wanted in (None, c.identity.client_id)]
        for client in found:
            client.notice(code, str(body.get("text", text_of(code))))
        return {"told": len(found)}

    async def drop(self, _: web.Request, body: Json) -> Json:
        """Reset API connections, all or those of one client id."""
        wanted = body.get("client_id")
        found = [c for c in self._ibkr.clients if wanted in (None, c.identity.client_id)]
        for client in found:
            client.abort()
        return {"dropped": len(found)}


def patience(request: web.Request) -> float:
    """Seconds that the asker waits (`?wait=`), LONGEST_WAIT at most. Raises ValueError for what is no such number."""
    text = request.query.get("wait", "0")
    seconds = float(text)
    if not seconds >= 0:
        raise ValueError(f"wait={text} is no number of seconds")
    return min(seconds, LONGEST_WAIT)


def _number(client: ApiClientIdentity) -> int:
    return client.number
