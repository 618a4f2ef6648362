"""Planned stops: which is due, and whether it has drained."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.reports import ExecutorReport
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import week_of
from ibgateway_operator.decide.stops import (
    PlannedStop,
    drained,
    planned_stop,
    restart_overdue,
    stop_to_drain_for,
)
from ibgateway_operator.model.snapshot import Drain
from operator_fakes import pod, report, revised, snapshot, stateful_set

SUNDAY_RESTART = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
"""A second after 09:00 New York."""


@pytest.mark.parametrize(
    ("state", "at", "handled", "stop"),
    [
        pytest.param("LoggedIn", "2026-11-18T15:00:00Z", "", None, id="Wednesday"),
        pytest.param("LoggedIn", "2026-11-22T06:30:00Z", "", None, id="window, not yet nine"),
        pytest.param(
            "LoggedIn", "2026-11-22T14:00:01Z", "", PlannedStop.RESTART, id="Sunday at nine"
        ),
        pytest.param(
            "LoggedIn", "2026-11-22T14:00:01Z", "2026-11-22T06:00:00Z", None, id="begun already"
        ),
        pytest.param("ApprovalMissed", "2026-11-22T14:00:01Z", "", None, id="parked"),
        pytest.param("SessionConflict", "2026-11-22T14:00:01Z", "", None, id="someone is there"),
        pytest.param("LoggedIn", "2026-11-22T14:16:00Z", "", None, id="too late"),
    ],
)
def test_the_weekly_restart(
    state: str,
    at: str,
    handled: str,
    stop: PlannedStop,
) -> None:
    said = report(LoginState(state), taken_restart=handled)
    seen = snapshot(now=datetime.fromisoformat(at), heard=said)
    assert planned_stop(seen, week_of(seen, Calendar()), Calendar()) == stop


def test_a_full_login_after_the_boundary_needs_no_restart() -> None:
    said = report(full_auth_time=datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    seen = snapshot(now=SUNDAY_RESTART, heard=said)
    assert planned_stop(seen, week_of(seen, Calendar()), Calendar()) is None


def test_a_template_that_waits_turns_the_restart_into_a_new_pod() -> None:
    bodies = (stateful_set(), revised(pod("gateway"), "rev-1"))
    seen = snapshot(now=SUNDAY_RESTART, bodies=bodies)
    assert planned_stop(seen, week_of(seen, Calendar()), Calendar()) is PlannedStop.REPLACE


def test_a_missed_restart_asks() -> None:
    late = snapshot(now=SUNDAY_RESTART + timedelta(minutes=16))
    assert restart_overdue(late, week_of(late, Calendar()), Calendar()) is True
    on_time = snapshot(now=SUNDAY_RESTART)
    assert restart_overdue(on_time, week_of(on_time, Calendar()), Calendar()) is False


def test_a_suspend_is_a_stop_only_while_something_runs() -> None:
    running = snapshot({"suspend": True}, bodies=(stateful_set(1),))
    stopped = snapshot({"suspend": True}, bodies=(stateful_set(0),))
    assert planned_stop(running, week_of(running, Calendar()), Calendar()) is PlannedStop.SUSPEND
    assert planned_stop(stopped, week_of(stopped, Calendar()), Calendar()) is None


@pytest.mark.parametrize(
    ("stop", "said", "goes_on"),
    [
        (PlannedStop.RESTART, ExecutorReport(open=False, unacknowledged=0), True),
        (PlannedStop.RESTART, ExecutorReport(open=True, unacknowledged=0), False),
        (PlannedStop.RESTART, ExecutorReport(open=False, unacknowledged=1), False),
        (PlannedStop.SUSPEND, ExecutorReport(open=True, unacknowledged=0), False),
        (PlannedStop.SUSPEND, ExecutorReport(open=False, unacknowledged=0), True),
        (PlannedStop.SUSPEND, ExecutorReport(open=False, unacknowledged=2), False),
        (PlannedStop.REPLACE, None, False),
    ],
)
def test_a_stop_waits_for_what_is_unacknowledged(
    stop: PlannedStop, said: ExecutorReport | None, goes_on: bool
) -> None:
    assert drained(snapshot(drain=Drain(stop, said, 0.0)), stop) is goes_on


def test_a_stop_that_was_never_asked_about_does_not_go_on() -> None:
    assert drained(snapshot(drain=None), PlannedStop.SUSPEND) is False


@pytest.mark.parametrize(
    ("stop", "waited", "goes_on"),
    [
        (PlannedStop.SUSPEND, 120.0, False),
        (PlannedStop.SUSPEND, 120.1, True),
        (PlannedStop.RESTART, 100000.0, False),
        (PlannedStop.REPLACE, 100000.0, False),
    ],
)
def test_only_a_suspend_loses_its_patience(stop: PlannedStop, waited: float, goes_on: bool) -> None:
    assert drained(snapshot(drain=Drain(stop, None, waited)), stop) is goes_on


def test_what_was_said_for_another_stop_does_not_count() -> None:
    waited = Drain("Restart", None, 500.0)
    assert drained(snapshot(drain=waited), PlannedStop.SUSPEND) is False


def test_a_refused_spec_asks_for_no_drain() -> None:
    spec = {"suspend": True, "gateway": {"timeZone": "Mars/Base"}}
    bodies = (stateful_set(1), pod("gateway"), pod("executor"))
    assert stop_to_drain_for(snapshot(spec, bodies=bodies), Calendar()) is None


ALONE = (stateful_set(1), pod("gateway"))


def test_without_an_executor_programs_alone_are_asked() -> None:
    alone = snapshot({"suspend": True}, bodies=ALONE)
    assert stop_to_drain_for(alone, Calendar()) is PlannedStop.SUSPEND
    assert drained(alone, PlannedStop.SUSPEND) is False
    asked = Drain("Suspend", None, 0.0, ("bot",))
    for drain, goes_on in ((asked, False), (replace(asked, programs=()), True)):
        now = snapshot({"suspend": True}, bodies=ALONE, drain=drain)
        assert drained(now, PlannedStop.SUSPEND) is goes_on


def test_where_nothing_runs_that_programs_could_trade_through_nobody_is_asked() -> None:
    waits = pod("gateway")
    waits["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ImagePullBackOff"}}
    for bodies in ((stateful_set(1), waits), (stateful_set(1),)):
        alone = snapshot({"suspend": True}, bodies=bodies)
        assert stop_to_drain_for(alone, Calendar()) is None
        assert drained(alone, PlannedStop.SUSPEND) is True


@pytest.mark.parametrize("stop", ["Suspend", "Handover", "Restart", "Replace"])
@pytest.mark.parametrize(
    ("programs", "waited", "goes_on"),
    [
        ((), 0.0, True),
        (("bot",), 0.0, False),
        (("bot",), 120.0, False),
        (("bot",), 120.1, True),
        (None, 119.0, False),
        (None, 120.1, True),
    ],
)
def test_a_program_costs_a_stop_two_minutes_at_most(
    stop: str, programs: tuple[str, ...] | None, waited: float, *, goes_on: bool
) -> None:
    drain = Drain(stop, None, waited, programs)
    assert drained(snapshot(bodies=ALONE, drain=drain), PlannedStop(stop)) is goes_on
    quiet = ExecutorReport(open=False, unacknowledged=0)
    both = snapshot(bodies=(*ALONE, pod("executor")), drain=replace(drain, report=quiet))
    assert drained(both, PlannedStop(stop)) is goes_on


def test_programs_that_have_drained_do_not_speak_for_the_executor() -> None:
    busy = ExecutorReport(open=False, unacknowledged=1)
    bodies = (*ALONE, pod("executor"))
    waits = snapshot(bodies=bodies, drain=Drain("Restart", busy, 500.0, ()))
    assert drained(waits, PlannedStop.RESTART) is False


def test_the_executors_own_stop_waits_for_no_program() -> None:
    quiet = ExecutorReport(open=False, unacknowledged=0)
    bodies = (*ALONE, pod("executor"))
    alone = snapshot(bodies=bodies, drain=Drain("Executor", quiet, 0.0, ("bot",)))
    assert drained(alone, PlannedStop.EXECUTOR) is True


def test_the_executor_is_asked_for_a_planned_stop_and_for_a_requested_replacement() -> None:
    running = (stateful_set(1), pod("gateway"), pod("executor"))
    suspended = snapshot({"suspend": True}, bodies=running)
    assert stop_to_drain_for(suspended, Calendar()) is PlannedStop.SUSPEND
    assert stop_to_drain_for(snapshot(bodies=running), Calendar()) is None
    bodies = (stateful_set(), revised(pod("gateway"), "rev-1"), pod("executor"))
    now = {"ibgateway.dev/login-requested-at": "2026-11-18T14:59:30Z"}
    old = {"ibgateway.dev/login-requested-at": "2026-11-18T10:00:00Z"}
    asked = snapshot(bodies=bodies, annotations=now)
    assert stop_to_drain_for(asked, Calendar()) is PlannedStop.REPLACE
    assert stop_to_drain_for(snapshot(bodies=bodies, annotations=old), Calendar()) is None
