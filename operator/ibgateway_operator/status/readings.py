"""How the operator's subjects stand: what the sentinel can't tell of, because it is about others or itself. Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from ibgateway_api.conditions import ConditionStatus
from ibgateway_api.gate import NEWS_LIMIT_SECONDS, GateReason
from ibgateway_api.names import Component
from ibgateway_api.notifications import Concern, Fine, Reading, Subject, Topic
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.model.snapshot import waiting_reason
from ibgateway_operator.status.conditions import Assessment, executor_ready, ready
from ibgateway_operator.status.event_rules import BLOCKING

SILENT_TOO_LONG: Final = timedelta(minutes=5)
"""A pod that is replaced, by us or by a node that drains, is heard again within two or three."""
SETUP_PATIENCE: Final = timedelta(minutes=2)
"""Whoever has just applied something is about to see what is missing."""
NOT_READY_TOO_LONG: Final = timedelta(minutes=3)
DOUBT_TOO_LONG: Final = timedelta(minutes=10)
"""An order of unknown fate is looked for every minute, and mostly found by then."""
STUCK_TOO_LONG: Final = DOUBT_TOO_LONG
"""What stops a rebalance is mostly such an order."""
NO_COPY_TOO_LONG: Final = timedelta(minutes=15)
"""A copy that failed is tried again each minute."""

_PASSING: Final = frozenset(
    {
        ConditionReason.GATE_CLOSED,
        ConditionReason.NO_POD,
        ConditionReason.STOPPED_WHILE_CLOSED,
    }
)
"""Of an executor: what something else explains, which is told by itself."""


def readings(assessment: Assessment) -> dict[Subject, Reading]:
    """Each of the operator's subjects."""
    return {subject: read(assessment) for subject, read in READINGS.items()}


def _gateway(assessment: Assessment) -> Reading:
    snapshot = assessment.snapshot
    if snapshot.gateway.suspend:
        return Fine("The gateway is suspended", "spec.suspend is true.")
    if snapshot.report is not None and snapshot.age_of_news <= NEWS_LIMIT_SECONDS:
        return Fine("The gateway is heard again", "Its sentinel answers.")
    pod = snapshot.pod(Component.GATEWAY)
    if pod is None and assessment.blocker is not None:
        return None
    why = waiting_reason(pod) if pod is not None else "there is no pod"
    because = f" ({why})" if why else ""
    return Concern(
        Topic.GATEWAY_SILENT,
        "Nothing is heard from the gateway",
        f"The gateway's sentinel does not answer the operator{because}, so the operator is blind and trading is held."
        f" Look at the pod and its node: kubectl describe pod -n {snapshot.gateway.key.namespace}"
        f" {snapshot.gateway.key.name}-gateway-0",
        patience=SILENT_TOO_LONG,
    )


def _setup(assessment: Assessment) -> Reading:
    status, finding = ready(assessment)
    if status is ConditionStatus.TRUE or finding.reason not in BLOCKING:
        return Fine(
            "The gateway's setup is all right again", "What was wrong with it has been put right."
        )
    return Concern(
        Topic.SETUP_TROUBLE,
        f"Something is wrong with the gateway's setup: {finding.reason}",
        f"{finding.message}.",
        instance=finding.reason,
        patience=SETUP_PATIENCE,
    )


def _executor(assessment: Assessment) -> Reading:
    status, finding = executor_ready(assessment)
    off = assessment.snapshot.gateway.suspend or finding.reason == ConditionReason.DISABLED
    if off or status is ConditionStatus.TRUE:
        return Fine("The executor is ready", "Orders go on.")
    if finding.reason in _PASSING:
        return None
    if finding.reason is GateReason.PAUSED:
        title, text = "Trading is paused", f"{finding.message}."
        return Concern(Topic.TRADING_PAUSED, title, text, instance=finding.message)
    return Concern(
        Topic.EXECUTOR_NOT_READY,
        "The executor is not ready",
        f"Orders do not go on: {finding.reason}: {finding.message}.",
        instance=finding.reason,
        patience=NOT_READY_TOO_LONG,
    )


def _orders(assessment: Assessment) -> Reading:
    says = assessment.snapshot.delivery.executor
    if says is None:
        return None
    doubtful = says.in_doubt
    if not doubtful:
        return Fine(
            "No order is in doubt any more",
            "What turned Unverified at midnight is not looked for any more: GET /v1/orders?state=Unverified.",
        )
    orders = "order is" if doubtful == 1 else "orders are"
    return Concern(
        Topic.ORDERS_IN_DOUBT,
        f"{doubtful} {orders} in doubt",
        "Nobody knows whether IBKR has them, and they are not sent again. Look at the account in IBKR's own screens, list"
        " them with GET /v1/orders?state=Unknown, and say what you found with POST /v1/orders/{id}/resolve.",
        instance=str(doubtful),
        patience=DOUBT_TOO_LONG,
    )


def _rebalances(assessment: Assessment) -> Reading:
    says = assessment.snapshot.delivery.executor
    if says is None:
        return None
    if not says.rebalances:
        return Fine(
            "No rebalance needs a person any more",
            "It goes on, another one was asked for, or it ended more than a day ago: GET /v1/rebalances.",
        )
    number = len(says.rebalances)
    lines = [f"{r.id} is {r.state}, {r.reason}: {r.message}." for r in says.rebalances]
    return Concern(
        Topic.REBALANCE_STUCK,
        "A rebalance needs a person" if number == 1 else f"{number} rebalances need a person",
        "\n".join([*lines, "Look at GET /v1/rebalances/{id} and docs/rebalance.md."]),
        instance=",".join(f"{r.id[:8]}-{r.reason}" for r in says.rebalances),
        patience=STUCK_TOO_LONG,
    )


def _backup(assessment: Assessment) -> Reading:
    says = assessment.snapshot.delivery.executor
    if says is None:
        return None
    if not says.backup_problem:
        return Fine("The ledger is copied again", "Its newest copy is as new as it should be.")
    return Concern(
        Topic.BACKUP_FAILING,
        "The ledger is not copied",
        f"{says.backup_problem}.",
        patience=NO_COPY_TOO_LONG,
    )


READINGS: Final[dict[Subject, Callable[[Assessment], Reading]]] = {
    Subject.GATEWAY: _gateway,
    Subject.SETUP: _setup,
    Subject.EXECUTOR: _executor,
    Subject.ORDERS: _orders,
    Subject.REBALANCES: _rebalances,
    Subject.BACKUP: _backup,
}
