"""The real registries of all programs, and what a scrape of each shows."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.sentinel.figures import SentinelView
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_api.conditions import Condition, ConditionStatus
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.names import Key
from ibgateway_api.permits import Attempt, Cause, PermitKind, PermitRefusal
from ibgateway_api.reports import HoldReport, PermitReport, SentinelReport
from ibgateway_api.settings import SentinelSettings
from ibgateway_api.status import IBGatewayStatus
from ibgateway_executor.figures import ExecutorView
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.active import ActiveOrders
from ibgateway_executor.orders.order import Contract, Order, OrderTerms, OrderType, Side
from ibgateway_executor.rebalance.last_runs import LatestRebalances
from ibgateway_executor.rebalance.progress import (
    RebalanceReport,
    RebalanceRun,
    RebalanceState,
)
from ibgateway_operator.figures import OperatorView, QueueView
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.figures import VolumeSize

OURS: Final = "ibgateway_"
NOW: Final = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
CLOCK: Final = Clock(now=lambda: NOW, monotonic=lambda: 100.0)
_SUFFIXES: Final = {"histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True)
class Exposed:
    """A metric as a scrape announces it; `series` are the names that a query may use."""

    name: str
    type: str
    text: str
    labels: tuple[str, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """One name, or those of a histogram."""
        return tuple(f"{self.name}{end}" for end in _SUFFIXES.get(self.type, ("",)))


def registries() -> dict[str, CollectorRegistry]:
    """Each program's own, as the program makes it, with whatever may be known of one gateway."""
    return {
        "operator": _operator(),
        "sentinel": _sentinel(),
        "executor": _executor(),
        "console": _console(),
    }


def _operator() -> CollectorRegistry:
    metrics, key = OperatorMetrics(), Key("trading", "paper")
    condition = Condition(
        type="Ready", status=ConditionStatus.TRUE, reason="Trading", last_transition_time=NOW
    )
    metrics.status(key, IBGatewayStatus(conditions=[condition]))
    metrics.gate_is(key, "GateOpen")
    metrics.notification("taken")
    metrics.request("PATCH", 200)
    with metrics.reconcile():
        queue = QueueView(depth=1, failing=0, oldest_due=0.0, oldest_run=0.1)
    metrics.view = OperatorView(
        NOW, leading=True, gateways=metrics.gateways, queues={"gate": queue}
    )
    return metrics.registry


def _sentinel() -> CollectorRegistry:
    report = SentinelReport(
        boot="b",
        sequence=1,
        at=NOW,
        state=LoginState.AWAITING_APPROVAL,
        since=NOW,
        deadline=NOW,
        full_auth_time=NOW,
        waiting=PermitReport(refusal=PermitRefusal.INTERVAL, until=NOW),
        holds=(HoldReport(reason=GateReason.CLOCK_SKEW),),
    )
    view = SentinelView(report, SentinelSettings(), NOW, skew=0.1)
    metrics = SentinelMetrics(CLOCK, lambda: view, Path("/"))
    metrics.volume.size = VolumeSize(2.0, 1.0)
    metrics.operator_asked()
    metrics.attempt(Attempt(id=1, at=NOW, kind=PermitKind.FULL, cause=Cause.START))
    metrics.sign(Sign.PUSH_SENT)
    metrics.probe(ProbeResult.READY, 0.1)
    metrics.notification("taken")
    metrics.state(LoginState.LOGGING_IN)
    return metrics.registry


def _executor() -> CollectorRegistry:
    contract = Contract(1, "AAPL")
    terms = OrderTerms("DU1234567", contract, Side.BUY, 1, OrderType.MARKET)
    order = Order("o", 1, terms, NOW, NOW, sent_at=NOW)
    run = RebalanceRun("r", 1, "DU1234567", "{}", NOW, NOW, state=RebalanceState.COMPLETED)
    none = Decimal(0)
    report = RebalanceReport((), (), none, none, none, none, none, none)
    view = ExecutorView(
        now=NOW,
        gate=Closed(GateReason.NO_NEWS, ""),
        active=ActiveOrders([order]),
        rebalances=LatestRebalances(
            [replace(run, state=RebalanceState.BUYING, state_since=NOW, report=report)]
        ),
        news_age=1.0,
        connected=True,
        skew=0.1,
        volume=VolumeSize(2.0, 1.0),
        backup_at=NOW,
        backup_problem="",
    )
    metrics = ExecutorMetrics()
    metrics.watch(lambda: view, CLOCK.monotonic)
    metrics.gate(Open())
    metrics.order_moved(order)
    metrics.acknowledged(order, NOW)
    metrics.rebalance_accepted()
    metrics.rebalance_ended(run)
    return metrics.registry


def _console() -> CollectorRegistry:
    metrics = ConsoleMetrics()
    metrics.sessions.labels("viewer-left").inc()
    metrics.refused.labels("host").inc()
    metrics.bytes.labels("in").inc()
    metrics.pressed.labels("login", "taken").inc()
    return metrics.registry


def exposed() -> dict[str, list[Exposed]]:
    """By program, what its own metrics are; those of every process are left out."""
    return {program: _of(registry) for program, registry in registries().items()}


def names() -> frozenset[str]:
    """Every name of a series that some program exposes, the ones of every process too."""
    return frozenset(
        series
        for registry in registries().values()
        for metric in _announced(registry)
        for series in metric.series
    )


def _of(registry: CollectorRegistry) -> list[Exposed]:
    return [metric for metric in _announced(registry) if metric.name.startswith(OURS)]


def _announced(registry: CollectorRegistry) -> list[Exposed]:
    """From the text of a scrape, which names what has no series yet, too."""
    text = generate_latest(registry).decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    labels = _labels(registry)
    return [
        Exposed(name, kind, helps[name], labels.get(name, ()))
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    ]


def _labels(registry: CollectorRegistry) -> dict[str, tuple[str, ...]]:
    """The names of labels, from what the registry was given: a scrape shows them only with a series."""
    found: dict[str, tuple[str, ...]] = {}
    for collector in list(registry._collector_to_names):
        figures = getattr(collector, "_figures", ())
        found |= {figure.name: figure.labels for figure in figures}
        for name in registry._collector_to_names[collector]:
            own = tuple(getattr(collector, "_labelnames", ()))
            found.setdefault(name, own)
    return found
