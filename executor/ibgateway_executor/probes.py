"""`/healthz`, `/readyz` and `/metrics` on a port of their own, without a token.

Ready means that an order accepted now would be sent at once. Healthy means only that the loops live:
an executor that waits for a human is healthy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ibgateway_api.gate import Closed, Gate
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.news import News

BEAT_LIMIT_SECONDS: Final = 60.0
"""A turn waits for at most a few requests of ten seconds each."""


@dataclass(frozen=True)
class Vitals:
    """What the probes look at; `beat` is the dispatcher's last turn on the monotonic clock."""

    gate: Callable[[], Gate]
    beat: Callable[[], float]
    ledger: LedgerThread
    metrics: ExecutorMetrics
    news: News


def application(vitals: Vitals) -> web.Application:
    """The probes; nothing is started by making it."""
    app = web.Application()

    async def healthz(_: web.Request) -> web.Response:
        age = time.monotonic() - vitals.beat()
        alive = age < BEAT_LIMIT_SECONDS
        return web.Response(status=200 if alive else 503, text=f"last turn {age:.1f} s ago\n")

    async def readyz(_: web.Request) -> web.Response:
        gate = vitals.gate()
        if isinstance(gate, Closed):
            return web.Response(status=503, text=f"{gate.reason}: {gate.message}\n")
        return web.Response(text="Open\n")

    async def metrics(_: web.Request) -> web.Response:
        vitals.metrics.gate_open.set(not isinstance(vitals.gate(), Closed))
        vitals.metrics.news_age.set(vitals.news.age)
        vitals.metrics.count_orders(await vitals.ledger.call(vitals.ledger.ledger.counts))
        body = generate_latest(vitals.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
