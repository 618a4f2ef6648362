"""Runs IBKR's side: the control API and the gateways' back end on one port, the broker on another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from ibgateway_simulator.ibkr.api_client import accept
from ibgateway_simulator.ibkr.control import Control
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.ibkr.settings import IbkrSettings


@dataclass(frozen=True, slots=True)
class Running:
    """A started IBKR with the ports it really listens on."""

    ibkr: SimulatedIbkr
    port: int
    broker_port: int


@contextlib.asynccontextmanager
async def running(settings: IbkrSettings) -> AsyncIterator[Running]:
    """IBKR's side for the time of the block; port 0 takes a free one."""
    ibkr = SimulatedIbkr(settings.users)
    ibkr.logins.rules = settings.rules
    app = web.Application()
    app.add_routes(Control(ibkr).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, settings.bind, settings.port)
    await site.start()
    connections: set[asyncio.Task[None]] = set()

    async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(accept(ibkr, reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    broker = await asyncio.start_server(serve_client, settings.bind, settings.broker_port)
    ticking = asyncio.create_task(ibkr.run())
    try:
        port = runner.addresses[0][1]
        yield Running(ibkr, port, broker.sockets[0].getsockname()[1])
    finally:
        ticking.cancel()
        broker.close()
        await asyncio.gather(*(_ended(task) for task in connections))
        await runner.cleanup()


async def serve(settings: IbkrSettings, stop: asyncio.Event) -> None:
    """Run until `stop` is set."""
    async with running(settings):
        await stop.wait()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
