"""The word over HTTP: at once, as a long poll, as server-sent events; and a program's answer to a drain."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Final

from aiohttp import hdrs, web
from pydantic import ValidationError

from ibgateway_agent.errors import ProgramLimitError
from ibgateway_agent.sentinel.gate.program_gate import ProgramGate
from ibgateway_agent.sentinel.long_poll import HEARTBEAT, WaitingAnswer
from ibgateway_api.gate_documents import (
    PROGRAM_NAME,
    DrainAnswer,
    DrainRequest,
    GateDrain,
    GateReport,
)
from ibgateway_runtime.clock import Clock

GATE: Final = "/v1/gate"
DRAINED: Final = "/v1/gate/drained"
GATE_PATHS: Final = frozenset({GATE, DRAINED})
"""What the programs' token opens."""
EVENT_STREAM: Final = "text/event-stream"
COMMENT: Final = b":\n\n"
RETRY: Final = b"retry: 1000\n\n"
DEAF_MILLISECONDS: Final = 10_000
"""A program whose node is gone says no goodbye: what it does not acknowledge for so long ends its connection."""
MOST_WAITING: Final = 512
"""Answers that wait at once: each takes memory that the login's watch needs."""
JUST_STARTED: Final = (
    "programs are asked to drain; who they are is not known yet, for this sentinel has only just"
    " started: ask again"
)
ASKS_LIKE: Final = (
    "after and wait are numbers, program is 1 to 63 of a-z, 0-9, dot and hyphen, and whoever gives"
    " drained says which program it is"
)


class GateRoutes:
    """Routes of one sentinel. `request_drain` takes the operator's question."""

    def __init__(
        self, gate: ProgramGate, request_drain: Callable[[DrainRequest], GateDrain], clock: Clock
    ) -> None:
        self._gate = gate
        self._request_drain = request_drain
        self._waiting = 0
        self._poll = WaitingAnswer(gate.publisher, lambda: gate.publisher.latest().to_json(), clock)

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get(GATE, self.get),
            web.post(DRAINED, self.drained),
            web.post("/v1/drains", self.drain),
        ]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The word, to a program that may have a name and may say that it has drained."""
        try:
            after = int(request.query.get("after", "-1"))
            wait = float(request.query.get("wait", "0"))
            program = _program(request)
        except ValueError as error:
            raise web.HTTPBadRequest(text=ASKS_LIKE) from error
        if program is None:
            return await self._answer(request, after, wait)
        try:
            with self._gate.programs.asks(program):
                if drained := request.query.get("drained"):
                    self._gate.drains.answer(DrainAnswer(program=program, drain=drained[:64]))
                return await self._answer(request, after, wait)
        except ProgramLimitError as error:
            raise web.HTTPTooManyRequests(text=str(error)) from error

    async def drained(self, request: web.Request) -> web.Response:
        """A program has nothing under way, and sends nothing until the gate opens again."""
        try:
            answer = DrainAnswer.model_validate_json(await request.read())
        except ValidationError as error:
            raise web.HTTPBadRequest(
                text="the body is a JSON object with program and drain, the id of the drain"
            ) from error
        try:
            if not self._gate.drains.answer(answer):
                raise web.HTTPConflict(text=_not_asked(self._gate.drains.current))
        except ProgramLimitError as error:
            raise web.HTTPTooManyRequests(text=str(error)) from error
        return web.Response(status=204)

    async def drain(self, request: web.Request) -> web.Response:
        """The operator has a stop that is due."""
        try:
            asked = DrainRequest.model_validate_json(await request.read())
        except ValidationError as error:
            raise web.HTTPBadRequest(
                text="the body is a JSON object with id and reason, of 1 to 64 characters each"
            ) from error
        drain = self._request_drain(asked)
        if not self._gate.programs.are_known:
            raise web.HTTPServiceUnavailable(text=JUST_STARTED)
        return web.Response(text=drain.to_json(), content_type="application/json")

    async def _answer(self, request: web.Request, after: int, wait: float) -> web.StreamResponse:
        if EVENT_STREAM in request.headers.get(hdrs.ACCEPT, ""):
            with self._waits(request):
                return await self._events(request)
        if "after" in request.query or "wait" in request.query:
            with self._waits(request):
                return await self._poll.answer(request, after, wait)
        text = self._gate.publisher.latest().to_json()
        return web.Response(text=text, content_type="application/json")

    @contextlib.contextmanager
    def _waits(self, request: web.Request) -> Iterator[None]:
        if self._waiting >= MOST_WAITING:
            raise web.HTTPServiceUnavailable(
                text=f"{MOST_WAITING} questions wait already: a program needs one"
            )
        _end_when_deaf(request)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """For as long as the program listens, and this sentinel lives."""
        headers = {hdrs.CONTENT_TYPE: EVENT_STREAM, hdrs.CACHE_CONTROL: "no-store"}
        response = web.StreamResponse(headers=headers)
        known = request.headers.get("Last-Event-ID", "")
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write(RETRY)
            while True:
                word = self._gate.publisher.latest()
                if str(word.sequence) != known:
                    known = str(word.sequence)
                    await response.write(_event(word))
                if not await self._gate.publisher.wait_for_newer(word.sequence, HEARTBEAT):
                    await response.write(COMMENT)
        return response


def _program(request: web.Request) -> str | None:
    """Who asks; ValueError for a name that can't be, or an answer of nobody."""
    program = request.query.get("program")
    if program is None and "drained" in request.query:
        raise ValueError
    if program is not None and not PROGRAM_NAME.fullmatch(program):
        raise ValueError(program)
    return program


def _not_asked(current: GateDrain | None) -> str:
    if current is None:
        return "no drain is asked for now: read the gate anew"
    return f"another drain is asked for now: {current.id}"


def _event(word: GateReport) -> bytes:
    return f"event: gate\nid: {word.sequence}\ndata: {word.to_json()}\n\n".encode()


def _end_when_deaf(request: web.Request) -> None:
    connection = request.transport.get_extra_info("socket") if request.transport else None
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAF_MILLISECONDS)
