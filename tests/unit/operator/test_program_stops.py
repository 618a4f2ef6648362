"""A program of one's own is stopped while the gate is closed for long, where its owner asks for that, and started once it is open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import HandoverReport, HoldReport, PermitReport
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.closures import OPEN_SECONDS
from ibgateway_operator.decide.decision import decide
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.decide.replicas import replicas
from ibgateway_operator.decide.stops import PlannedStop, stop_to_drain_for
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Drain, Snapshot
from ibgateway_operator.settings import OperatorSettings
from operator_fakes import (
    IMAGES,
    NOW,
    SCRIPTS,
    deployment,
    pod,
    program_pod,
    report,
    snapshot,
    stateful_set,
)

IMAGE = {"repository": "registry.example.com/my-bot", "tag": "1"}
STOP: Manifest = {"executor": {"image": IMAGE, "whenClosed": "stop"}}
KEEP: Manifest = {"executor": {"image": IMAGE}}
WINDOW = datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC)
"""A second after Sunday 01:00 New York."""
RUNS = (stateful_set(), deployment(), pod("gateway"), program_pod())
LOCKED = report(LoginState.LOCKED_OUT)
STANDS = (stateful_set(), deployment(replicas=0), pod("gateway"))


DRAINED = Drain("Program", None, 1.0, ())


def seen(
    spec: Manifest = STOP,
    bodies: tuple[Manifest, ...] = RUNS,
    drain: Drain | None = DRAINED,
    **more: Any,
) -> Snapshot:
    return snapshot(spec, bodies=bodies, drain=drain, **more)


def wanted(now: Snapshot) -> int:
    assert now.gateway.spec is not None
    return replicas(now.gateway.spec, now, judge(now, Calendar()), may_stop=True).executor


def in_state(state: LoginState, **more: Any) -> Snapshot:
    return seen(heard=report(state, **more))


@pytest.mark.parametrize(
    "state",
    [
        LoginState.SESSION_CONFLICT,
        LoginState.LOCKED_OUT,
        LoginState.REJECTED,
        LoginState.APPROVAL_MISSED,
        LoginState.TOKEN_EXPIRED,
        LoginState.NEEDS_PERSON,
    ],
)
def test_a_closure_that_somebody_has_to_end_stops_it(state: LoginState) -> None:
    assert wanted(in_state(state)) == 0


@pytest.mark.parametrize(
    "state",
    [
        LoginState.CONNECTION_LOST,
        LoginState.RESTARTING,
        LoginState.STARTING,
        LoginState.LOGGING_IN,
        LoginState.AWAITING_APPROVAL,
        LoginState.API_UNRESPONSIVE,
        LoginState.STOPPED,
        LoginState.UNKNOWN,
    ],
)
def test_a_short_loss_does_not(state: LoginState) -> None:
    assert wanted(in_state(state)) == 1


@pytest.mark.parametrize(
    ("reason", "runs"),
    [
        (GateReason.NIGHTLY_RESTART, 1),
        (GateReason.PLANNED_STOP, 1),
        (GateReason.PAUSED, 1),
        (GateReason.CLOCK_SKEW, 1),
        (GateReason.HANDED_OVER, 0),
        (GateReason.READ_ONLY_API, 0),
    ],
)
def test_of_the_holds_those_stop_it_that_last(reason: GateReason, runs: int) -> None:
    assert wanted(seen(heard=report(holds=(HoldReport(reason=reason),)))) == runs


@pytest.mark.parametrize(
    ("minutes", "runs"), [(0.2, 1), (4.9, 1), (30, 0)], ids=["a restart", "a look", "half an hour"]
)
def test_a_login_that_a_person_has_for_a_moment_does_not_stop_it(minutes: float, runs: int) -> None:
    until = NOW + timedelta(minutes=minutes)
    handover = HandoverReport(id="h1", until=until, costs_push=False)
    hold = HoldReport(reason=GateReason.HANDED_OVER)
    said = report(LoginState.RESTARTING, handover=handover, holds=(hold,))
    assert wanted(seen(heard=said)) == runs


@pytest.mark.parametrize(
    ("refusal", "until", "runs"),
    [
        (None, None, 1),
        (PermitRefusal.PARKED, None, 0),
        (PermitRefusal.AWAITS_TURN, None, 1),
        (PermitRefusal.INTERVAL, NOW + timedelta(minutes=4), 1),
        (PermitRefusal.INTERVAL, NOW + timedelta(minutes=14), 0),
        (PermitRefusal.QUIET_HOURS, NOW + timedelta(hours=6), 0),
    ],
)
def test_a_login_that_may_not_be_tried_for_a_while_stops_it(
    refusal: PermitRefusal | None, until: datetime | None, runs: int
) -> None:
    waiting = PermitReport(refusal=refusal, until=until) if refusal else None
    assert wanted(in_state(LoginState.WAITING_FOR_PERMIT, waiting=waiting)) == runs


@pytest.mark.parametrize(("minutes", "runs"), [(0, 1), (4.9, 1), (5.1, 0)])
def test_a_clock_that_is_off_stops_it_only_where_it_stays_so(minutes: float, runs: int) -> None:
    """As a hold it stops nothing: time is set right by itself, and within minutes."""
    since = NOW - timedelta(minutes=minutes)
    waiting = PermitReport(refusal=PermitRefusal.CLOCK_SKEW)
    said = in_state(LoginState.WAITING_FOR_PERMIT, waiting=waiting, since=since)
    assert wanted(said) == runs


def test_the_weeks_window_stops_it_whatever_the_login_does_in_it() -> None:
    assert wanted(seen(now=WINDOW)) == 0
    for state in (LoginState.RESTARTING, LoginState.AWAITING_APPROVAL, LoginState.LOGGING_IN):
        assert wanted(seen(now=WINDOW, heard=report(state))) == 0


def test_a_suspended_gateways_program_is_stopped_although_nothing_is_heard() -> None:
    spec = {**STOP, "suspend": True}
    assert wanted(seen(spec, bodies=(deployment(), program_pod()), heard=None)) == 0


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"heard": None, "age_of_news": float("inf")}, id="an operator that begins"),
        pytest.param({"age_of_news": 5.5}, id="seconds of silence"),
        pytest.param(
            {"age_of_news": 60.0, "heard": report(LoginState.LOCKED_OUT)}, id="an old word"
        ),
    ],
)
@pytest.mark.parametrize("now", [NOW, WINDOW], ids=["in the week", "in the window"])
def test_silence_stops_nothing(more: dict[str, Any], now: datetime) -> None:
    assert wanted(seen(now=now, **more)) == 1


@pytest.mark.parametrize("now", [NOW, WINDOW])
def test_one_that_is_to_be_kept_runs_through_everything(now: datetime) -> None:
    for state in LoginState:
        assert wanted(seen(KEEP, now=now, heard=report(state))) == 1


@pytest.mark.parametrize(
    ("open_for", "heard", "runs"),
    [
        (0.0, report(), 0),
        (OPEN_SECONDS - 0.1, report(), 0),
        (OPEN_SECONDS, report(), 1),
        pytest.param(3600.0, report(LoginState.LOGGING_IN), 0, id="closed since"),
    ],
)
def test_a_stopped_one_starts_once_the_gate_has_been_open_for_a_moment(
    open_for: float, heard: Any, runs: int
) -> None:
    assert wanted(seen(bodies=STANDS, heard=heard, open_for=open_for)) == runs


def test_a_closure_that_would_not_have_stopped_it_does_not_start_it_either() -> None:
    for state in set(LoginState) - {LoginState.LOGGED_IN}:
        assert wanted(seen(bodies=STANDS, heard=report(state), open_for=60.0)) == 0


def test_one_that_is_not_to_be_stopped_any_more_starts_at_once() -> None:
    assert wanted(seen(KEEP, bodies=STANDS, heard=report(LoginState.LOCKED_OUT))) == 1


def test_a_new_one_does_not_start_before_the_gate_is_open() -> None:
    bodies = (stateful_set(), pod("gateway"))
    assert wanted(seen(bodies=bodies, heard=report(LoginState.AWAITING_APPROVAL))) == 0
    assert wanted(seen(bodies=bodies, open_for=60.0)) == 1


def test_a_deployment_that_is_not_seen_stops_no_pod_that_runs() -> None:
    """What the watch has lost is no word on what there is."""
    bodies = (stateful_set(), pod("gateway"), program_pod())
    assert wanted(seen(bodies=bodies)) == 1
    assert wanted(seen(bodies=bodies, heard=report(LoginState.CONNECTION_LOST))) == 1


def test_the_executor_is_never_stopped_for_the_gate() -> None:
    bodies = (stateful_set(), deployment(), pod("gateway"), pod("executor"))
    for state in LoginState:
        assert wanted(seen({}, bodies=bodies, heard=report(state))) == 1


def test_a_template_that_waits_is_taken_where_the_program_is_stopped_anyway() -> None:
    settings = OperatorSettings(images=IMAGES)
    place = ("Deployment", "paper-executor")
    assert place in decide(seen(), settings, SCRIPTS).held
    decision = decide(seen(heard=LOCKED), settings, SCRIPTS)
    assert place not in decision.held
    (made,) = [
        m
        for m in decision.to_apply
        if m["metadata"]["name"] == "paper-executor" and m["kind"] == "Deployment"
    ]
    assert made["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("drain", "runs"),
    [
        pytest.param(None, 1, id="not asked yet"),
        pytest.param(Drain("Program", None, 1.0, None), 1, id="the sentinel did not say"),
        pytest.param(Drain("Program", None, 119.0, ("blunt",)), 1, id="it has not drained"),
        pytest.param(Drain("Program", None, 121.0, ("blunt",)), 0, id="it had its time"),
        pytest.param(Drain("Restart", None, 1.0, ()), 0, id="it drained for the week's restart"),
        pytest.param(DRAINED, 0, id="it has drained"),
    ],
)
def test_it_drains_first(drain: Drain | None, runs: int) -> None:
    now = seen(heard=LOCKED, drain=drain)
    assert wanted(now) == runs
    decision = decide(now, OperatorSettings(images=IMAGES), SCRIPTS)
    assert decision.waits_for_drain is (runs == 1)
    assert decision.program_stopped is (runs == 0)


def test_one_that_does_not_run_is_not_waited_for() -> None:
    fails = program_pod()
    fails["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    bodies = (stateful_set(), deployment(), pod("gateway"), fails)
    assert wanted(seen(heard=LOCKED, drain=None, bodies=bodies)) == 0


@pytest.mark.parametrize(
    ("spec", "more", "stop"),
    [
        pytest.param(STOP, {}, None, id="the gate is open"),
        pytest.param(STOP, {"heard": LOCKED}, PlannedStop.PROGRAM, id="to be stopped"),
        pytest.param(KEEP, {"heard": LOCKED}, None, id="to be kept"),
        pytest.param(STOP, {"now": WINDOW}, PlannedStop.PROGRAM, id="in the window"),
        pytest.param(STOP, {"now": WINDOW, "heard": None}, None, id="nobody is heard"),
        pytest.param(STOP, {"heard": LOCKED, "bodies": STANDS}, None, id="it does not run"),
        pytest.param(
            KEEP,
            {"now": WINDOW, "status": {"pendingRevision": "paper-executor-new"}},
            PlannedStop.PROGRAM,
            id="a new template in the window",
        ),
        pytest.param(
            KEEP, {"status": {"pendingRevision": "paper-executor-new"}}, None, id="and before it"
        ),
        pytest.param(
            {**STOP, "suspend": True}, {}, PlannedStop.SUSPEND, id="the gateway's own stop is first"
        ),
    ],
)
def test_programs_are_asked_to_drain_for_it(
    spec: Manifest, more: dict[str, Any], stop: PlannedStop | None
) -> None:
    assert stop_to_drain_for(seen(spec, **more), Calendar()) == stop


def test_an_executor_that_is_to_give_way_to_a_program_drains_as_the_executor() -> None:
    bodies = (stateful_set(), deployment(), pod("gateway"), pod("executor"))
    now = seen(bodies=bodies, heard=LOCKED, drain=None)
    assert stop_to_drain_for(now, Calendar()) is None
    assert wanted(now) == 1
