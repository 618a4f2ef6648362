"""`GET /metrics`: they need no token and tell no secret."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


async def _nothing() -> None:
    return


def metrics_route(
    registry: CollectorRegistry, before: Callable[[], Awaitable[None]] = _nothing
) -> web.RouteDef:
    """The route; `before` brings gauges up to date at each scrape."""

    async def get(_: web.Request) -> web.Response:
        await before()
        text = generate_latest(registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return web.get("/metrics", get)
