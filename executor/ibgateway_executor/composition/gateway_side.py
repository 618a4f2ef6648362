"""What the executor has of its gateway: the sentinel's word, and the connection to the API."""

import logging
from collections.abc import Iterable

from ibgateway_executor.broker import ib
from ibgateway_executor.broker.connection import GatewayConnection
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.protocol import Listener
from ibgateway_executor.broker.recorder import ReportRecorder
from ibgateway_executor.composition.watched import Settings
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_client import Endpoint, HttpClient
from ibgateway_runtime.sentinel_client import SentinelFollower


def sentinel_endpoint(url: str, token: bytes) -> Endpoint:
    """Where the sentinel answers."""
    return Endpoint(url, token=token.decode())


def sentinel_follower(
    client: HttpClient, clock: Clock, wakeups: Iterable[Wakeup]
) -> SentinelFollower:
    """Who hears the sentinel; each news sets the wake-ups."""

    def wake() -> None:
        for wakeup in wakeups:
            wakeup.set()

    now = clock.monotonic
    return SentinelFollower(client, clock=now, on_change=wake, first_silence=logging.WARNING)


def gateway_connection(
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
    """Who keeps the connection; its address stays that of the start."""
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
