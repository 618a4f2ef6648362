"""The sentinel as a process: its loop and its two HTTP ports, until TERM."""

import asyncio
import secrets
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from ibgateway_agent.sentinel import server
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.process.ibc_command import send
from ibgateway_agent.sentinel.settings import SentinelEnvironment, environment
from ibgateway_runtime.clock import Clock, system_clock
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
        for app, port in (
            (_api(sentinel, at, clock), at.port),
            (_metrics(sentinel), at.metrics_port),
        ):
            await stack.enter_async_context(served(app, bind=at.bind, port=port))
        await _watch_until(stop, sentinel)


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


def _api(sentinel: Sentinel, at: SentinelEnvironment, clock: Clock) -> web.Application:
    return server.application(
        publisher=sentinel.publisher,
        accept=sentinel.accept,
        alive=sentinel.alive,
        token_file=at.token_file,
        clock=clock,
    )


def _metrics(sentinel: Sentinel) -> web.Application:
    app = web.Application()
    app.add_routes([metrics_route(sentinel.metrics.registry)])
    return app
