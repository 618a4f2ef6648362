"""Runs IBKR's side: the control API and the gateways' WebSocket on one port, the broker on another.

Here time and randomness enter.
"""

import asyncio
import contextlib
import datetime as dt
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import web

from ibgateway_simulator.ibkr.api_client import accept
from ibgateway_simulator.ibkr.control import ControlApi
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.ibkr.settings import IbkrSettings


@dataclass(frozen=True, slots=True)
class Running:
    """A started IBKR with the ports it really listens on."""

    ibkr: SimulatedIbkr
    port: int
    broker_port: int


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _random_id() -> str:
    return secrets.token_hex(8)


@contextlib.asynccontextmanager
async def running(
    settings: IbkrSettings,
    *,
    now: Callable[[], dt.datetime] = _utc_now,
    new_id: Callable[[], str] = _random_id,
) -> AsyncIterator[Running]:
    """IBKR's side for the time of the block; port 0 takes a free one."""
    ibkr = SimulatedIbkr(settings.users, rules=settings.rules, now=now, new_id=new_id)
    async with (
        _control_api(ibkr, settings) as port,
        _broker(ibkr, settings) as broker_port,
        _ticking(ibkr),
    ):
        yield Running(ibkr, port, broker_port)


async def serve(settings: IbkrSettings, stop: asyncio.Event) -> None:
    """Run until `stop` is set."""
    async with running(settings):
        await stop.wait()


@contextlib.asynccontextmanager
async def _control_api(ibkr: SimulatedIbkr, settings: IbkrSettings) -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes(ControlApi(ibkr).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.bind, settings.port).start()
        port: int = runner.addresses[0][1]
        yield port
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _broker(ibkr: SimulatedIbkr, settings: IbkrSettings) -> AsyncIterator[int]:
    connections: set[asyncio.Task[None]] = set()
    monotonic = asyncio.get_running_loop().time

    async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(accept(ibkr, reader, writer, monotonic=monotonic))
        connections.add(task)
        task.add_done_callback(connections.discard)

    broker = await asyncio.start_server(serve_client, settings.bind, settings.broker_port)
    try:
        port: int = broker.sockets[0].getsockname()[1]
        yield port
    finally:
        broker.close()
        await asyncio.gather(*(_ended(task) for task in connections))


@contextlib.asynccontextmanager
async def _ticking(ibkr: SimulatedIbkr) -> AsyncIterator[None]:
    task = asyncio.create_task(ibkr.run())
    try:
        yield
    finally:
        task.cancel()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
