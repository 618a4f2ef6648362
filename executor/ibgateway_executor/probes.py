"""`/healthz`, `/readyz` and `/metrics` on a port of their own, without a token.

Ready means that an order accepted now would be sent at once. Healthy means only that the dispatcher
lives: an executor that waits for a person is healthy.
"""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from ibgateway_api.gate import Closed, Gate
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.readiness import ReadinessAnswer
from ibgateway_executor.sentinel import SentinelStatus
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.metrics import metrics_route

HELD: Final = "held"
"""`/readyz?held`: the kubelet's own question, see `readiness`. Without it the answer comes at once."""
DISPATCH_LIMIT_SECONDS: Final = 60.0
"""One look at the ledger waits for at most a few requests of ten seconds each."""


def application(
    *,
    gate: Callable[[], Gate],
    dispatched_at: Callable[[], float],
    ledger: Ledger,
    sentinel: SentinelStatus,
    metrics: ExecutorMetrics,
    clock: Clock,
) -> web.Application:
    """The probes; nothing is started by making it.

    `dispatched_at` is when the dispatcher last looked at the ledger, on the monotonic clock.
    """

    async def healthz(_: web.Request) -> web.Response:
        age = clock.monotonic() - dispatched_at()
        alive = age < DISPATCH_LIMIT_SECONDS
        return web.Response(status=200 if alive else 503, text=f"last turn {age:.1f} s ago\n")

    held = ReadinessAnswer(gate, clock)

    async def readyz(request: web.Request) -> web.Response:
        verdict = await held.verdict() if HELD in request.query else gate()
        if isinstance(verdict, Closed):
            return web.Response(status=503, text=f"{verdict.reason}: {verdict.message}\n")
        return web.Response(text="Open\n")

    async def refresh_gauges() -> None:
        metrics.gate_open.set(not isinstance(gate(), Closed))
        metrics.news_age.set(sentinel.age)
        metrics.count_orders(await ledger.counts())

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.add_routes([metrics_route(metrics.registry, refresh_gauges)])
    return app
