"""The console's two web applications: port 6080 for people, the admin port for the cluster.

Every answer on 6080 passes the Host check and carries the same strict headers. Nothing of a request
that could hold a secret (query, headers) is ever logged.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import WSCloseCode, hdrs, web
from prometheus_client import generate_latest

from ibgateway_agent.console.bridge import MAX_MESSAGE_BYTES
from ibgateway_agent.console.endings import STOPPING, VIEWER_LEFT
from ibgateway_agent.console.errors import ConsoleSettingsError
from ibgateway_agent.console.guard import PROTOCOL, RequestGuard, offered_protocols
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.reachability import PolicyObservation
from ibgateway_agent.console.session import SessionState, attend

HEARTBEAT_SECONDS: Final = 15.0
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


@dataclass(frozen=True)
class Front:
    """What the people's port needs: who may come in, the shared desk, the files to show."""

    guard: RequestGuard
    desk: SessionState
    static: Path


FRONT: Final = web.AppKey("front", Front)


def people_app(front: Front) -> web.Application:
    """The page, the library and the bridge; raises SettingsError if the files are not there."""
    app = web.Application(middlewares=[_check_host])
    app[FRONT] = front
    page = front.static / "page"
    library = front.static / "novnc"
    for needed in (page / "vnc.html", library / "core" / "rfb.js"):
        if not needed.is_file():
            raise ConsoleSettingsError(f"CONSOLE_STATIC: there is no {needed}")
    app.router.add_get("/", _page)
    app.router.add_get("/vnc.html", _page)
    app.router.add_get("/websockify", _websockify)
    app.router.add_static("/page", page)
    app.router.add_static("/novnc", library)
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_close_sessions)
    return app


def admin_app(metrics: ConsoleMetrics, belief: Callable[[], PolicyObservation]) -> web.Application:
    """Liveness, metrics and what is known of NetworkPolicies; nothing here is secret."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def show_metrics(_request: web.Request) -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(
            body=body, headers={hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def network_policy(_request: web.Request) -> web.Response:
        return web.json_response({"enforced": belief().enforced})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/network-policy", network_policy)
    return app


@web.middleware
async def _check_host(request: web.Request, handler: _Handler) -> web.StreamResponse:
    problem = request.app[FRONT].guard.host_problem(request.headers.getall(hdrs.HOST, []))
    if problem is not None:
        _refuse(request, "host", problem)
    return await handler(request)


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[FRONT].static / "page" / "vnc.html")


async def _websockify(request: web.Request) -> web.StreamResponse:
    front = request.app[FRONT]
    problem = front.guard.origin_problem(
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
    await _attend_and_close(front.desk, socket, protocols)
    return socket


async def _attend_and_close(
    desk: SessionState, socket: web.WebSocketResponse, protocols: list[str]
) -> None:
    logger.info("a viewer came")
    ending = VIEWER_LEFT  # also when aiohttp cancels the handler because the connection is lost
    try:
        ending = await attend(desk, socket, protocols)
    finally:
        desk.metrics.sessions.labels(ending.label).inc()
        logger.info("a viewer's session ended: %s", ending.label)
    await socket.close(code=ending.code, message=ending.text.encode())


def _refuse(request: web.Request, check: str, problem: str) -> None:
    request.app[FRONT].desk.metrics.refused.labels(check).inc()
    logger.warning("refused a request: %s", problem)
    raise web.HTTPForbidden(text=f"Refused: {problem}.\n")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _close_sessions(app: web.Application) -> None:
    for socket in tuple(app[FRONT].desk.open):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=STOPPING.text.encode())
