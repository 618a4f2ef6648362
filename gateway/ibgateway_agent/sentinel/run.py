"""The sentinel as a process: its loop and its two HTTP ports, until TERM."""

import asyncio
import logging
import os
import secrets
import signal
from datetime import UTC, datetime

from aiohttp import web

from ibgateway_agent.errors import AgentError
from ibgateway_agent.sentinel import metrics, server
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.settings import SentinelEnvironment, environment

logger = logging.getLogger(__name__)


def main() -> int:
    """Run the sentinel that the environment describes; 1 where it can't run."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(environment(os.environ)))
    except AgentError as error:
        logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
        return 1
    return 0


async def serve(at: SentinelEnvironment) -> None:
    """Watch and answer until SIGTERM or SIGINT."""
    sentinel = Sentinel(at, lambda: datetime.now(UTC), boot=secrets.token_hex(8))
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    runners = [
        await _listen(_api(sentinel, at), at.bind, at.port),
        await _listen(metrics.application(sentinel.metrics), at.bind, at.metrics_port),
    ]
    watching = asyncio.create_task(sentinel.run())
    ending = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait([watching, ending], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        ending.cancel()
        await asyncio.gather(watching, ending, return_exceptions=True)
        for runner in runners:
            await runner.cleanup()


def _api(sentinel: Sentinel, at: SentinelEnvironment) -> web.Application:
    return server.application(
        server.Doors(
            bulletin=sentinel.bulletin,
            accept=sentinel.accept,
            alive=sentinel.alive,
            token_file=at.token_file,
        )
    )


async def _listen(app: web.Application, bind: str, port: int) -> web.AppRunner:
    """A quick end matters more than a slow client: long polls are cut."""
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, bind or None, port).start()
    return runner
