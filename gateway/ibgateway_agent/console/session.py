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
from ibgateway_agent.console.guessing import Guesser, GuesserKind, GuesserLimit, GuessLimits
from ibgateway_agent.console.handshake import relay_handshake
from ibgateway_agent.console.idle import IdleWatch
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.settings import TcpAddress
from ibgateway_runtime.clock import Clock

HANDSHAKE_SECONDS: Final = 120.0
"""A person types a password within this time; then the place is given free."""
MAX_VIEWERS: Final = 8
"""Of those who have shown the password; and so many of one source may be about to."""
MAX_STRANGERS: Final = 16
"""Of all who are about to, except through a port-forward or from a browser that has been let in before."""
IDLE_SECONDS: Final = 1800.0
"""A screen that nobody has used for so long is left: it may stand open in an empty room."""


@dataclass(frozen=True)
class SessionState:
    """What all sessions of one console share. `token` None: the VNC password is the only guard."""

    display: TcpAddress
    token: Callable[[], bytes] | None
    metrics: ConsoleMetrics
    clock: Clock
    limits: GuessLimits = field(default_factory=GuessLimits)
    max_viewers: int = MAX_VIEWERS
    handshake_seconds: float = HANDSHAKE_SECONDS
    idle_seconds: float = IDLE_SECONDS
    open: set[web.WebSocketResponse] = field(default_factory=set)
    waiting: dict[web.WebSocketResponse, GuesserKind] = field(default_factory=dict)
    """Those of `open` that have not shown the password."""

    def has_place_for(self, counted: GuesserKind) -> bool:
        """Nobody who knows no password takes a place from one who does."""
        places = list(self.waiting.values())
        return (
            not self.is_full()
            and places.count(counted) < self.max_viewers
            and (not counted.shared or sum(each.shared for each in places) < MAX_STRANGERS)
        )

    def is_full(self) -> bool:
        """Whether as many as may be here have shown the password."""
        return len(self.open) - len(self.waiting) >= self.max_viewers


async def serve_viewer(
    sessions: SessionState, socket: web.WebSocketResponse, protocols: list[str], who: Guesser
) -> SessionEnd:
    """Serves one viewer until either side is gone; gives how it ended."""
    counted = sessions.limits.counted_as(who)
    if not sessions.has_place_for(counted):
        return TOO_MANY_VIEWERS
    sessions.open.add(socket)
    sessions.waiting[socket] = counted
    sessions.metrics.viewers.set(len(sessions.open))
    try:
        budget = sessions.limits.budget(who, sessions.clock.monotonic())
        _authorise(sessions, protocols, budget)
        async with open_display(sessions.display) as display:
            viewer = Viewer(socket)
            await _let_in(sessions, viewer, display, budget)
            if sessions.is_full():
                return TOO_MANY_VIEWERS
            sessions.waiting.pop(socket)
            return await _bridge(sessions, viewer, display)
    except SessionEndedError as ended:
        return ended.ending
    finally:
        sessions.open.discard(socket)
        sessions.waiting.pop(socket, None)
        sessions.metrics.viewers.set(len(sessions.open))


def _authorise(sessions: SessionState, protocols: list[str], budget: GuesserLimit) -> None:
    """In token mode: the right token, and no more than a few wrong ones a minute."""
    if sessions.token is None:
        return
    charged_at = sessions.clock.monotonic()
    if not budget.charge(charged_at):
        raise SessionEndedError(TOO_MANY_FAILURES)
    if not token_matches(protocols, sessions.token()):
        raise SessionEndedError(TOKEN_REFUSED)
    budget.give_back(charged_at)


async def _let_in(
    sessions: SessionState, viewer: Viewer, display: Display, budget: GuesserLimit
) -> None:
    try:
        async with asyncio.timeout(sessions.handshake_seconds):
            await relay_handshake(viewer, display, budget, sessions.clock.monotonic)
    except TimeoutError:
        raise SessionEndedError(NO_PASSWORD) from None
    budget.right_password()


async def _bridge(sessions: SessionState, viewer: Viewer, display: Display) -> SessionEnd:
    await pump(
        viewer,
        display,
        lambda way, size: sessions.metrics.bytes.labels(way).inc(size),
        IdleWatch(sessions.idle_seconds, sessions.clock.monotonic),
    )
    raise AssertionError("a pump ends with SessionEndedError")
