"""The sentinel's HTTP: status for the operator and the executor, wishes, and the kubelet's probes.

`/v1/*` wants the agent token; `/healthz` and `/readyz` tell nothing but a word and want none.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import ValidationError

from ibgateway_agent.errors import LedgerError
from ibgateway_agent.sentinel.permits.attempt_ledger import LOGIN, RESTART, Asker
from ibgateway_agent.sentinel.report import ReportFeed
from ibgateway_api.login import LoginState
from ibgateway_api.requests import LoginRequest, RestartRequest

HEARTBEAT: Final = timedelta(seconds=1)
LONGEST_WAIT_SECONDS: Final = 300.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Doors:
    """What the server needs of the sentinel. `accept` is False for a wish taken before."""

    bulletin: ReportFeed
    accept: Callable[[Asker, str], bool]
    alive: Callable[[], bool]
    token_file: Path


def application(doors: Doors) -> web.Application:
    """The routes."""
    status = _Status(doors.bulletin)
    app = web.Application(middlewares=[_token_wanted(doors.token_file)])
    app.add_routes(
        [
            web.get("/v1/status", status.get),
            web.post("/v1/login-requests", _wish(doors, LOGIN)),
            web.post("/v1/restarts", _wish(doors, RESTART)),
            web.get("/healthz", _health(doors)),
            web.get("/readyz", _ready(doors)),
        ]
    )
    return app


def _token_wanted(token_file: Path) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/") and not _allowed(request, token_file):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return check


def _allowed(request: web.Request, token_file: Path) -> bool:
    """The token is read with each request: a changed Secret needs no restart. Empty opens nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token = token_file.read_bytes().strip()
    right = hmac.compare_digest(given.strip().encode(), token)
    return right and scheme.lower() == "bearer" and bool(token)


class _Status:
    """`GET /v1/status`, at once or as a long poll with a heartbeat."""

    def __init__(self, bulletin: ReportFeed) -> None:
        self._bulletin = bulletin

    async def get(self, request: web.Request) -> web.StreamResponse:
        try:
            after = int(request.query.get("after", "-1"))
            wait = min(float(request.query.get("wait", "0")), LONGEST_WAIT_SECONDS)
        except ValueError as error:
            raise web.HTTPBadRequest(text="after and wait are numbers") from error
        if "after" in request.query or "wait" in request.query:
            return await self._stream(request, after, wait)
        return web.Response(text=self._text(), content_type="application/json")

    async def _stream(self, request: web.Request, after: int, wait: float) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        ends = monotonic() + wait
        await response.write(b"\n")
        while (left := ends - monotonic()) > 0:
            patience = min(HEARTBEAT, timedelta(seconds=left))
            if await self._bulletin.above(after, patience):
                break
            await response.write(b"\n")
        await response.write(f"{self._text()}\n".encode())
        await response.write_eof()
        return response

    def _text(self) -> str:
        try:
            return self._bulletin.latest().to_json()
        except LookupError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error


def _wish(doors: Doors, kind: Asker) -> Handler:
    model = LoginRequest if kind == LOGIN else RestartRequest

    async def post(request: web.Request) -> web.Response:
        try:
            wish = model.model_validate_json(await request.read())
        except ValidationError as error:
            raise web.HTTPBadRequest(text="the body is a JSON object with an id") from error
        if not wish.id or len(wish.id) > 64:
            raise web.HTTPBadRequest(text="id has 1 to 64 characters")
        try:
            taken = doors.accept(kind, wish.id)
        except (LedgerError, OSError) as error:
            raise web.HTTPServiceUnavailable(text=f"the wish can't be kept: {error}") from error
        return web.Response(status=202 if taken else 200)

    return post


def _health(doors: Doors) -> Handler:
    async def get(_: web.Request) -> web.Response:
        alive = doors.alive()
        return web.Response(status=200 if alive else 503, text="alive" if alive else "stalled")

    return get


def _ready(doors: Doors) -> Handler:
    async def get(_: web.Request) -> web.Response:
        try:
            state = doors.bulletin.latest().state
        except LookupError:
            state = LoginState.UNKNOWN
        return web.Response(status=200 if state is LoginState.LOGGED_IN else 503, text=state)

    return get
