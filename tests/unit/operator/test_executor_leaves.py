"""An executor that is switched off goes once it has drained, or after the patience that a person's word has."""

import json
from typing import Any

import pytest

from ibgateway_api.reports import ExecutorReport
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.decision import Decision, decide
from ibgateway_operator.decide.ownership import orphans
from ibgateway_operator.decide.stops import PlannedStop, stop_to_drain_for
from ibgateway_operator.desired import desired
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Drain, Snapshot
from ibgateway_operator.settings import OperatorSettings
from operator_fakes import IMAGES, SCRIPTS, desired_input, pod, program_pod, snapshot

OFF: Manifest = {"executor": {"enabled": False}}
OURS: Manifest = {"executor": {"limits": {"maxOrderValue": "1000"}}}
THEIRS: Manifest = {
    "executor": {
        "image": {"repository": "registry.example.com/my-bot", "tag": "1"},
        "ports": [{"name": "http", "containerPort": 9000}],
    }
}
SETTINGS = ("ConfigMap", "paper-executor")
BELONGINGS = {
    ("Deployment", "paper-executor"),
    ("NetworkPolicy", "paper-executor"),
    ("Service", "paper-executor"),
    ("Service", "paper-executor-intake"),
    ("ServiceAccount", "paper-executor"),
}
DRAINED = ExecutorReport(open=False, unacknowledged=0)
BUSY = ExecutorReport(open=False, unacknowledged=1)
OPEN = ExecutorReport(open=True, unacknowledged=0)


def seen(before: Manifest, runs: Manifest, **more: Any) -> Snapshot:
    made = desired(desired_input(before))
    bodies = tuple(
        {**body, "metadata": {**body["metadata"], "uid": f"uid-{number}", "resourceVersion": "7"}}
        for number, body in enumerate(made)
    )
    return snapshot(OFF, bodies=(*bodies, pod("gateway"), runs), **more)


def decided(now: Snapshot) -> Decision:
    return decide(now, OperatorSettings(images=IMAGES), SCRIPTS)


def gone(now: Snapshot) -> set[tuple[str, str]]:
    decision = decided(now)
    left = orphans(now.gateway, (*decision.wanted, *decision.standing), now.bodies)
    return {(body["kind"], body["metadata"]["name"]) for body in left}


@pytest.mark.parametrize(
    ("drain", "goes"),
    [
        pytest.param(None, False, id="not asked yet"),
        pytest.param(Drain("Executor", BUSY, 100.0), False, id="an order is unacknowledged"),
        pytest.param(Drain("Executor", OPEN, 1.0), False, id="its gate is still open"),
        pytest.param(Drain("Executor", None, 100.0), False, id="it does not answer"),
        pytest.param(Drain("Executor", DRAINED, 1.0), True, id="drained"),
        pytest.param(Drain("Executor", BUSY, 121.0), True, id="the patience is over"),
        pytest.param(Drain("Restart", None, 121.0), True, id="while a restart waits for it too"),
    ],
)
def test_the_executor_goes_whole_once_it_has_drained(drain: Drain | None, goes: bool) -> None:
    now = seen(OURS, pod("executor"), drain=drain)
    assert gone(now) == (BELONGINGS if goes else set())
    assert decided(now).waits_for_drain is not goes


@pytest.mark.parametrize(
    ("drain", "goes"),
    [
        pytest.param(None, False, id="not asked yet"),
        pytest.param(Drain("Program", None, 1.0, ("bot",)), False, id="under way"),
        pytest.param(Drain("Program", None, 1.0, ()), True, id="drained"),
        pytest.param(Drain("Program", None, 200.0, ("bot",)), True, id="the limit is over"),
    ],
)
def test_a_program_goes_whole_once_it_has_drained(drain: Drain | None, goes: bool) -> None:
    assert gone(seen(THEIRS, program_pod(), drain=drain)) == (BELONGINGS if goes else set())


@pytest.mark.parametrize(
    ("before", "runs", "stop"),
    [
        pytest.param(OURS, pod("executor"), PlannedStop.EXECUTOR, id="ours"),
        pytest.param(THEIRS, program_pod(), PlannedStop.PROGRAM, id="theirs"),
    ],
)
def test_it_is_asked_for_its_drain(before: Manifest, runs: Manifest, stop: PlannedStop) -> None:
    assert stop_to_drain_for(seen(before, runs), Calendar()) is stop


def test_meanwhile_its_gate_is_closed_by_its_settings_and_nobody_elses_is() -> None:
    decision = decided(seen(OURS, pod("executor")))
    made = {(m["kind"], m["metadata"]["name"]): m for m in decision.to_apply}
    told = json.loads(made[SETTINGS]["data"]["settings.json"])
    assert [hold["reason"] for hold in told["holds"]] == ["PlannedStop"]
    assert told["maxOrderValue"] == "1000"
    assert "executor" in decision.stamps
    sentinel = json.loads(made["ConfigMap", "paper-gateway"]["data"]["settings.json"])
    assert sentinel["holds"] == []


def test_meanwhile_the_gateways_policy_lets_it_in() -> None:
    place = ("NetworkPolicy", "paper-gateway")
    waits, drained = (
        {(m["kind"], m["metadata"]["name"]) for m in decided(now).to_apply}
        for now in (
            seen(OURS, pod("executor")),
            seen(OURS, pod("executor"), drain=Drain("Executor", DRAINED, 1.0)),
        )
    )
    assert place not in waits
    assert place in drained


def test_one_that_does_not_run_goes_at_once() -> None:
    waiting = pod("executor")
    waiting["status"]["containerStatuses"] = [
        {"name": "executor", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    ]
    now = seen(OURS, waiting)
    assert gone(now) == BELONGINGS
    assert stop_to_drain_for(now, Calendar()) is None


def test_once_the_deployment_is_gone_so_are_its_settings() -> None:
    now = seen(OURS, pod("gateway"))
    rest = tuple(body for body in now.bodies if body["kind"] != "Deployment")
    assert SETTINGS in gone(snapshot(OFF, bodies=rest))
