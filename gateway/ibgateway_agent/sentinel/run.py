"""The sentinel as a process: its loop and its two HTTP ports, until TERM."""

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from ibgateway_agent.sentinel import server
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.notifications.telling import SentinelNotifications
from ibgateway_agent.sentinel.process.ibc_command import send
from ibgateway_agent.sentinel.settings import SentinelEnvironment, environment
from ibgateway_runtime.clock import Clock, system_clock
from ibgateway_runtime.http_client import client_session
from ibgateway_runtime.http_server import served
from ibgateway_runtime.metrics import metrics_route


async def run(env: Mapping[str, str]) -> None:
    """Watch and answer until SIGTERM or SIGINT; SettingsError where the sentinel can't run."""
    at, clock = environment(env), system_clock()
    sentinel = Sentinel(
        at,
        clock=clock,
        boot=secrets.token_hex(8),
        tell_driver=partial(send, at.command_port),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        telling = await stack.enter_async_context(_telling(sentinel, at, clock))
        apps = (
            (_api(sentinel, at, clock, telling), at.port),
            (_metrics(sentinel), at.metrics_port),
        )
        for app, port in apps:
            await stack.enter_async_context(served(app, bind=at.bind, port=port))
        await _watch_until(stop, sentinel)


@contextlib.asynccontextmanager
async def _telling(
    sentinel: Sentinel, at: SentinelEnvironment, clock: Clock
) -> AsyncIterator[SentinelNotifications]:
    """Tells people beside the loop, and never instead of it: its end or its error is no end of the sentinel."""
    async with client_session() as session:
        telling = SentinelNotifications(
            at,
            publisher=sentinel.publisher,
            alive=sentinel.alive,
            count=sentinel.metrics.notification,
            clock=clock,
        )
        task = asyncio.create_task(telling.run(session))
        try:
            yield telling
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await telling.close()


async def _watch_until(stop: asyncio.Event, sentinel: Sentinel) -> None:
    """The loop's own error ends the process: a sentinel that no longer looks is worth nothing."""
    watching = asyncio.create_task(sentinel.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([watching, stopping], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        stopping.cancel()
        await asyncio.gather(watching, stopping, return_exceptions=True)


def _api(
    sentinel: Sentinel, at: SentinelEnvironment, clock: Clock, telling: SentinelNotifications
) -> web.Application:
    def operator_asks() -> None:
        telling.operator_asks()
        sentinel.metrics.operator_asked()

    return server.application(
        publisher=sentinel.publisher,
        accept=sentinel.accept,
        hand_over=sentinel.hand_over,
        take_turn=sentinel.take_turn,
        alive=sentinel.alive,
        operator_asks=operator_asks,
        drain=sentinel.drain,
        console=sentinel.console_report,
        at_console=sentinel.asked_at_console,
        gate=sentinel.gate,
        request_drain=sentinel.request_drain,
        tokens=server.SentinelTokens(agent=at.token_file, gate=at.gate_token_file),
        clock=clock,
    )


def _metrics(sentinel: Sentinel) -> web.Application:
    app = web.Application()
    metrics = sentinel.metrics
    app.add_routes([metrics_route(metrics.registry, metrics.volume.look)])
    return app
