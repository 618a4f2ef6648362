"""What the executor's metrics say of gate, queue and connection at the moment of a scrape. Pure.

The queue is read from memory: a scrape waits for no disk, and what it costs does not depend on how many orders are done.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibgateway_api.gate import Closed, Gate, GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.week import regular_hours
from ibgateway_executor.orders.active import ActiveOrders
from ibgateway_executor.orders.order import OrderReason, OrderState
from ibgateway_executor.rebalance.findings import findings
from ibgateway_executor.rebalance.last_runs import LatestRebalances
from ibgateway_executor.rebalance.progress import ENDED, RebalanceState
from ibgateway_runtime.figures import Figure, Series, VolumeSize, at, flag, known

GATE_OPEN: Final = "GateOpen"
ANOTHER_REASON: Final = "Other"
_REASONS: Final = frozenset({*OrderReason, *GateReason, *LoginState})


@dataclass(frozen=True)
class ExecutorView:
    """What there is to be said. `skew` is our clock minus IBKR's in seconds, `news_age` seconds since the sentinel was heard."""

    now: datetime
    gate: Gate
    active: ActiveOrders
    rebalances: LatestRebalances
    """The last one of each account."""
    news_age: float
    connected: bool
    skew: float | None = None
    ledger_problem: str = ""
    volume: VolumeSize | None = None
    backup_at: datetime | None = None
    """When the newest copy of the ledger was taken."""
    backup_problem: str | None = None
    """Why there is none as new as there should be; None where none are taken."""


def gate_word(gate: Gate) -> str:
    """The reason of a closed gate, or that it is open."""
    return str(gate.reason) if isinstance(gate, Closed) else GATE_OPEN


def _closed(view: ExecutorView) -> Series:
    return {(str(view.gate.reason),): 1.0} if isinstance(view.gate, Closed) else {}


def _orders(view: ExecutorView) -> Series:
    """By state; one that has left as little as the next is unsent, whatever it waits for."""
    active = view.active
    sending, unknown = len(active.sending), active.in_doubt
    return {
        ("Unsent",): len(active.unsent),
        (str(OrderState.SENDING),): sending,
        (str(OrderState.WORKING),): len(active.sent) - sending - unknown,
        (str(OrderState.UNKNOWN),): unknown,
    }


def _unsent(view: ExecutorView) -> Series:
    """A reason of an older version's ledger is counted as another one: labels are known beforehand."""
    found = Counter(order.reason for order in view.active.unsent.values())
    counted: Counter[str] = Counter()
    for reason, number in found.items():
        counted[str(reason) if reason in _REASONS else ANOTHER_REASON] += number
    return {(reason,): float(number) for reason, number in counted.items()}


def _oldest(view: ExecutorView) -> Series:
    unsent = view.active.unsent
    return at(unsent[min(unsent)].accepted_at if unsent else None)


def _rebalances(view: ExecutorView) -> Series:
    counted = Counter(str(run.state) for run in view.rebalances)
    return {(str(s),): float(counted[s]) for s in RebalanceState if s not in ENDED}


def _rebalance_since(view: ExecutorView) -> Series:
    """Of several in one state that which came to it first."""
    found: dict[tuple[str, ...], float] = {}
    for run in view.rebalances:
        since = run.state_since or run.updated_at
        if not run.ended and since is not None:
            label = (str(run.state),)
            found[label] = min(since.timestamp(), found.get(label, since.timestamp()))
    return found


def _drift(view: ExecutorView) -> Series:
    reports = [run.report for run in view.rebalances if run.report is not None]
    return known(max((float(report.drift_after) for report in reports), default=None))


FIGURES: Final[tuple[Figure[ExecutorView], ...]] = (
    Figure(
        "ibgateway_executor_gate_open",
        "1 while an order would be sent at once",
        lambda view: flag(not isinstance(view.gate, Closed)),
    ),
    Figure(
        "ibgateway_executor_gate_closed",
        "1, with the reason, while the gate is closed",
        _closed,
        ("reason",),
    ),
    Figure(
        "ibgateway_executor_regular_session",
        "1 on weekdays from 09:30 to 16:00 New York; holidays are not known",
        lambda view: flag(regular_hours(view.now)),
    ),
    Figure(
        "ibgateway_executor_news_age_seconds",
        "Time since the sentinel's last byte",
        lambda view: known(view.news_age),
    ),
    Figure(
        "ibgateway_executor_broker_connected",
        "1 while the API connection stands",
        lambda view: flag(view.connected),
    ),
    Figure(
        "ibgateway_executor_clock_skew_seconds",
        "The node's clock minus IBKR's; none before they were compared",
        lambda view: known(view.skew),
    ),
    Figure(
        "ibgateway_executor_orders",
        "Orders that are not done, by state",
        _orders,
        ("state",),
    ),
    Figure(
        "ibgateway_executor_unsent_orders",
        "Orders that nothing of has left, by what they wait for",
        _unsent,
        ("reason",),
    ),
    Figure(
        "ibgateway_executor_oldest_unsent_order_timestamp_seconds",
        "When the oldest of them was accepted",
        _oldest,
    ),
    Figure(
        "ibgateway_executor_rebalances",
        "Rebalances that have not ended, by state",
        _rebalances,
        ("state",),
    ),
    Figure(
        "ibgateway_executor_rebalance_state_since_timestamp_seconds",
        "Since when the rebalance is in its state that is in it the longest",
        _rebalance_since,
        ("state",),
    ),
    Figure(
        "ibgateway_executor_rebalances_stuck",
        "Rebalances that need a person",
        lambda view: known(float(len(findings(view.rebalances, view.now)))),
    ),
    Figure(
        "ibgateway_executor_rebalance_drift_ratio",
        "The part of the account that was not where it should be at the end of its last rebalance; the largest of all accounts",
        _drift,
    ),
    Figure(
        "ibgateway_executor_ledger_writable",
        "1 while the ledger can be written",
        lambda view: flag(not view.ledger_problem),
    ),
    Figure(
        "ibgateway_executor_backup_timestamp_seconds",
        "When the newest whole copy of the ledger was taken",
        lambda view: at(view.backup_at),
    ),
    Figure(
        "ibgateway_executor_backup_failing",
        "1 while the last copy of the ledger failed or the newest is too old, 0 while all is well; none where no copies are taken",
        lambda view: {} if view.backup_problem is None else flag(view.backup_problem),
    ),
    Figure(
        "ibgateway_executor_volume_size_bytes",
        "Size of the ledger's volume",
        lambda view: known(view.volume.size if view.volume else None),
    ),
    Figure(
        "ibgateway_executor_volume_available_bytes",
        "Bytes of it that may still be written",
        lambda view: known(view.volume.available if view.volume else None),
    ),
)
