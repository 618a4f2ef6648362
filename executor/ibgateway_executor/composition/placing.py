"""What takes orders, and the HTTP in front of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from ibgateway_api.order_ids import order_uid
from ibgateway_executor.broker.snapshots import BrokerSnapshots
from ibgateway_executor.composition.watched import Settings, Token
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.intake import http
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.access import CLUSTER_DOMAIN, cluster_domain
from ibgateway_executor.intake.event_feed import EventFeed
from ibgateway_executor.intake.services import IntakeServices
from ibgateway_executor.ledger.backup_record import BackupRecord
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance
from ibgateway_runtime.clock import Clock

RESOLV_CONF: Final = Path("/etc/resolv.conf")


def new_id(settings: Settings) -> Callable[[str], str]:
    """What makes an order's id of its key."""
    here = settings()
    return partial(order_uid, gateway=here.gateway, namespace=here.namespace)


def order_acceptance(
    settings: Settings, gate: TradingGate, ledger: Ledger, clock: Clock
) -> Acceptance:
    """Who takes an order, or says why not."""
    return Acceptance(
        ledger=ledger,
        settings=settings,
        accounts=gate.accounts,
        clock=clock,
        new_id=new_id(settings),
    )


def intake_application(
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
    """The HTTP API."""
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
