"""The sentinel's HTTP: status for the operator and the executor, requests, and the kubelet's probes.

`/v1/*` wants the agent token, and of it `/v1/gate` takes the programs' token too; `/healthz` and `/readyz` tell nothing but
a word and want none, nor does `/console`, which tells what the console shows to everybody.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
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
from ibgateway_agent.sentinel.gate.program_gate import ProgramGate
from ibgateway_agent.sentinel.gate.readiness import ReadinessProbe
from ibgateway_agent.sentinel.gate.routes import GATE_PATHS, GateRoutes
from ibgateway_agent.sentinel.long_poll import WaitingAnswer
from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_api import names
from ibgateway_api.console_documents import ConsoleReport, QueueReport
from ibgateway_api.gate_documents import DrainRequest, GateDrain
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

LONGEST_ID: Final = 64

AskedT = TypeVar(
    "AskedT", bound=LoginRequest | RestartRequest | HandoverRequest | TurnRequest | ConsoleRequest
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Accept = Callable[[RequestKind, str], bool]
"""Takes a request; False for one that was taken before. Raises StopRefusedError where it can't be now."""
HandOver = Callable[[HandoverRequest], tuple[bool, HandoverReport | None]]
"""Hands the login over or takes it back: whether that is new, and what stands. Raises HandoverRefusedError."""


@dataclass(frozen=True)
class SentinelTokens:
    """The files with the tokens: `agent` opens everything, `gate` the gate's word and a program's answer to a drain."""

    agent: Path
    gate: Path


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
    gate: ProgramGate,
    request_drain: Callable[[DrainRequest], GateDrain],
    tokens: SentinelTokens,
    clock: Clock,
) -> web.Application:
    """The routes."""
    app = web.Application(middlewares=[token_wanted(tokens)])
    app.add_routes(
        [
            web.get("/v1/status", _Status(publisher, clock, operator_asks, drain).get),
            web.post("/v1/login-requests", _post(accept, RequestKind.LOGIN)),
            web.post("/v1/restarts", _post(accept, RequestKind.RESTART)),
            web.post("/v1/handovers", _handovers(hand_over)),
            web.post("/v1/turns", _turns(take_turn)),
            web.post("/v1/console-requests", _console_requests(at_console)),
            web.get("/healthz", _health(alive)),
            web.get("/readyz", ReadinessProbe(gate.publisher, clock).get),
            web.get("/console", _console(console)),
            *GateRoutes(gate, request_drain, clock).routes(),
        ]
    )
    return app


def token_wanted(tokens: SentinelTokens) -> Middleware:
    """Who may ask for what: by the agent token everything under `/v1`, by the programs' the gate."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/") and not _allowed(request, tokens):
            raise web.HTTPUnauthorized(headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        return await handler(request)

    return check


def _allowed(request: web.Request, tokens: SentinelTokens) -> bool:
    """A token is read with each request: a changed Secret needs no restart, an emptied one locks."""
    given = request.headers.get(hdrs.AUTHORIZATION, "")
    doors = {"the agent token": tokens.agent}
    if request.path in GATE_PATHS:
        doors["the gate token"] = tokens.gate
    unread = []
    for name, file in doors.items():
        try:
            if bearer_matches(given, file.read_bytes().strip()):
                return True
        except OSError:
            unread.append(name)
    if unread:
        raise web.HTTPServiceUnavailable(text=f"{' and '.join(unread)} can't be read")
    return False


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
        self._poll = WaitingAnswer(publisher, self._text, clock)
        self._clock = clock
        self._operator_asks = operator_asks
        self._drain = drain

    async def get(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get(hdrs.USER_AGENT) == names.OPERATOR_AGENT:
            self._operator_asks()
        try:
            after = int(request.query.get("after", "-1"))
            wait = float(request.query.get("wait", "0"))
            closes = _instant(request.query.get("closes", ""))
            queue = self._queue(request)
        except ValueError as error:
            raise web.HTTPBadRequest(
                text="after, wait, queued and sent are numbers, closes a time"
            ) from error
        if (drained := request.query.get("drained")) is not None:
            told = self._drain.heard(after, drained=drained == "true", closes=closes, queue=queue)
            with told:
                return await self._poll.answer(request, after, wait)
        if "after" in request.query or "wait" in request.query:
            return await self._poll.answer(request, after, wait)
        return web.Response(text=self._text(), content_type="application/json")

    def _queue(self, request: web.Request) -> QueueReport | None:
        """None from an executor of a version that does not say; ValueError for what is no number of orders."""
        if "queued" not in request.query:
            return None
        waiting, sent = int(request.query["queued"]), int(request.query.get("sent", "0"))
        return QueueReport(at=self._clock.now(), waiting=waiting, sent=sent)

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


def _console(told: Callable[[], ConsoleReport]) -> Handler:
    async def get(_: web.Request) -> web.Response:
        try:
            text = told().to_json()
        except LookupError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error
        return web.Response(text=text, content_type="application/json")

    return get
