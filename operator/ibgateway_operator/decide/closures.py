"""Which closures of the gate are no short loss: for them a program of one's own is stopped, where its owner asks for that. Pure."""

from datetime import timedelta
from typing import Final

from ibgateway_api import names
from ibgateway_api.executor_spec import WhenClosed
from ibgateway_api.gate import Closed, GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.names import Component
from ibgateway_api.permits import PermitRefusal
from ibgateway_operator.decide.gate import GateVerdict
from ibgateway_operator.decide.handovers import handover_due, standing_handover
from ibgateway_operator.model.kinds import DEPLOYMENT
from ibgateway_operator.model.manifests import is_terminating
from ibgateway_operator.model.snapshot import Snapshot

LONG_CLOSURES: Final[frozenset[LoginState | GateReason]] = frozenset(
    {
        *(LoginState.SESSION_CONFLICT, LoginState.REJECTED, LoginState.LOCKED_OUT),
        *(LoginState.APPROVAL_MISSED, LoginState.TOKEN_EXPIRED, LoginState.NEEDS_PERSON),
        *(GateReason.RESTART_WINDOW, GateReason.SUSPENDED),
        *(GateReason.UNEXPECTED_ACCOUNT, GateReason.READ_ONLY_API),
    }
)
"""Somebody has to do something, or the week has to be authenticated. What passes by itself within minutes is not here: the
nightly restart, a lost connection, a silent sentinel or API, a login that is under way."""
LONG_WAIT: Final = timedelta(minutes=5)
"""A login that is away, or may not be tried, for longer than this is no short loss; a nightly restart's permit comes at once."""
OPEN_SECONDS: Final = 10.0
"""So long the gate has been open before a stopped program starts: one that flaps starts nothing."""


def closed_for_long(snapshot: Snapshot, verdict: GateVerdict) -> bool:
    """Whether the gate is closed, by a word of now, for longer than a short loss.

    Silence tells nothing: neither of an operator that has only just started, nor of a node that is away.
    """
    if snapshot.gateway.suspend:
        return True
    if not isinstance(verdict.gate, Closed) or not snapshot.is_heard:
        return False
    if verdict.gate.reason is GateReason.HANDED_OVER and _is_back_soon(snapshot):
        return False
    closed = verdict.week.open or verdict.gate.reason in LONG_CLOSURES
    return closed or verdict.gate.reason is GateReason.HANDED_OVER or _waits_long(snapshot)


def _is_back_soon(snapshot: Snapshot) -> bool:
    """Whether a person has the login for a moment only: a restart at the console is a handover of ten seconds."""
    stands, due = standing_handover(snapshot), handover_due(snapshot)
    until = stands.until if stands else due.until if due else None
    return until is not None and until - snapshot.now <= LONG_WAIT


def _waits_long(snapshot: Snapshot) -> bool:
    """Whether no login may be tried for a while: the budget, quiet hours, or only a person's request helps."""
    report = snapshot.report
    if report is None or report.state is not LoginState.WAITING_FOR_PERMIT:
        return False
    waiting = report.waiting
    if waiting is None or waiting.refusal == PermitRefusal.AWAITS_TURN:
        return False  # the turn comes by itself, within the minutes of somebody's approval
    if waiting.refusal == PermitRefusal.CLOCK_SKEW:
        return snapshot.now - report.since >= LONG_WAIT  # time is set right by itself
    return waiting.until is None or waiting.until - snapshot.now > LONG_WAIT


def seconds_to_long_skew(snapshot: Snapshot) -> float | None:
    """Seconds until a clock that is off, and keeps the login waiting, is no short loss; None where it is not, or is so already."""
    report = snapshot.report
    waiting = report.waiting if report and may_be_stopped(snapshot) else None
    if report is None or waiting is None or waiting.refusal != PermitRefusal.CLOCK_SKEW:
        return None
    left = (report.since + LONG_WAIT - snapshot.now).total_seconds()
    return left if left > 0 else None


def may_be_stopped(snapshot: Snapshot) -> bool:
    """Whether a program of one's own is there whose owner wants it stopped while the gate is closed."""
    spec = snapshot.gateway.spec
    if spec is None or not spec.executor.enabled or spec.executor.image is None:
        return False
    return spec.executor.when_closed is WhenClosed.STOP


def is_to_run(snapshot: Snapshot) -> bool:
    """Whether the executor's pod is to run by what is stored; one that stays counts where its Deployment is not seen."""
    place = (DEPLOYMENT.kind, names.child_names(snapshot.gateway.key.name).executor)
    if snapshot.child(*place) is not None:
        return snapshot.replicas(*place) > 0
    pod = snapshot.pod(Component.EXECUTOR)
    return pod is not None and not is_terminating(pod)


def program_due(snapshot: Snapshot, verdict: GateVerdict) -> bool:
    """Whether a program of one's own runs and is to be stopped for the gate, once it has drained."""
    runs = may_be_stopped(snapshot) and is_to_run(snapshot)
    return runs and closed_for_long(snapshot, verdict)


def open_for_a_moment(snapshot: Snapshot, verdict: GateVerdict) -> bool:
    """Whether the gate is open and has been so for long enough to start a program."""
    return not isinstance(verdict.gate, Closed) and snapshot.open_for >= OPEN_SECONDS


def seconds_to_start(snapshot: Snapshot, verdict: GateVerdict) -> float | None:
    """Seconds until an open gate has been open for long enough; None where it has, or is closed."""
    if isinstance(verdict.gate, Closed) or snapshot.open_for >= OPEN_SECONDS:
        return None
    return OPEN_SECONDS - snapshot.open_for
