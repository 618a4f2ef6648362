"""The HTTP API on its port."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ibgateway_executor.intake.problems import MEDIA_TYPE, problem
from ibgateway_runtime.errors import SettingsError

logger = logging.getLogger(__name__)


REQUEST_SECONDS: Final = 10.0
"""A request with its body is here by then. The largest has 64 KiB."""
STUCK_SECONDS: Final = 30.0
"""A client that takes nothing of its answer for so long is gone, or might as well be."""
HEAD_LIMIT: Final = 64 * 1024
"""Bytes that may come before the end of a request's headers: httptools itself has no limit."""


class RequestProtocol(HttpToolsProtocol):
    """uvicorn's, with an end to waiting and to headers: a client that never finishes its request is told and closed.

    uvicorn itself limits only the pause between two requests. One that has not begun a request is only closed.
    """

    def __init__(
        self,
        *args: Any,
        seconds: float = REQUEST_SECONDS,
        stuck_seconds: float = STUCK_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._seconds = seconds
        self._stuck_seconds = stuck_seconds
        self._stuck: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._head: int | None = None
        """Bytes of the headers that are being read; None between them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """Begin to wait."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """A whole request ends the waiting; a part of the next one begins it."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > HEAD_LIMIT:
                self._turn_away("HeadersTooLarge", f"headers have at most {HEAD_LIMIT} bytes")
        self._watch()

    def pause_writing(self) -> None:
        """The client takes nothing for now; one that goes on like that is not waited for."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self._stuck_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._unstick()

    def on_message_begin(self) -> None:
        """Headers follow."""
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        """They have come."""
        super().on_headers_complete()
        self._head = None

    def on_response_complete(self) -> None:
        """A part of the next request may be here already."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        super().connection_lost(exc)
        self._stop()
        self._unstick()

    def _incomplete(self) -> bool:
        """Whether the client is to send more before there is anything to do."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def _watch(self) -> None:
        if not self._incomplete():
            self._stop()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._seconds, self._late)

    def _late(self) -> None:
        self._deadline = None
        if not self._incomplete():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if self._head is None and (cycle is None or cycle.response_complete):
            self.transport.abort()
        else:
            self._turn_away("RequestTimeout", f"send a request within {self._seconds:g} s")

    def send_400_response(self, msg: str) -> None:
        """What was sent is no HTTP."""
        self._turn_away("MalformedRequest", msg)

    def _turn_away(self, code: str, detail: str) -> None:
        """The last word on this connection. An answer that has begun, or waits behind another one, has no room for it."""
        cycle: RequestResponseCycle | None = self.cycle
        if not self.transport.is_closing() and not (
            cycle and cycle.response_started and not cycle.response_complete
        ):
            self.transport.write(_answer(code, detail))
        self.transport.close()

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers as they are."""
        yield


async def _nothing() -> None:
    """There is no stream."""


def _answer(code: str, detail: str) -> bytes:
    """A problem as an answer after which the connection is closed."""
    document = problem(code, detail)
    body = json.dumps(document).encode()
    status = document["status"]
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def serve(
    app: FastAPI, *, bind: str, port: int, end: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """Serve until cancelled, have streams `end`, then close what clients keep open.

    SettingsError where the port can't be opened.
    """
    config = uvicorn.Config(
        app,
        http=RequestProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    with _listening(bind, port) as listener:
        logger.info("taking orders on %s port %d", bind, listener.getsockname()[1])
        server = _Server(config)
        try:
            await server.serve(sockets=[listener])
        finally:
            await end()
            for connection in tuple(server.server_state.connections):
                connection.transport.close()


def _listening(bind: str, port: int) -> socket.socket:
    """Opened here, because uvicorn ends the process where it can't.

    What it accepts inherits TCP_NODELAY: asyncio sets it only on sockets that it makes itself, and
    without it each answer on a kept connection waits 40 ms for the client's delayed acknowledgement.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        listener = socket.create_server((bind, port), family=family)
    except OSError as problem:
        raise SettingsError(f"port {port} can't be opened: {problem.strerror}") from problem
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
