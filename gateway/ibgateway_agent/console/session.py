"""One viewer's session from the upgraded WebSocket to its Ending."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from ibgateway_agent.console.bridge import Display, Viewer, open_display, pump
from ibgateway_agent.console.endings import (
    NO_PASSWORD,
    TOKEN_REFUSED,
    TOO_MANY_FAILURES,
    TOO_MANY_VIEWERS,
    SessionEnd,
)
from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.guard import token_matches
from ibgateway_agent.console.handshake import relay_handshake
from ibgateway_agent.console.limit import FailureLimit
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.settings import TcpAddress

HANDSHAKE_SECONDS: Final = 120.0
"""A person types a password within this time; then the place is given free."""
MAX_VIEWERS: Final = 8


@dataclass(frozen=True)
class SessionState:
    """What all sessions of one console share. `token` None: the VNC password is the only guard."""

    display: TcpAddress
    token: Callable[[], bytes] | None
    metrics: ConsoleMetrics
    limit: FailureLimit = field(default_factory=FailureLimit)
    clock: Callable[[], float] = time.monotonic
    max_viewers: int = MAX_VIEWERS
    handshake_seconds: float = HANDSHAKE_SECONDS
    open: set[web.WebSocketResponse] = field(default_factory=set)


async def attend(
    desk: SessionState, socket: web.WebSocketResponse, protocols: list[str]
) -> SessionEnd:
    """Serves one viewer until either side is gone; gives how it ended."""
    if len(desk.open) >= desk.max_viewers:
        return TOO_MANY_VIEWERS
    desk.open.add(socket)
    desk.metrics.viewers.set(len(desk.open))
    try:
        _authorise(desk, protocols)
        async with open_display(desk.display) as display:
            return await _serve(desk, Viewer(socket), display)
    except SessionEndedError as ended:
        return ended.ending
    finally:
        desk.open.discard(socket)
        desk.metrics.viewers.set(len(desk.open))


def _authorise(desk: SessionState, protocols: list[str]) -> None:
    """In token mode: the right token, and no more than a few wrong ones a minute."""
    if desk.token is None:
        return
    charged_at = desk.clock()
    if not desk.limit.charge(charged_at):
        raise SessionEndedError(TOO_MANY_FAILURES)
    if not token_matches(protocols, desk.token()):
        raise SessionEndedError(TOKEN_REFUSED)
    desk.limit.forgive(charged_at)


async def _serve(desk: SessionState, viewer: Viewer, display: Display) -> SessionEnd:
    try:
        async with asyncio.timeout(desk.handshake_seconds):
            await relay_handshake(viewer, display, desk.limit, desk.clock)
    except TimeoutError:
        return NO_PASSWORD
    await pump(viewer, display, lambda way, size: desk.metrics.bytes.labels(way).inc(size))
    raise AssertionError("a pump ends with SessionEndedError")
