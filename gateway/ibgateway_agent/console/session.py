"""One viewer's session from the upgraded WebSocket to its end."""

import asyncio
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
from ibgateway_agent.console.idle import IdleWatch
from ibgateway_agent.console.limit import FailureLimit
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.settings import TcpAddress
from ibgateway_runtime.clock import Clock

HANDSHAKE_SECONDS: Final = 120.0
"""A person types a password within this time; then the place is given free."""
MAX_VIEWERS: Final = 8
IDLE_SECONDS: Final = 1800.0
"""A screen that nobody has used for so long is left: it may stand open in an empty room."""


@dataclass(frozen=True)
class SessionState:
    """What all sessions of one console share. `token` None: the VNC password is the only guard."""

    display: TcpAddress
    token: Callable[[], bytes] | None
    metrics: ConsoleMetrics
    clock: Clock
    limit: FailureLimit = field(default_factory=FailureLimit)
    max_viewers: int = MAX_VIEWERS
    handshake_seconds: float = HANDSHAKE_SECONDS
    idle_seconds: float = IDLE_SECONDS
    open: set[web.WebSocketResponse] = field(default_factory=set)


async def serve_viewer(
    sessions: SessionState, socket: web.WebSocketResponse, protocols: list[str]
) -> SessionEnd:
    """Serves one viewer until either side is gone; gives how it ended."""
    if len(sessions.open) >= sessions.max_viewers:
        return TOO_MANY_VIEWERS
    sessions.open.add(socket)
    sessions.metrics.viewers.set(len(sessions.open))
    try:
        _authorise(sessions, protocols)
        async with open_display(sessions.display) as display:
            return await _bridge(sessions, Viewer(socket), display)
    except SessionEndedError as ended:
        return ended.ending
    finally:
        sessions.open.discard(socket)
        sessions.metrics.viewers.set(len(sessions.open))


def _authorise(sessions: SessionState, protocols: list[str]) -> None:
    """In token mode: the right token, and no more than a few wrong ones a minute."""
    if sessions.token is None:
        return
    charged_at = sessions.clock.monotonic()
    if not sessions.limit.charge(charged_at):
        raise SessionEndedError(TOO_MANY_FAILURES)
    if not token_matches(protocols, sessions.token()):
        raise SessionEndedError(TOKEN_REFUSED)
    sessions.limit.give_back(charged_at)


async def _bridge(sessions: SessionState, viewer: Viewer, display: Display) -> SessionEnd:
    try:
        async with asyncio.timeout(sessions.handshake_seconds):
            await relay_handshake(viewer, display, sessions.limit, sessions.clock.monotonic)
    except TimeoutError:
        return NO_PASSWORD
    await pump(
        viewer,
        display,
        lambda way, size: sessions.metrics.bytes.labels(way).inc(size),
        IdleWatch(sessions.idle_seconds, sessions.clock.monotonic),
    )
    raise AssertionError("a pump ends with SessionEndedError")
