"""`/healthz`, `/readyz` and `/metrics` on a port of their own, without a token.

Ready means that an order accepted now would be sent at once. Healthy means only that the dispatcher
lives: an executor that waits for a person is healthy.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from ibgateway_api.gate import Closed, Gate
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.figures import ExecutorView
from ibgateway_executor.ledger.backup_record import BackupRecord
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.readiness import ReadinessAnswer
from ibgateway_executor.sentinel import SentinelStatus
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.metrics import metrics_route
from ibgateway_runtime.volume import VolumeWatch

HELD: Final = "held"
"""`/readyz?held`: the kubelet's own question, see `readiness`. Without it the answer comes at once."""
DISPATCH_LIMIT_SECONDS: Final = 60.0
"""One look at the ledger waits for at most a few requests of ten seconds each."""


def application(
    *,
    gate: Callable[[], Gate],
    dispatched_at: Callable[[], float],
    ledger: Ledger,
    connection: CurrentConnection,
    sentinel: SentinelStatus,
    metrics: ExecutorMetrics,
    data: Path,
    backup: BackupRecord,
    clock: Clock,
) -> web.Application:
    """The probes; nothing is started by making it.

    `dispatched_at` is when the dispatcher last looked at the ledger, on the monotonic clock; `data` lies on
    the ledger's volume.
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

    volume = VolumeWatch(data)

    def view() -> ExecutorView:
        state = connection.state
        return ExecutorView(
            now=clock.now(),
            gate=gate(),
            active=ledger.active,
            rebalances=ledger.rebalances.last,
            news_age=sentinel.age,
            connected=state.connected,
            skew=state.skew,
            ledger_problem=ledger.problem,
            volume=volume.size,
            backup_at=backup.newest,
            backup_problem=backup.problem(clock.now()) if backup.every else None,
        )

    metrics.watch(view, clock.monotonic)
    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.add_routes([metrics_route(metrics.registry, volume.look)])
    return app
