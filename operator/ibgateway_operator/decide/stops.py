"""Planned stops of gateway and executor: which one is due, and whether it may go on. Pure.

Only suspend, the week and a person's request stop one of them, and only once nothing is unacknowledged
at the broker, by the word of the executor and of every program that asks for the gate.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from ibgateway_api import names
from ibgateway_api.gate_documents import DRAIN_LIMIT_SECONDS
from ibgateway_api.names import Component
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.week import Calendar, RestartStep, Window, restart_step
from ibgateway_operator.decide.closures import program_due
from ibgateway_operator.decide.gate import judge, week_of
from ibgateway_operator.decide.handovers import handover_said, handover_words
from ibgateway_operator.decide.requests import requested_login
from ibgateway_operator.decide.restart_times import restart_id
from ibgateway_operator.decide.served_spec import serving
from ibgateway_operator.decide.switches import executor_leaves, program_runs
from ibgateway_operator.decide.templates import (
    change_requested,
    pending_executor,
    pending_gateway,
)
from ibgateway_operator.model.kinds import STATEFUL_SET
from ibgateway_operator.model.snapshot import Drain, Snapshot, container_runs

PATIENCE_SECONDS: Final = 120.0
"""A suspend, a handover, or its own removal waits this long for an executor: what the user asked for wins in the end."""


A_SECOND: Final = timedelta(seconds=1)
"""What is stored has whole seconds."""


class PlannedStop(StrEnum):
    """A planned stop; all of them drain first."""

    SUSPEND = "Suspend"
    HANDOVER = "Handover"
    """A person wants the login for themselves."""
    RESTART = "Restart"
    REPLACE = "Replace"
    """As RESTART, in a new pod, because its template changed."""
    EXECUTOR = "Executor"
    """The executor alone: its template changed, or it is switched off."""
    PROGRAM = "Program"
    """A program of one's own in its place: its template changed, it is switched off, or the gate is closed for long."""


_PERSONS_WORD: Final = frozenset({PlannedStop.SUSPEND, PlannedStop.HANDOVER})


def planned_stop(snapshot: Snapshot, week: Window, calendar: Calendar) -> PlannedStop | None:
    """The stop that is due now; None where none is."""
    spec = snapshot.gateway.spec
    if spec is None:
        return None
    if spec.suspend:
        name = names.child_names(snapshot.gateway.key.name).gateway
        return PlannedStop.SUSPEND if snapshot.replicas(STATEFUL_SET.kind, name) else None
    if snapshot.logged_in and handover_said(snapshot):
        return PlannedStop.HANDOVER
    if handover_words(snapshot) or not _restart_due(snapshot, week, calendar):
        return None
    return PlannedStop.REPLACE if pending_gateway(snapshot) else PlannedStop.RESTART


def stop_to_drain_for(snapshot: Snapshot, calendar: Calendar) -> PlannedStop | None:
    """The stop for which executor and programs must be asked now: a planned one, or a person's.

    None while no spec is served: nobody has been told of any stop.
    """
    snapshot = serving(snapshot)
    if not snapshot.gateway.is_served:
        return None
    week = week_of(snapshot, calendar)
    stop = planned_stop(snapshot, week, calendar)
    if stop is None and change_requested(snapshot) and pending_gateway(snapshot):
        stop = PlannedStop.REPLACE
    if stop is None and restarted_on_request(snapshot, week):
        stop = PlannedStop.RESTART
    if stop is None:
        stop = _executors_stop(snapshot, week, calendar)
    if stop is None:
        return None
    trades = executor_may_hold_orders(snapshot) or programs_may_trade(snapshot, stop)
    return stop if trades else None


def _executors_stop(snapshot: Snapshot, week: Window, calendar: Calendar) -> PlannedStop | None:
    """The stop of what runs in the executor's place alone."""
    changes = bool(pending_executor(snapshot)) and executor_may_change(snapshot, week)
    changes = changes or executor_leaves(snapshot)
    if program_runs(snapshot):
        due = changes or program_due(snapshot, judge(snapshot, calendar))
        return PlannedStop.PROGRAM if due else None
    return PlannedStop.EXECUTOR if changes else None


def restarted_on_request(snapshot: Snapshot, week: Window) -> bool:
    """Whether a person's request is the week's restart: logged in, and the week is not authenticated."""
    request = requested_login(snapshot)
    return request is not None and not request.refused and snapshot.logged_in and week.open


def executor_may_change(snapshot: Snapshot, week: Window) -> bool:
    """Whether it is the moment for an executor's template that waits: nothing is traded, or somebody asks."""
    return week.open or snapshot.gateway.suspend or change_requested(snapshot)


def drained(snapshot: Snapshot, stop: PlannedStop) -> bool:
    """Whether `stop` may go on: nothing is on its way, neither of the executor nor of a program."""
    executor, programs = executor_may_hold_orders(snapshot), programs_may_trade(snapshot, stop)
    if not executor and not programs:
        return True
    drain = snapshot.drain
    if drain is None or drain.stop != stop:
        return False
    if executor and not _executor_drained(drain, stop):
        return False
    return not programs or _programs_drained(drain)


def drained_for_any(snapshot: Snapshot) -> bool:
    """Whether the executor, or the program in its place, has drained, for whichever stop it was asked."""
    drain = snapshot.drain
    if executor_may_hold_orders(snapshot):
        if drain is not None and executor_leaves(snapshot) and drain.waited > PATIENCE_SECONDS:
            return True  # a person has switched it off
        return drain is not None and _executor_drained(drain, PlannedStop(drain.stop))
    if program_runs(snapshot) and programs_may_trade(snapshot, PlannedStop.PROGRAM):
        return drain is not None and _programs_drained(drain)
    return True


def _programs_drained(drain: Drain) -> bool:
    """Whether no program has to be waited for any more."""
    return drain.programs == () or drain.waited > DRAIN_LIMIT_SECONDS


def _executor_drained(drain: Drain, stop: PlannedStop) -> bool:
    """Whether its gate is closed and nothing is on its way.

    Without an answer there is nobody to wait for yet, and only suspend and handover lose their patience.
    """
    report = drain.report
    if report is not None and report.unacknowledged == 0 and not report.open:
        return True
    return stop in _PERSONS_WORD and drain.waited > PATIENCE_SECONDS


def executor_may_hold_orders(snapshot: Snapshot) -> bool:
    """Whether an executor runs that must be asked before a stop."""
    return container_runs(snapshot.pod(Component.EXECUTOR), "executor")


def programs_may_trade(snapshot: Snapshot, stop: PlannedStop) -> bool:
    """Whether programs may have orders on their way through a gateway that `stop` would end."""
    gateway = container_runs(snapshot.pod(Component.GATEWAY), "gateway")
    return gateway and stop is not PlannedStop.EXECUTOR


def _restart_due(snapshot: Snapshot, week: Window, calendar: Calendar) -> bool:
    """Only a gateway that is logged in is restarted, and only once a week."""
    report = snapshot.report
    if report is None or not snapshot.logged_in or report.taken_restart == restart_id(week):
        return False
    step = restart_step(week, calendar, snapshot.now, queued=_queued(snapshot, week, calendar))
    return step is RestartStep.RESTART


def restart_overdue(snapshot: Snapshot, week: Window, calendar: Calendar) -> bool:
    """Whether the week's restart was missed, or its time was past when it was chosen, and a person must say when."""
    step = restart_step(week, calendar, snapshot.now, queued=_queued(snapshot, week, calendar))
    if step is not RestartStep.ASK:
        return False
    waiting = snapshot.report.waiting if snapshot.report else None
    held = waiting is not None and waiting.refusal == PermitRefusal.RESTART_AHEAD
    return snapshot.logged_in or (week.asks and held)


def _queued(snapshot: Snapshot, week: Window, calendar: Calendar) -> bool:
    """Whether the restart was in time, and waits since then for pushes of the same person's other gateways."""
    since = snapshot.gateway.status.turn.since
    if since is None or not snapshot.place.shared:
        return False
    late = week.restart + timedelta(seconds=calendar.lateness_seconds)
    return week.restart - A_SECOND <= since < late
