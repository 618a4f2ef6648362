"""The console's process: settings from the environment, two ports, until SIGTERM."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from ibgateway_agent.console.app import Front, admin_app, people_app
from ibgateway_agent.console.errors import ConsoleSettingsError
from ibgateway_agent.console.guard import RequestGuard
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.reachability import PolicyObservation, PolicyWatch
from ibgateway_agent.console.session import SessionState
from ibgateway_agent.console.settings import ConsoleSettings, from_env, token_reader

STOP_SECONDS: Final = 3.0
"""How long open sessions may take to close at the end."""

logger = logging.getLogger(__name__)


def main() -> None:
    """Runs the console until SIGTERM or SIGINT; exits with one clear line if it can't start."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(_until_stopped(from_env(os.environ)))
    except ConsoleSettingsError as problem:
        sys.exit(f"console: {problem}")


async def _until_stopped(settings: ConsoleSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings):
        logger.info(
            "serving the display %s on port %d, auth %s, network policies checked at %s",
            settings.display,
            settings.port,
            settings.auth,
            settings.api or "nothing",
        )
        await stop.wait()


@contextlib.asynccontextmanager
async def running(settings: ConsoleSettings) -> AsyncIterator[None]:
    """Both ports open and the watch on NetworkPolicies going; closed at the end."""
    metrics = ConsoleMetrics()
    latest = Latest(metrics)
    front = Front(
        guard=RequestGuard(hosts=settings.hosts, allowed_origins=settings.allowed_origins),
        desk=SessionState(display=settings.display, token=_token(settings), metrics=metrics),
        static=settings.static,
    )
    async with contextlib.AsyncExitStack() as stack:
        for app, port in (
            (people_app(front), settings.port),
            (admin_app(metrics, latest.belief), settings.admin_port),
        ):
            await stack.enter_async_context(_served(app, bind=settings.bind, port=port))
        if settings.api is not None:
            watch = PolicyWatch(api=settings.api, control=settings.display, tell=latest.tell)
            await stack.enter_async_context(_background(watch))
        yield


class Latest:
    """The newest belief about NetworkPolicies, also as a gauge."""

    def __init__(self, metrics: ConsoleMetrics) -> None:
        self._belief = PolicyObservation()
        self._metrics = metrics

    def belief(self) -> PolicyObservation:
        """What the watch told last."""
        return self._belief

    def tell(self, belief: PolicyObservation) -> None:
        """Keeps the news."""
        self._belief = belief
        if belief.enforced is not None:
            self._metrics.enforced.set(belief.enforced)


def _token(settings: ConsoleSettings) -> Callable[[], bytes] | None:
    if settings.token_file is None:
        return None
    read = token_reader(settings.token_file)
    if not read():
        raise ConsoleSettingsError(f"CONSOLE_TOKEN_FILE: {settings.token_file} is missing or empty")
    return read


@contextlib.asynccontextmanager
async def _served(app: web.Application, *, bind: str | None, port: int) -> AsyncIterator[None]:
    # No access log: a request line could hold what a person typed into the wrong place.
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=STOP_SECONDS, handler_cancellation=True
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, bind, port).start()
        except OSError as problem:
            raise ConsoleSettingsError(
                f"port {port} can't be opened: {problem.strerror}"
            ) from problem
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _background(watch: PolicyWatch) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run())
        yield
        task.cancel()


if __name__ == "__main__":
    main()
