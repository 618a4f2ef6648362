"""From the executor to a program of one's own and back: what runs is whole until it is replaced."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.decide.actions import SettleRequested
from ibgateway_operator.decide.decision import Decision, decide
from ibgateway_operator.decide.ownership import orphans
from ibgateway_operator.decide.stops import executor_may_hold_orders
from ibgateway_operator.desired import desired
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Drain, Snapshot
from ibgateway_operator.settings import OperatorSettings
from operator_fakes import (
    IMAGES,
    SCRIPTS,
    desired_input,
    pod,
    program_pod,
    report,
    snapshot,
)

IMAGE = {"repository": "registry.example.com/my-bot", "tag": "1"}
THEIRS: Manifest = {
    "executor": {"image": IMAGE, "ports": [{"name": "http", "containerPort": 9000}]}
}
OURS: Manifest = {"executor": {"limits": {"maxOrderValue": "1000"}}}
WINDOW = datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC)
ASKED = {"ibgateway.dev/login-requested-at": "2026-11-18T14:59:30Z"}
WAITS = {"pendingRevision": "paper-executor-new", "observedGeneration": 3}
DRAINED = Drain("Executor", ExecutorReport(open=False, unacknowledged=0), 1.0)
BUSY = Drain("Executor", ExecutorReport(open=False, unacknowledged=1), 1.0)
ENDED = Drain("Program", None, 1.0, ())
"""The program has said that nothing is under way."""
BELONGINGS = {
    ("NetworkPolicy", "paper-executor"),
    ("Service", "paper-executor"),
    ("Service", "paper-executor-intake"),
    ("ServiceAccount", "paper-executor"),
}


def stored(spec: Manifest) -> tuple[Manifest, ...]:
    """The children of a spec as the API server has them."""
    return tuple(
        {**body, "metadata": {**body["metadata"], "uid": f"uid-{number}", "resourceVersion": "7"}}
        for number, body in enumerate(desired(desired_input(spec)))
    )


def seen(spec: Manifest, before: Manifest, runs: Manifest, **more: Any) -> Snapshot:
    return snapshot(spec, bodies=(*stored(before), pod("gateway"), runs), **more)


def decided(now: Snapshot) -> Decision:
    return decide(now, OperatorSettings(images=IMAGES), SCRIPTS)


def applied(decision: Decision) -> dict[tuple[str, str], Manifest]:
    return {(m["kind"], m["metadata"]["name"]): m for m in decision.to_apply}


def settings_of(config_map: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(config_map["data"]["settings.json"])
    return found


DEPLOYMENT = ("Deployment", "paper-executor")
SETTINGS = ("ConfigMap", "paper-executor")


@pytest.mark.parametrize("theirs", [THEIRS, {"executor": {"image": IMAGE}}])
def test_the_executor_stays_whole_until_its_moment(theirs: Manifest) -> None:
    """A program without ports would have no Services: without theirs nobody reached what still holds orders."""
    now = seen(theirs, OURS, pod("executor"))
    decision = decided(now)
    assert decision.held[DEPLOYMENT].startswith("paper-executor-")
    assert {*BELONGINGS, DEPLOYMENT} <= set(decision.held)
    assert not (BELONGINGS & set(applied(decision)))
    kept = (*decision.wanted, *decision.standing)
    assert orphans(now.gateway, kept, now.bodies) == []


def test_meanwhile_it_has_the_limits_that_it_had_and_is_told_of_holds() -> None:
    quiet = settings_of(applied(decided(seen(THEIRS, OURS, pod("executor"))))[SETTINGS])
    assert quiet["maxOrderValue"] == "1000"
    assert quiet["holds"] == []
    asked = seen(THEIRS, OURS, pod("executor"), annotations=ASKED, status=WAITS, drain=BUSY)
    told = settings_of(applied(decided(asked))[SETTINGS])
    assert [hold["reason"] for hold in told["holds"]] == ["PlannedStop"]
    assert told["maxOrderValue"] == "1000"


@pytest.mark.parametrize(
    ("more", "switched"),
    [
        pytest.param({}, False, id="trading"),
        pytest.param({"drain": DRAINED}, False, id="a drain is no moment"),
        pytest.param({"now": WINDOW}, False, id="in the window, not asked yet"),
        pytest.param({"now": WINDOW, "drain": BUSY}, False, id="an order is unacknowledged"),
        pytest.param({"now": WINDOW, "drain": DRAINED}, True, id="in the window, drained"),
        pytest.param(
            {"annotations": ASKED, "status": WAITS, "drain": BUSY}, False, id="asked, not drained"
        ),
        pytest.param(
            {"annotations": ASKED, "status": WAITS, "drain": DRAINED}, True, id="asked, drained"
        ),
    ],
)
def test_from_ours_to_theirs_in_the_window_or_on_request_once_drained(
    more: dict[str, Any], switched: bool
) -> None:
    made = applied(decided(seen(THEIRS, OURS, pod("executor"), **more)))
    assert (DEPLOYMENT in made) is switched
    if switched:
        containers = made[DEPLOYMENT]["spec"]["template"]["spec"]["containers"]
        assert [c["name"] for c in containers] == ["program"]
        assert BELONGINGS <= set(made)


def test_once_it_is_theirs_what_was_the_executors_goes_but_for_the_ledger() -> None:
    bodies = (*stored(THEIRS), *(b for b in stored(OURS) if b["kind"] == "ConfigMap"))
    now = snapshot(THEIRS, bodies=(*bodies, pod("gateway"), program_pod()))
    decision = decided(now)
    gone = orphans(now.gateway, (*decision.wanted, *decision.standing), now.bodies)
    assert {(b["kind"], b["metadata"]["name"]) for b in gone} == {SETTINGS}
    ledger = ("PersistentVolumeClaim", "paper-executor")
    assert ledger in {(b["kind"], b["metadata"]["name"]) for b in stored(OURS)}
    assert ledger not in decision.marks


def test_from_theirs_to_ours_the_program_stays_whole_too() -> None:
    decision = decided(seen(OURS, THEIRS, program_pod()))
    assert {*BELONGINGS, DEPLOYMENT} <= set(decision.held)
    made = applied(decision)
    assert ("PersistentVolumeClaim", "paper-executor") in made
    waits = decided(seen(OURS, THEIRS, program_pod(), now=WINDOW))
    assert DEPLOYMENT in waits.held
    assert waits.waits_for_drain
    back = applied(decided(seen(OURS, THEIRS, program_pod(), now=WINDOW, drain=ENDED)))
    assert BELONGINGS <= set(back)
    assert settings_of(back[SETTINGS])["maxOrderValue"] == "1000"


def test_a_new_version_of_a_program_waits_as_well_and_nothing_else_does() -> None:
    newer = {"executor": {**THEIRS["executor"], "image": {**IMAGE, "tag": "2"}}}
    decision = decided(seen(newer, THEIRS, program_pod()))
    assert set(decision.held) == {DEPLOYMENT}
    assert DEPLOYMENT in decided(seen(newer, THEIRS, program_pod(), now=WINDOW)).held
    drained = seen(newer, THEIRS, program_pod(), now=WINDOW, drain=ENDED)
    assert DEPLOYMENT in applied(decided(drained))


def test_a_program_that_does_not_run_takes_its_new_version_at_once() -> None:
    newer = {"executor": {**THEIRS["executor"], "image": {**IMAGE, "tag": "2"}}}
    fails = program_pod()
    fails["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    assert DEPLOYMENT in applied(decided(seen(newer, THEIRS, fails)))


@pytest.mark.parametrize(("drain", "settled"), [(None, False), (ENDED, True)])
def test_a_request_takes_the_new_version_once_the_program_has_drained(
    drain: Drain | None, settled: bool
) -> None:
    """A request that was settled before would be over, and its template would wait for the window again."""
    newer = {"executor": {**THEIRS["executor"], "image": {**IMAGE, "tag": "2"}}}
    now = seen(newer, THEIRS, program_pod(), annotations=ASKED, status=WAITS, drain=drain)
    decision = decided(now)
    assert (DEPLOYMENT in applied(decision)) is settled
    assert any(isinstance(a, SettleRequested) for a in decision.actions) is settled


def test_a_program_is_asked_for_no_drain_of_ours() -> None:
    now = seen(THEIRS, THEIRS, program_pod(), heard=report(LoginState.LOGGED_IN))
    assert not executor_may_hold_orders(now)
