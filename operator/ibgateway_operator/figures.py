"""What the operator's metrics say of gateways and queues at the moment of a scrape. Pure.

A gateway has five series: with a thousand of them a scrape is rendered in tens of milliseconds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ibgateway_api.conditions import Condition, ConditionStatus, ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.week import regular_hours
from ibgateway_runtime.figures import Figure, Series, flag, known

MEASURED: Final = (
    ConditionType.READY,
    ConditionType.EXECUTOR_READY,
    ConditionType.NOTIFICATIONS_DELIVERED,
)
"""The conditions that have a series; the gate and the login have their own."""

_VALUE: Final = {
    ConditionStatus.TRUE: 1.0,
    ConditionStatus.FALSE: 0.0,
    ConditionStatus.UNKNOWN: math.nan,
}


@dataclass(frozen=True)
class QueueView:
    """Keys that are due or running, that are in back-off, and the seconds that the oldest of each waits or runs."""

    depth: int
    failing: int
    oldest_due: float
    oldest_run: float


@dataclass(frozen=True)
class GatewayView:
    """One gateway as it was judged last; `gate` is the reason of its gate."""

    login: LoginState | None = None
    gate: str = ""
    gate_open: bool = False
    conditions: Mapping[ConditionType, Condition] = field(default_factory=dict)


@dataclass(frozen=True)
class OperatorView:
    """What there is to be said."""

    now: datetime
    leading: bool
    gateways: Mapping[Key, GatewayView]
    queues: Mapping[str, QueueView]
    programs: Mapping[Key, int] = field(default_factory=dict)
    """How many pods of programs name each gateway, whether or not it is there."""


def _logins(view: OperatorView) -> Series:
    return {(*key, str(of.login)): 1.0 for key, of in view.gateways.items() if of.login}


def _gates(view: OperatorView) -> Series:
    return {(*key, of.gate): float(of.gate_open) for key, of in view.gateways.items() if of.gate}


def _conditions(view: OperatorView) -> Series:
    return {
        (*key, str(kind), condition.reason): _VALUE[condition.status]
        for key, of in view.gateways.items()
        for kind, condition in of.conditions.items()
    }


_GATEWAY: Final = ("namespace", "gateway")
_QUEUE: Final = ("queue",)

FIGURES: Final[tuple[Figure[OperatorView], ...]] = (
    Figure(
        "ibgateway_operator_leading",
        "1 while this operator holds the Lease and works, 0 while it stands by",
        lambda view: flag(view.leading),
    ),
    Figure(
        "ibgateway_operator_gateways",
        "IBGateways that this operator serves now",
        lambda view: known(len(view.gateways)),
    ),
    Figure(
        "ibgateway_operator_regular_session",
        "1 on weekdays from 09:30 to 16:00 New York; holidays are not known",
        lambda view: flag(regular_hours(view.now)),
    ),
    Figure(
        "ibgateway_operator_login_state",
        "1, with the login state that a gateway is in",
        _logins,
        (*_GATEWAY, "state"),
    ),
    Figure(
        "ibgateway_operator_gate_open",
        "1 while trading is allowed, 0 while it is not, with the gate's reason",
        _gates,
        (*_GATEWAY, "reason"),
    ),
    Figure(
        "ibgateway_operator_condition",
        "1 for a condition that is True, 0 for False, NaN for Unknown, with its reason",
        _conditions,
        (*_GATEWAY, "type", "reason"),
    ),
    Figure(
        "ibgateway_operator_programs",
        "Pods of programs that follow a gate, by the gateway that they name, whether or not there is one",
        lambda view: {tuple(key): float(count) for key, count in view.programs.items()},
        _GATEWAY,
    ),
    Figure(
        "ibgateway_operator_queue_depth",
        "Keys that are due or running",
        lambda view: {(name,): float(queue.depth) for name, queue in view.queues.items()},
        _QUEUE,
    ),
    Figure(
        "ibgateway_operator_queue_failing",
        "Keys whose last run failed, and that are tried again later",
        lambda view: {(name,): float(queue.failing) for name, queue in view.queues.items()},
        _QUEUE,
    ),
    Figure(
        "ibgateway_operator_queue_oldest_due_seconds",
        "For how long the key waits that is due the longest",
        lambda view: {(name,): queue.oldest_due for name, queue in view.queues.items()},
        _QUEUE,
    ),
    Figure(
        "ibgateway_operator_queue_oldest_run_seconds",
        "For how long the key is at work that runs the longest",
        lambda view: {(name,): queue.oldest_run for name, queue in view.queues.items()},
        _QUEUE,
    ),
)
