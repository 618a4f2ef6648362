"""The composition root: everything is made here, started together and ends together.

What is shared is made first (clock, metrics, wake-ups, the current connection), then what reads and
writes it; how each part is made stands in `composition`. One task that ends takes the process down:
the kubelet starts it again and nothing is lost.
"""

from contextlib import suppress
from functools import partial
from typing import Final

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor import probes
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.recorder import ReportRecorder
from ibgateway_executor.broker.snapshots import BrokerSnapshots
from ibgateway_executor.composition.backups import backup_record, keep_backups
from ibgateway_executor.composition.gateway_side import (
    gateway_connection,
    sentinel_endpoint,
    sentinel_follower,
)
from ibgateway_executor.composition.ledger_store import opened_store
from ibgateway_executor.composition.placing import intake_application, order_acceptance
from ibgateway_executor.composition.rebalancing import (
    rebalance_acceptance,
    rebalance_runner,
    targets_follower,
)
from ibgateway_executor.composition.sending import order_dispatcher
from ibgateway_executor.composition.watched import Settings, needed_token
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.intake import server
from ibgateway_executor.intake.event_feed import EventFeed
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.housekeeping import keep_archiving, keep_written
from ibgateway_executor.ledger.lock import LedgerLock
from ibgateway_executor.lifetime import drain_report, until_one_ends
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.settings import ExecutorEnvironment
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock, system_clock
from ibgateway_runtime.http_client import HttpClient, client_session
from ibgateway_runtime.http_server import served
from ibgateway_runtime.watched_file import watched_document

SENTINEL_CONNECT_SECONDS: Final = 1.0


async def run(environment: ExecutorEnvironment) -> None:
    """Serve until SIGTERM or SIGINT; SettingsError or StartRefusedError when it must not run."""
    settings = watched_document(environment.settings, ExecutorSettings).value
    clock, metrics, changed = system_clock(), ExecutorMetrics(), Wakeup()
    lock = LedgerLock(environment.data / "executor.lock", clock)
    try:
        store = await opened_store(environment, lock, clock)
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
    client_token = needed_token(environment.token)
    agent_token = needed_token(environment.agent_token)
    wanted = Wakeup()
    current = CurrentConnection(clock=clock, changed=changed, wanted=wanted)
    sentinel = sentinel_follower(client, clock, (changed, wanted))
    gate = TradingGate(
        settings=settings,
        sentinel=sentinel,
        connection=current,
        ledger_problem=lambda: ledger.problem,
        paused=lambda: ledger.pause.standing,
        clock=clock,
    )
    recorder, pacer = ReportRecorder(ledger, current), MessagePacer(clock.monotonic)
    connection = gateway_connection(
        *(settings, sentinel, ledger, recorder, current),
        pacer=pacer,
        metrics=metrics,
        clock=clock,
        wakeup=wanted,
    )
    cancels = CancelWriter(connection=current, pacer=pacer, clock=clock, changed=changed)
    contracts = Contracts(clock, changed)
    dispatcher = order_dispatcher(
        *(settings, gate, ledger, current, cancels),
        sentinel=sentinel,
        contracts=contracts,
        pacer=pacer,
        metrics=metrics,
        clock=clock,
        wakeup=changed,
    )
    backup = backup_record(environment, clock)
    feed = EventFeed(ledger, gate.evaluate, monotonic=clock.monotonic)
    endpoint = partial(sentinel_endpoint, settings().sentinel_url)
    acceptance = order_acceptance(settings, gate, ledger, clock)
    trade = (settings, gate, ledger, current, clock)
    rebalances = rebalance_acceptance(*trade, contracts=contracts)
    runner = rebalance_runner(*trade, contracts=contracts, acceptance=acceptance)
    follower = targets_follower(environment, settings, client.session, rebalances, clock)
    intake = intake_application(
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
            keep_backups(environment, backup, metrics, clock),
            keep_archiving(ledger, lambda: settings().archive_after_days, clock),
            feed.run(),
            server.serve(intake, bind=environment.bind, port=environment.port, end=feed.end),
        )
