"""The composition root: everything is made here, started together and ends together.

What is shared is made first (clock, metrics, wake-ups, the current connection), then what reads and
writes it. One task that ends takes the process down: the kubelet starts it again and nothing is lost.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor import probes
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.connection import GatewayConnection
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.positions import AccountPositions
from ibgateway_executor.broker.prices import Prices
from ibgateway_executor.broker.protocol import Listener
from ibgateway_executor.broker.recorder import ReportRecorder
from ibgateway_executor.broker.snapshots import BrokerSnapshots
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.dispatch.dispatcher import Dispatcher
from ibgateway_executor.dispatch.limit_check import LimitCheck
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.replacements import OrderReplacements
from ibgateway_executor.dispatch.resends import OrderResends
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.dispatch.waits import OrderWaits
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.intake import http, server
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.access import CLUSTER_DOMAIN, cluster_domain
from ibgateway_executor.intake.event_feed import EventFeed
from ibgateway_executor.intake.idempotency import read_key
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.intake.services import IntakeServices
from ibgateway_executor.ledger.backup import keep_backups, put_in_place
from ibgateway_executor.ledger.backup_record import BackupRecord
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.housekeeping import keep_archiving, keep_written
from ibgateway_executor.ledger.lock import LedgerLock
from ibgateway_executor.ledger.sqlite import open_sqlite
from ibgateway_executor.ledger.store import LedgerStore
from ibgateway_executor.lifetime import drain_report, until_one_ends
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.order import Order, order_uid
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance
from ibgateway_executor.rebalance_runs.orders import RebalanceOrders
from ibgateway_executor.rebalance_runs.runner import RebalanceRunner
from ibgateway_executor.rebalance_runs.steps import RebalanceSteps
from ibgateway_executor.rebalance_runs.target_source import TargetSource
from ibgateway_executor.rebalance_runs.targets_follower import TargetsFollower
from ibgateway_executor.settings import LEDGER, ExecutorEnvironment
from ibgateway_executor.stand_in import ledger_taken
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock, system_clock
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.http_client import Endpoint, HttpClient, client_session
from ibgateway_runtime.http_server import served
from ibgateway_runtime.sentinel_client import SentinelFollower
from ibgateway_runtime.watched_file import watched_document, watched_token

logger = logging.getLogger(__name__)

SENTINEL_CONNECT_SECONDS: Final = 1.0
RESOLV_CONF: Final = Path("/etc/resolv.conf")

Settings = Callable[[], ExecutorSettings]
Token = Callable[[], bytes]


async def run(environment: ExecutorEnvironment) -> None:
    """Serve until SIGTERM or SIGINT; SettingsError or StartRefusedError when it must not run."""
    settings = watched_document(environment.settings, ExecutorSettings).value
    clock, metrics, changed = system_clock(), ExecutorMetrics(), Wakeup()
    lock = LedgerLock(environment.data / "executor.lock", clock)
    try:
        store = await _store(environment, lock, clock)
        if store is None:
            return
        ledger = Ledger(store, clock=clock, metrics=metrics, changed=changed)
        try:
            with suppress(LedgerUnavailableError):
                await ledger.begin(settings().trading_mode)
            async with client_session() as session:
                await _serve(
                    environment,
                    settings=settings,
                    ledger=ledger,
                    client=HttpClient(session, connect_seconds=SENTINEL_CONNECT_SECONDS),
                    metrics=metrics,
                    clock=clock,
                    changed=changed,
                )
        finally:
            ledger.close()
    finally:
        lock.release()


async def _store(
    environment: ExecutorEnvironment, lock: LedgerLock, clock: Clock
) -> LedgerStore | None:
    """The ledger's store, once no other executor has it; None where this process is to end before."""
    if environment.database is not None:
        # Here, because its driver takes 8 MiB that an executor with a file has no use for.
        from ibgateway_executor.ledger.postgres import postgres_store  # noqa: PLC0415

        postgres = postgres_store(environment.database, clock.monotonic)
        return postgres if await ledger_taken(environment, postgres.open) else None
    if not await ledger_taken(environment, lock.take):
        return None
    path = environment.data / LEDGER
    await asyncio.to_thread(put_in_place, path, clock.now())
    return await asyncio.to_thread(open_sqlite, path)


async def _serve(
    environment: ExecutorEnvironment,
    *,
    settings: Settings,
    ledger: Ledger,
    client: HttpClient,
    metrics: ExecutorMetrics,
    clock: Clock,
    changed: Wakeup,
) -> None:
    """Make the parts and run them. `changed` wakes the dispatcher, `wanted` the connection."""
    client_token, agent_token = _token(environment.token), _token(environment.agent_token)
    wanted = Wakeup()
    current = CurrentConnection(clock=clock, changed=changed, wanted=wanted)
    sentinel = _sentinel(client, clock, (changed, wanted))
    gate = TradingGate(
        settings=settings,
        sentinel=sentinel,
        connection=current,
        ledger_problem=lambda: ledger.problem,
        paused=lambda: ledger.pause.standing,
        clock=clock,
    )
    recorder = ReportRecorder(ledger, current)
    pacer = MessagePacer(clock.monotonic)
    connection = _connection(
        *(settings, sentinel, ledger, recorder, current),
        pacer=pacer,
        metrics=metrics,
        clock=clock,
        wakeup=wanted,
    )
    cancels = CancelWriter(connection=current, pacer=pacer, clock=clock, changed=changed)
    contracts = Contracts(clock, changed)
    dispatcher = _dispatcher(
        *(settings, gate, ledger, current, cancels),
        sentinel=sentinel,
        contracts=contracts,
        pacer=pacer,
        metrics=metrics,
        clock=clock,
        wakeup=changed,
    )
    backup = _backup_record(environment, clock)
    feed = EventFeed(ledger, gate.evaluate, monotonic=clock.monotonic)
    endpoint = partial(_endpoint, settings().sentinel_url)
    acceptance = _acceptance(settings, gate, ledger, clock)
    rebalances = _rebalances(settings, gate, ledger, current, clock, contracts=contracts)
    follower = TargetsFollower(
        settings=settings,
        source=TargetSource(
            client.session,
            _optional_token(environment.targets_token),
            environment.data / "targets.json",
        ),
        intake=rebalances,
        clock=clock,
    )
    runner = _runner(
        *(settings, gate, ledger, current, clock), contracts=contracts, acceptance=acceptance
    )
    intake = _intake(
        *(settings, gate, ledger, clock),
        acceptance=acceptance,
        rebalances=rebalances,
        targets=follower.document,
        backup=backup,
        client_token=client_token,
        agent_token=agent_token,
        cancels=cancels,
        feed=feed,
        snapshots=BrokerSnapshots(current, clock),
    )
    checks = probes.application(
        gate=gate.evaluate,
        dispatched_at=lambda: dispatcher.dispatched_at,
        ledger=ledger,
        connection=current,
        sentinel=sentinel,
        metrics=metrics,
        data=environment.data,
        backup=backup,
        clock=clock,
    )
    async with served(checks, bind=environment.bind, port=environment.health_port):
        await until_one_ends(
            dispatcher,
            connection,
            ledger,
            sentinel.follow(
                lambda: endpoint(agent_token()), partial(drain_report, ledger, contracts.closes)
            ),
            recorder.run(),
            runner.run(),
            follower.run(),
            keep_written(ledger),
            _keep_backups(environment, backup, metrics, clock),
            keep_archiving(ledger, lambda: settings().archive_after_days, clock),
            feed.run(),
            server.serve(intake, bind=environment.bind, port=environment.port, end=feed.end),
        )


def _backup_record(environment: ExecutorEnvironment, clock: Clock) -> BackupRecord:
    """Of copies where there is a place for them; a database is its owner's to copy."""
    taken = environment.backup is not None and environment.database is None
    every = timedelta(hours=environment.backup_hours) if taken else None
    return BackupRecord(every, clock.now())


async def _keep_backups(
    environment: ExecutorEnvironment, record: BackupRecord, metrics: ExecutorMetrics, clock: Clock
) -> None:
    """Copies of the ledger, where any are to be taken."""
    if environment.backup is None or record.every is None:
        await asyncio.Event().wait()
        return
    await keep_backups(
        environment.data / LEDGER,
        environment.backup,
        every=record.every,
        keep=environment.backup_keep,
        clock=clock,
        record=record,
        metrics=metrics,
    )


def _token(path: Path) -> Token:
    """A token that is read again when it changes; SettingsError where there is none now."""
    watched = watched_token(path)
    watched.value()
    return watched.value


def _optional_token(path: Path) -> Token:
    """A token that need not be there: then it is empty."""
    watched = watched_token(path)

    def token() -> bytes:
        try:
            return watched.value()
        except SettingsError:
            return b""

    return token


def _endpoint(url: str, token: bytes) -> Endpoint:
    return Endpoint(url, token=token.decode())


def _sentinel(client: HttpClient, clock: Clock, wakeups: Iterable[Wakeup]) -> SentinelFollower:
    def wake() -> None:
        for wakeup in wakeups:
            wakeup.set()

    now = clock.monotonic
    return SentinelFollower(client, clock=now, on_change=wake, first_silence=logging.WARNING)


def _connection(
    settings: Settings,
    sentinel: SentinelFollower,
    ledger: Ledger,
    recorder: ReportRecorder,
    current: CurrentConnection,
    *,
    pacer: MessagePacer,
    metrics: ExecutorMetrics,
    clock: Clock,
    wakeup: Wakeup,
) -> GatewayConnection:
    fixed = settings()
    address = ib.GatewayAddress(fixed.api_host, fixed.api_port, fixed.client_id)

    async def connect(listener: Listener) -> ib.IbBroker:
        return await ib.connect(address, listener, pacer)

    return GatewayConnection(
        connect=connect,
        current=current,
        sentinel=sentinel,
        settings=settings,
        ledger=ledger,
        recorder=recorder,
        metrics=metrics,
        clock=clock,
        wakeup=wakeup,
    )


def _dispatcher(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    current: CurrentConnection,
    cancels: CancelWriter,
    *,
    sentinel: SentinelFollower,
    contracts: Contracts,
    pacer: MessagePacer,
    metrics: ExecutorMetrics,
    clock: Clock,
    wakeup: Wakeup,
) -> Dispatcher:
    preparation = Preparation(ledger=ledger, accounts=gate.accounts, contracts=contracts)
    submitter = OrderSubmitter(
        ledger=ledger,
        connection=current,
        gate=gate.evaluate,
        settings=settings,
        contracts=contracts,
        limits=LimitCheck(
            ledger=ledger,
            connection=current,
            settings=settings,
            prices=Prices(clock, wakeup),
            positions=AccountPositions(clock, wakeup, ledger.filled_at),
        ),
        pacer=pacer,
        metrics=metrics,
        clock=clock,
    )
    waits = OrderWaits(
        ledger=ledger,
        connection=current,
        settings=settings,
        contracts=contracts,
        preparation=preparation,
        submitter=submitter,
        clock=clock,
    )
    return Dispatcher(
        ledger=ledger,
        connection=current,
        gate=gate.evaluate,
        preparation=preparation,
        submitter=submitter,
        waits=waits,
        cancels=cancels,
        replacements=OrderReplacements(ledger, current, clock),
        resends=OrderResends(
            ledger=ledger,
            connection=current,
            sentinel=sentinel,
            settings=settings,
            gate=gate.evaluate,
            submitter=submitter,
            clock=clock,
        ),
        metrics=metrics,
        clock=clock,
        wakeup=wakeup,
    )


def _new_id(settings: Settings) -> Callable[[str], str]:
    here = settings()
    return partial(order_uid, gateway=here.gateway, namespace=here.namespace)


def _acceptance(settings: Settings, gate: TradingGate, ledger: Ledger, clock: Clock) -> Acceptance:
    return Acceptance(
        ledger=ledger,
        settings=settings,
        accounts=gate.accounts,
        clock=clock,
        new_id=_new_id(settings),
    )


def _rebalances(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    current: CurrentConnection,
    clock: Clock,
    *,
    contracts: Contracts,
) -> RebalanceAcceptance:
    return RebalanceAcceptance(
        ledger=ledger,
        connection=current,
        contracts=contracts,
        settings=settings,
        accounts=gate.accounts,
        clock=clock,
        new_id=_new_id(settings),
    )


def _runner(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    current: CurrentConnection,
    clock: Clock,
    *,
    contracts: Contracts,
    acceptance: Acceptance,
) -> RebalanceRunner:
    async def place(key: str, body: OrderBody, rebalance: str) -> Order:
        return (await acceptance.accept(read_key([key]), body, rebalance=rebalance))[0]

    orders = RebalanceOrders(ledger, place=place, order_name=_new_id(settings))
    steps = RebalanceSteps(
        ledger=ledger,
        connection=current,
        contracts=contracts,
        settings=settings,
        orders=orders,
        clock=clock,
    )
    return RebalanceRunner(
        ledger=ledger, gate=gate.evaluate, steps=steps, orders=orders, clock=clock
    )


def _intake(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    clock: Clock,
    *,
    acceptance: Acceptance,
    rebalances: RebalanceAcceptance,
    targets: Callable[[], dict[str, Any]],
    backup: BackupRecord,
    client_token: Token,
    agent_token: Token,
    cancels: CancelWriter,
    feed: EventFeed,
    snapshots: BrokerSnapshots,
) -> FastAPI:
    return http.application(
        IntakeServices(
            ledger=ledger,
            acceptance=acceptance,
            rebalances=rebalances,
            targets=targets,
            backup_problem=lambda: backup.problem(clock.now()),
            gate=gate.evaluate,
            settings=settings,
            client_token=client_token,
            agent_token=agent_token,
            last_cancel=cancels.last,
            ask_cancel=cancels.ask,
            cancel_written=cancels.written,
            feed=feed,
            accounts=gate.accounts,
            broker_answers=snapshots,
            cancel_again=cancels.again,
            cluster_domain=_cluster_domain(),
            monotonic=clock.monotonic,
        )
    )


def _cluster_domain() -> str:
    try:
        return cluster_domain(RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return CLUSTER_DOMAIN
