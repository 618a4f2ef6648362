"""What answers on both ports while the ledger is not this process's yet: alive, not ready, and why."""

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from ibgateway_api.gate import GateReason
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.intake.problems import MEDIA_TYPE, problem
from ibgateway_executor.settings import ExecutorEnvironment
from ibgateway_runtime.http_server import served

logger = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 0.5


async def ledger_taken(environment: ExecutorEnvironment, take: Callable[[], None]) -> bool:
    """Call `take` in a thread until it does not say LedgerUnavailableError; False where a signal came first."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    why = await _tried(take)
    if not why:
        return True
    logger.warning("%s", why)
    async with _standing_in(environment, lambda: why):
        while why and not ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    await ended.wait()
            again = await _tried(take)
            if again and again != why:
                logger.warning("%s", again)
            why = again
    return not why


async def _tried(take: Callable[[], None]) -> str:
    try:
        await asyncio.to_thread(take)
    except LedgerUnavailableError as error:
        return str(error)
    return ""


@contextlib.asynccontextmanager
async def _standing_in(
    environment: ExecutorEnvironment, why: Callable[[], str]
) -> AsyncIterator[None]:
    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="waiting for the ledger\n")

    async def not_ready(_: web.Request) -> web.Response:
        return web.Response(status=503, text=f"{GateReason.LEDGER_UNAVAILABLE}: {why()}\n")

    async def refused(_: web.Request) -> web.Response:
        document = json.dumps(problem("LedgerUnavailable", why())).encode()
        headers = {"Retry-After": "5", "Content-Type": MEDIA_TYPE}
        return web.Response(body=document, status=503, headers=headers)

    probes, intake = web.Application(), web.Application()
    probes.router.add_get("/healthz", alive)
    probes.router.add_get("/readyz", not_ready)
    intake.router.add_route("*", "/{path:.*}", refused)
    async with (
        served(probes, bind=environment.bind, port=environment.health_port),
        served(intake, bind=environment.bind, port=environment.port),
    ):
        yield
