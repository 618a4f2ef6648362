"""The console's process: settings from the environment, two ports, until SIGTERM."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from ibgateway_agent.console.app import admin_app, people_app
from ibgateway_agent.console.buttons import Buttons
from ibgateway_agent.console.guard import RequestGuard
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.presses import ButtonKeys
from ibgateway_agent.console.reachability import PolicyObservation, PolicyWatch, before_login
from ibgateway_agent.console.sentinel import SentinelReader
from ibgateway_agent.console.session import SessionState
from ibgateway_agent.console.settings import ConsoleSettings, from_env, token_reader
from ibgateway_runtime.clock import system_clock
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.http_client import Endpoint
from ibgateway_runtime.http_server import served

STOP_SECONDS: Final = 3.0
"""How long open sessions may take to close at the end."""

logger = logging.getLogger(__name__)


async def run(env: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT; SettingsError where the console can't run."""
    settings = from_env(env)
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
    latest = LatestObservation(metrics)
    guard = RequestGuard(hosts=settings.hosts, allowed_origins=settings.allowed_origins)
    sessions = _sessions(settings, metrics)
    people = people_app(
        guard=guard,
        sessions=sessions,
        static=settings.static,
        gateway=settings.gateway,
        sentinel=SentinelReader(settings.sentinel, system_clock()),
        buttons=_buttons(settings, sessions, guard, latest),
    )
    async with contextlib.AsyncExitStack() as stack:
        for app, port in (
            (people, settings.port),
            (admin_app(metrics, latest.value), settings.admin_port),
        ):
            await stack.enter_async_context(
                served(app, bind=settings.bind, port=port, stop_seconds=STOP_SECONDS)
            )
        if settings.api is not None:
            watch = PolicyWatch(
                settings.api,
                control=settings.display,
                publish=latest.publish,
                before_login=before_login(settings.api),
            )
            await stack.enter_async_context(_background(watch))
        yield


class LatestObservation:
    """What is known of NetworkPolicies now, also as a gauge."""

    def __init__(self, metrics: ConsoleMetrics) -> None:
        self._observed = PolicyObservation()
        self._metrics = metrics

    def value(self) -> PolicyObservation:
        """What was published last."""
        return self._observed

    def publish(self, observed: PolicyObservation) -> None:
        """Keeps it."""
        self._observed = observed
        if observed.enforced is not None:
            self._metrics.enforced.set(observed.enforced)


def _sessions(settings: ConsoleSettings, metrics: ConsoleMetrics) -> SessionState:
    return SessionState(
        display=settings.display, token=_token(settings), metrics=metrics, clock=system_clock()
    )


def _buttons(
    settings: ConsoleSettings,
    sessions: SessionState,
    guard: RequestGuard,
    latest: LatestObservation,
) -> Buttons | None:
    files, address = settings.buttons, settings.sentinel
    if files is None or address is None:
        return None
    agent_token = token_reader(files.agent_token)
    keys = ButtonKeys(
        sentinel=lambda: Endpoint(f"http://{address}", token=agent_token().decode()),
        password=token_reader(files.vnc_password),
        token=sessions.token,
        limits=sessions.limits,
        monotonic=sessions.clock.monotonic,
        policies_proven=lambda: latest.value().enforced is True,
    )
    return Buttons(keys, guard, sessions.metrics, sessions.clock.now)


def _token(settings: ConsoleSettings) -> Callable[[], bytes] | None:
    if settings.token_file is None:
        return None
    read = token_reader(settings.token_file)
    if not read():
        raise SettingsError(f"CONSOLE_TOKEN_FILE: {settings.token_file} is missing or empty")
    return read


@contextlib.asynccontextmanager
async def _background(watch: PolicyWatch) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run())
        yield
        task.cancel()
