"""The sentinel's HTTP: status for the operator and the executor, requests, and the kubelet's probes.

`/v1/*` wants the agent token; `/healthz` and `/readyz` tell nothing but a word and want none, nor does `/console`,
which tells what the console shows to everybody.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from pydantic import ValidationError

from ibgateway_agent.errors import (
    ActionRefusedError,
    HandoverRefusedError,
    LedgerError,
    StopRefusedError,
)
from ibgateway_agent.sentinel.drain import DrainWatch
from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_api import names
from ibgateway_api.console_documents import ConsoleReport, QueueReport
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HandoverReport
from ibgateway_api.requests import (
    ConsoleRequest,
    HandoverRequest,
    LoginRequest,
    RestartRequest,
    TurnRequest,
)
from ibgateway_runtime.auth import bearer_matches
from ibgateway_runtime.clock import Clock

HEARTBEAT: Final = timedelta(seconds=1)
LONGEST_WAIT_SECONDS: Final = 300.0
LONGEST_ID: Final = 64

AskedT = TypeVar(
    "AskedT", bound=LoginRequest | RestartRequest | HandoverRequest | TurnRequest | ConsoleRequest
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Accept = Callable[[RequestKind, str], bool]
"""Takes a request; False for one that was taken before. Raises StopRefusedError where it can't be now."""
HandOver = Callable[[HandoverRequest], tuple[bool, HandoverReport | None]]
"""Hands the login over or takes it back: whether that is new, and what stands. Raises HandoverRefusedError."""


def application(
    *,
    publisher: ReportPublisher,
    accept: Accept,
    hand_over: HandOver,
    take_turn: Callable[[TurnRequest], bool],
    alive: Callable[[], bool],
    operator_asks: Callable[[], None],
    drain: DrainWatch,
    console: Callable[[], ConsoleReport],
    at_console: Callable[[ConsoleRequest], bool],
    token_file: Path,
    clock: Clock,
) -> web.Application:
    """The routes."""
    app = web.Application(middlewares=[_token_wanted(token_file)])
    app.add_routes(
        [
            web.get("/v1/status", _Status(publisher, clock, operator_asks, drain).get),
            web.post("/v1/login-requests", _post(accept, RequestKind.LOGIN)),
            web.post("/v1/restarts", _post(accept, RequestKind.RESTART)),
            web.post("/v1/handovers", _handovers(hand_over)),
            web.post("/v1/turns", _turns(take_turn)),
            web.post("/v1/console-requests", _console_requests(at_console)),
            web.get("/healthz", _health(alive)),
            web.get("/readyz", _ready(publisher)),
            web.get("/console", _console(console)),
        ]
    )
    return app


def _token_wanted(token_file: Path) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/") and not _allowed(request, token_file):
            raise web.HTTPUnauthorized(headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        return await handler(request)

    return check


def _allowed(request: web.Request, token_file: Path) -> bool:
    """The token is read with each request: a changed Secret needs no restart, an emptied one locks."""
    try:
        token = token_file.read_bytes().strip()
    except OSError as error:
        raise web.HTTPServiceUnavailable(text="the agent token can't be read") from error
    return bearer_matches(request.headers.get(hdrs.AUTHORIZATION, ""), token)


class _Status:
    """`GET /v1/status`, at once or as a long poll with a heartbeat."""

    def __init__(
        self,
        publisher: ReportPublisher,
        clock: Clock,
        operator_asks: Callable[[], None],
        drain: DrainWatch,
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._operator_asks = operator_asks
        self._drain = drain

    async def get(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get(hdrs.USER_AGENT) == names.OPERATOR_AGENT:
            self._operator_asks()
        try:
            after = int(request.query.get("after", "-1"))
            wait = min(float(request.query.get("wait", "0")), LONGEST_WAIT_SECONDS)
            closes = _instant(request.query.get("closes", ""))
            queue = self._queue(request)
        except ValueError as error:
            raise web.HTTPBadRequest(
                text="after, wait, queued and sent are numbers, closes a time"
            ) from error
        if (drained := request.query.get("drained")) is not None:
            told = self._drain.heard(after, drained=drained == "true", closes=closes, queue=queue)
            with told:
                return await self._stream(request, after, wait)
        if "after" in request.query or "wait" in request.query:
            return await self._stream(request, after, wait)
        return web.Response(text=self._text(), content_type="application/json")

    def _queue(self, request: web.Request) -> QueueReport | None:
        """None from an executor of a version that does not say; ValueError for what is no number of orders."""
        if "queued" not in request.query:
            return None
        waiting, sent = int(request.query["queued"]), int(request.query.get("sent", "0"))
        return QueueReport(at=self._clock.now(), waiting=waiting, sent=sent)

    async def _stream(self, request: web.Request, after: int, wait: float) -> web.StreamResponse:
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/json"})
        # Who has gone asks anew: that is no trouble of ours.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await self._tell(response, after, wait)
        return response

    async def _tell(self, response: web.StreamResponse, after: int, wait: float) -> None:
        ends = self._clock.monotonic() + wait
        await response.write(b"\n")
        while (left := ends - self._clock.monotonic()) > 0:
            patience = min(HEARTBEAT, timedelta(seconds=left))
            if await self._publisher.wait_for_newer(after, patience):
                break
            await response.write(b"\n")
        await response.write(f"{self._text()}\n".encode())
        await response.write_eof()

    def _text(self) -> str:
        try:
            return self._publisher.latest().to_json()
        except LookupError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error


def _instant(text: str) -> datetime | None:
    """ValueError for what is no time with its zone."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def _post(accept: Accept, kind: RequestKind) -> Handler:
    model = LoginRequest if kind is RequestKind.LOGIN else RestartRequest

    async def post(request: web.Request) -> web.Response:
        asked = await _asked(request, model.model_validate_json, "an id")
        try:
            with _keeps("request"):
                taken = accept(kind, asked.id)
        except StopRefusedError as error:
            raise web.HTTPConflict(text=f"no login attempt is allowed now: {error}") from error
        return web.Response(status=202 if taken else 200)

    return post


def _handovers(hand_over: HandOver) -> Handler:
    """Let a person have the login, or take it back; the answer says what the return costs."""

    async def post(request: web.Request) -> web.Response:
        body = "an id and, unless it is over, until (RFC 3339)"
        asked = await _asked(request, HandoverRequest.model_validate_json, body)
        try:
            with _keeps("request"):
                new, stands = hand_over(asked)
        except HandoverRefusedError as error:
            raise web.HTTPConflict(text=f"the login can't be handed over: {error}") from error
        text = stands.to_json() if stands else "{}"
        return web.Response(status=202 if new else 200, text=text, content_type="application/json")

    return post


def _turns(take_turn: Callable[[TurnRequest], bool]) -> Handler:
    """Let one attempt push: no other push waits at its person."""

    async def post(request: web.Request) -> web.Response:
        given = await _asked(request, TurnRequest.model_validate_json, "an id and until (RFC 3339)")
        with _keeps("turn"):
            new = take_turn(given)
        return web.Response(status=202 if new else 200)

    return post


def _console_requests(take: Callable[[ConsoleRequest], bool]) -> Handler:
    async def post(request: web.Request) -> web.Response:
        body = "an id and an action; minutes of a handover are 1 to 720"
        asked = await _asked(request, ConsoleRequest.model_validate_json, body)
        try:
            with _keeps("request"):
                new = take(asked)
        except (ActionRefusedError, HandoverRefusedError, StopRefusedError) as error:
            raise web.HTTPConflict(text=str(error)) from error
        return web.Response(status=202 if new else 200)

    return post


async def _asked(request: web.Request, parse: Callable[[bytes], AskedT], body: str) -> AskedT:
    """What is asked; 400 where it is not that, `body` in words."""
    try:
        asked = parse(await request.read())
    except ValidationError as error:
        raise web.HTTPBadRequest(text=f"the body is a JSON object with {body}") from error
    if not asked.id or len(asked.id) > LONGEST_ID:
        raise web.HTTPBadRequest(text=f"id has 1 to {LONGEST_ID} characters")
    return asked


@contextlib.contextmanager
def _keeps(what: str) -> Iterator[None]:
    """503 where the attempt ledger takes no line now."""
    try:
        yield
    except (LedgerError, OSError) as error:
        raise web.HTTPServiceUnavailable(text=f"the {what} can't be kept: {error}") from error


def _health(alive: Callable[[], bool]) -> Handler:
    async def get(_: web.Request) -> web.Response:
        looks = alive()
        return web.Response(status=200 if looks else 503, text="alive" if looks else "stalled")

    return get


def _ready(publisher: ReportPublisher) -> Handler:
    async def get(_: web.Request) -> web.Response:
        try:
            state = publisher.latest().state
        except LookupError:
            state = LoginState.UNKNOWN
        return web.Response(status=200 if state is LoginState.LOGGED_IN else 503, text=state)

    return get


def _console(told: Callable[[], ConsoleReport]) -> Handler:
    async def get(_: web.Request) -> web.Response:
        try:
            text = told().to_json()
        except LookupError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error
        return web.Response(text=text, content_type="application/json")

    return get
