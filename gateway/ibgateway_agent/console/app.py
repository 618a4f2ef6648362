"""The console's two web applications: port 6080 for people, the admin port for the cluster.

Every answer on 6080 passes the Host check and carries the same strict headers. Nothing of a request
that could hold a secret (query, headers) is ever logged.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import WSCloseCode, hdrs, web

from ibgateway_agent.console.bridge import MAX_MESSAGE_BYTES
from ibgateway_agent.console.buttons import Buttons
from ibgateway_agent.console.endings import STOPPING, VIEWER_LEFT
from ibgateway_agent.console.guard import PROTOCOL, RequestGuard, offered_protocols
from ibgateway_agent.console.guessing import (
    COOKIE,
    COOKIE_SECONDS,
    Guesser,
    guesser,
    new_browser,
)
from ibgateway_agent.console.login_words import GatewayIdentity
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.reachability import PolicyObservation
from ibgateway_agent.console.sentinel import SentinelReader
from ibgateway_agent.console.session import SessionState, serve_viewer
from ibgateway_agent.console.status_words import document
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.metrics import metrics_route

HEARTBEAT_SECONDS: Final = 15.0
LONGEST_BODY: Final = 4096
"""Bytes; a password or a press is far less."""
CLOSE_SECONDS: Final = 2.0
"""How long a browser may take to answer a close."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; "  # noVNC draws JPEG rectangles and the cursor from data: images
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

logger = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


GUARD: Final = web.AppKey("guard", RequestGuard)
SESSIONS: Final = web.AppKey("sessions", SessionState)
PAGE: Final = web.AppKey("page", Path)
GATEWAY: Final = web.AppKey("gateway", GatewayIdentity)
SENTINEL: Final = web.AppKey("sentinel", SentinelReader)
BUTTONS: Final = web.AppKey("buttons", Buttons)


def people_app(
    *,
    guard: RequestGuard,
    sessions: SessionState,
    static: Path,
    gateway: GatewayIdentity,
    sentinel: SentinelReader,
    buttons: Buttons | None = None,
) -> web.Application:
    """The page, the library, the bridge and, where there are any, the buttons; raises SettingsError if the files are not there."""
    page = static / "page"
    library = static / "novnc"
    for needed in (page / "vnc.html", library / "core" / "rfb.js"):
        if not needed.is_file():
            raise SettingsError(f"CONSOLE_STATIC: there is no {needed}")
    app = web.Application(middlewares=[_check_host], client_max_size=LONGEST_BODY)
    app[GUARD], app[SESSIONS], app[PAGE] = guard, sessions, page
    app[GATEWAY], app[SENTINEL] = gateway, sentinel
    if buttons is not None:
        app[BUTTONS] = buttons
        app.add_routes(buttons.routes())
    app.router.add_get("/", _page)
    app.router.add_get("/vnc.html", _page)
    app.router.add_get("/gateway", _gateway)
    app.router.add_get("/websockify", _websockify)
    app.router.add_static("/page", page)
    app.router.add_static("/novnc", library)
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_close_sessions)
    return app


def admin_app(
    metrics: ConsoleMetrics, observed: Callable[[], PolicyObservation]
) -> web.Application:
    """Liveness, metrics and what is known of NetworkPolicies; nothing here is secret."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def network_policy(_request: web.Request) -> web.Response:
        return web.json_response({"enforced": observed().enforced})

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", healthz),
            metrics_route(metrics.registry),
            web.get("/network-policy", network_policy),
        ]
    )
    return app


@web.middleware
async def _check_host(request: web.Request, handler: _Handler) -> web.StreamResponse:
    problem = request.app[GUARD].host_problem(request.headers.getall(hdrs.HOST, []))
    if problem is not None:
        _refuse(request, "host", problem)
    return await handler(request)


async def _page(request: web.Request) -> web.FileResponse:
    """The page, and a name for the browser that counts its wrong guesses and opens nothing."""
    response = web.FileResponse(request.app[PAGE] / "vnc.html")
    browser = guesser(request.remote, request.cookies).browser or new_browser()
    response.set_cookie(COOKIE, browser, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax")
    return response


async def _gateway(request: web.Request) -> web.Response:
    """Whose window this is and where its login stands: what everybody sees who may open the page."""
    told = await request.app[SENTINEL].told()
    buttons = request.app.get(BUTTONS)
    shown = document(
        request.app[GATEWAY],
        told,
        buttons=buttons is not None,
        withheld=buttons is not None and buttons.withheld(),
    )
    return web.json_response(shown)


async def _websockify(request: web.Request) -> web.StreamResponse:
    problem = request.app[GUARD].origin_problem(
        hosts=request.headers.getall(hdrs.HOST, []),
        origins=request.headers.getall(hdrs.ORIGIN, []),
    )
    if problem is not None:
        _refuse(request, "origin", problem)
    protocols = offered_protocols(request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, []))
    if protocols is None:
        # aiohttp would log the offered protocols, and one of them may be a token.
        raise web.HTTPBadRequest(text=f"The subprotocol must be {PROTOCOL}.\n")
    socket = web.WebSocketResponse(
        protocols=(PROTOCOL,),
        heartbeat=HEARTBEAT_SECONDS,
        timeout=CLOSE_SECONDS,
        max_msg_size=MAX_MESSAGE_BYTES,
        compress=False,  # RFB's encodings are compressed already
    )
    await socket.prepare(request)
    who = guesser(request.remote, request.cookies)
    await _serve_and_close(request.app[SESSIONS], socket, protocols, who)
    return socket


async def _serve_and_close(
    sessions: SessionState, socket: web.WebSocketResponse, protocols: list[str], who: Guesser
) -> None:
    logger.info("a viewer came")
    ending = VIEWER_LEFT  # also when aiohttp cancels the handler because the connection is lost
    try:
        ending = await serve_viewer(sessions, socket, protocols, who)
    finally:
        sessions.metrics.sessions.labels(ending.label).inc()
        logger.info("a viewer's session ended: %s", ending.label)
    await socket.close(code=ending.code, message=ending.text.encode())


def _refuse(request: web.Request, check: str, problem: str) -> None:
    request.app[SESSIONS].metrics.refused.labels(check).inc()
    logger.warning("refused a request: %s", problem)
    raise web.HTTPForbidden(text=f"Refused: {problem}.\n")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


async def _close_sessions(app: web.Application) -> None:
    for socket in tuple(app[SESSIONS].open):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=STOPPING.text.encode())
