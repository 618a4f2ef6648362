"""The composition root: everything is made here, started together and ends together.

One task that ends takes the process down: the kubelet starts it again and nothing is lost.
"""

import asyncio
import contextlib
import fcntl
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn
from aiohttp import web

from ibgateway_executor import news, probes
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.connection import GatewayConnection, Parts
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.protocol import Listener
from ibgateway_executor.dispatch.dispatcher import Dispatcher
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.submit import OrderSubmitter, Tools
from ibgateway_executor.errors import StartRefusedError
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.intake import http
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.ledger.recorder import ReportRecorder
from ibgateway_executor.ledger.sqlite import open_ledger
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.order import OrderState
from ibgateway_executor.settings import ExecutorEnvironment, watched_settings, watched_token

logger = logging.getLogger(__name__)

LOCK_WAIT_SECONDS: Final = 20.0
LOCK_RETRY_SECONDS: Final = 0.25
LAST_TURN_SECONDS: Final = 10.0
DRAIN_ROUNDS: Final = 50
DRAIN_PAUSE_SECONDS: Final = 0.1


def now() -> datetime:
    """The time, aware UTC."""
    return datetime.now(UTC)


class Program:
    """All parts of one process, wired."""

    def __init__(self, environment: ExecutorEnvironment, ledger: LedgerThread) -> None:
        settings = watched_settings(environment.settings)
        fixed = settings.value()
        agent_token = watched_token(environment.agent_token)
        address = ib.GatewayAddress(fixed.api_host, fixed.api_port, fixed.client_id)

        async def connect(listener: Listener) -> ib.IbBroker:
            return await ib.connect(address, listener)

        self.sentinel = (fixed.sentinel_url, agent_token.value)
        self.metrics = ExecutorMetrics()
        self.news = news.News(self._news_changed)
        self.desk = TradingGate(settings, self.news, now)
        self.recorder = ReportRecorder(ledger, self.metrics, now)
        parts = Parts(connect, self.news, ledger, self.recorder, self.metrics)
        self.link = GatewayConnection(
            parts, trusted=self.desk.trusts, changed=self._wake, clock=now
        )
        contracts = Contracts(now)
        tools = Tools(ledger, self.link, self.desk, contracts, self.metrics)
        preparation = Preparation(ledger, self.desk, contracts, now)
        self.dispatcher = Dispatcher(tools, preparation, OrderSubmitter(tools, now), now)
        self.desk.proof = lambda: self.link.proof
        self.recorder.changed, self.recorder.doubted = self._wake, self.link.doubt
        client_token = watched_token(environment.token).value
        client_token()
        self.office = http.Office(
            ledger=ledger,
            desk=self.desk,
            acceptance=Acceptance(
                ledger, self.desk, self.metrics, clock=now, new_id=lambda: secrets.token_hex(12)
            ),
            client_token=client_token,
            agent_token=agent_token.value,
            wake=self._wake,
            clock=now,
        )
        self.vitals = probes.Vitals(
            self.desk.gate, lambda: self.dispatcher.beat, ledger, self.metrics, self.news
        )

    def _news_changed(self) -> None:
        self.link.wake()
        self.dispatcher.wake()

    def _wake(self) -> None:
        self.dispatcher.wake()


async def run(environment: ExecutorEnvironment) -> None:
    """Serve until SIGTERM or SIGINT; StartRefusedError when this process must not run."""
    environment.data.mkdir(parents=True, exist_ok=True)
    async with _locked(environment.data / "executor.lock"):
        ledger = LedgerThread(await asyncio.to_thread(open_ledger, environment.data / "ledger.db"))
        try:
            await _prepare(ledger, watched_settings(environment.settings).value().trading_mode)
            await _serve(environment, Program(environment, ledger))
        finally:
            ledger.close()


async def _prepare(ledger: LedgerThread, mode: str) -> None:
    await ledger.call(ledger.ledger.stamp, mode)
    for order in await ledger.call(ledger.ledger.recover, now()):
        logger.warning("order %s was being sent when the executor ended: %s", order.id, order.state)


async def _serve(environment: ExecutorEnvironment, executor: Program) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    url, token = executor.sentinel
    async with _probes(environment, executor):
        dispatching = asyncio.create_task(executor.dispatcher.run(), name="dispatcher")
        tasks = {
            dispatching,
            asyncio.create_task(news.follow(executor.news, url, token), name="news"),
            asyncio.create_task(executor.recorder.run(), name="recorder"),
            asyncio.create_task(executor.link.run(), name="link"),
            asyncio.create_task(_intake(environment, executor), name="intake"),
            asyncio.create_task(ended.wait(), name="signal"),
        }
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await _drain(executor, dispatching)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        executor.link.close()
        for task in done:
            task.result()
        logger.info("the executor ends")


async def _drain(executor: Program, dispatching: asyncio.Task[None]) -> None:
    """Send nothing more, and give the broker a moment to acknowledge what it was sent."""
    executor.dispatcher.stop()
    await asyncio.wait({dispatching}, timeout=LAST_TURN_SECONDS)
    ledger = executor.office.ledger
    for _ in range(DRAIN_ROUNDS):
        active = await ledger.call(ledger.ledger.active)
        if not any(order.state is OrderState.SENDING for order in active):
            return
        await asyncio.sleep(DRAIN_PAUSE_SECONDS)


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers as they are."""
        yield


async def _intake(environment: ExecutorEnvironment, executor: Program) -> None:
    config = uvicorn.Config(
        http.application(executor.office),
        host=environment.bind,
        port=environment.port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    await _Server(config).serve()


@contextlib.asynccontextmanager
async def _probes(environment: ExecutorEnvironment, executor: Program) -> AsyncIterator[None]:
    runner = web.AppRunner(probes.application(executor.vitals), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, environment.bind, environment.health_port).start()
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold the ledger's lock: two executors on one ledger would send orders twice."""
    with path.open("w") as file:
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT_SECONDS
        while not _taken(file.fileno()):
            if asyncio.get_running_loop().time() > deadline:
                raise StartRefusedError(
                    "another executor holds this ledger: only one may run at a time; end the other one"
                )
            await asyncio.sleep(LOCK_RETRY_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
