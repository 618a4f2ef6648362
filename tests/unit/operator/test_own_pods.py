"""Whose a pod is: what our workloads have made is ours, whatever labels a person writes on another one."""

from collections.abc import Callable
from typing import Any

import pytest

from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.programs import is_left_behind, is_own_pod, program_of
from operator_fakes import foreign_pod, pod

OPEN = {"status": "True", "reason": "GateOpen", "message": "paper: go", "lastTransitionTime": "t"}


def made_by(body: Manifest, *owners: tuple[str, str]) -> Manifest:
    references = [{"kind": k, "name": n, "uid": "u", "controller": True} for k, n in owners]
    return {**body, "metadata": {**body["metadata"], "ownerReferences": references}}


def with_labels(body: Manifest, **labels: str) -> Manifest:
    wanted = {**body["metadata"]["labels"], **{k.replace("_", "/"): v for k, v in labels.items()}}
    return {**body, "metadata": {**body["metadata"], "labels": wanted}}


def called(body: Manifest, name: str) -> Manifest:
    return {**body, "metadata": {**body["metadata"], "name": name}}


@pytest.mark.parametrize("component", ["gateway", "executor", "novnc"])
def test_what_our_workloads_made_is_ours(component: Any) -> None:
    assert is_own_pod(pod(component))
    assert program_of(pod(component)) is None


@pytest.mark.parametrize(
    "foreign",
    [
        foreign_pod(),
        made_by(pod("executor")),
        made_by(pod("executor"), ("Job", "paper-executor")),
        made_by(pod("executor"), ("ReplicaSet", "bot-5d4f")),
        made_by(pod("executor"), ("ReplicaSet", "paper-executor-other")),
        made_by(pod("executor"), ("ReplicaSet", "other-executor-5d4f")),
        made_by(pod("executor"), ("StatefulSet", "paper-executor-5d4f")),
        made_by(pod("novnc"), ("ReplicaSet", "paper-executor-5d4f")),
        made_by(pod("gateway"), ("StatefulSet", "bot")),
        made_by(pod("gateway"), ("ReplicaSet", "paper-gateway")),
        called(pod("gateway"), "paper-gateway-1"),
        called(made_by(pod("gateway")), "bot"),
        {**pod("executor"), "metadata": {**pod("executor")["metadata"], "labels": {}}},
        with_labels(pod("executor"), **{"app.kubernetes.io_component": "bot"}),
        with_labels(pod("executor"), **{"app.kubernetes.io_managed-by": "Helm"}),
    ],
    ids=lambda body: str(body["metadata"].get("ownerReferences", ["nobody"])[:1]),
)
def test_no_label_makes_a_pod_of_somebody_else_ours(foreign: Manifest) -> None:
    assert not is_own_pod(foreign)


def test_the_gateways_pod_is_ours_until_its_stateful_set_has_adopted_it_again() -> None:
    assert is_own_pod(made_by(pod("gateway")))


def test_of_a_program_only_what_the_gate_needs_is_kept() -> None:
    body = foreign_pod(condition=OPEN)
    found = program_of({**body, "metadata": {**body["metadata"], "resourceVersion": "12"}})
    assert found is not None
    assert (found.place, found.uid, found.follows, found.version) == (
        ("trading", "bot-1"),
        "uid-bot-1",
        ("trading", "paper"),
        12,
    )
    assert found.condition == ("True", "GateOpen", "paper: go", "t")


@pytest.mark.parametrize(
    "body",
    [
        foreign_pod(gateway=""),
        foreign_pod(gated=False),
        foreign_pod(phase="Succeeded"),
        foreign_pod(phase="Failed"),
        foreign_pod(deleted="2026-11-18T15:00:00Z"),
        {**foreign_pod(), "spec": {}},
        {**foreign_pod(), "spec": {"readinessGates": [{"conditionType": "example.com/mine"}]}},
    ],
    ids=["no label", "no gate", "succeeded", "failed", "deleted", "no spec", "another gate"],
)
def test_what_no_gate_is_kept_on(body: Manifest) -> None:
    assert program_of(body) is None


def test_a_pod_that_nobody_has_said_anything_of_has_a_place_already() -> None:
    body = foreign_pod(phase="Pending")
    found = program_of({**body, "status": {}})
    assert found is not None
    assert found.condition == ("", "", "", "")


@pytest.mark.parametrize(
    ("left", "body"),
    [
        (True, foreign_pod(gateway="", condition=OPEN)),
        (False, foreign_pod(condition=OPEN)),
        (False, foreign_pod(gateway="")),
        (False, foreign_pod(gateway="", gated=False, condition=OPEN)),
        (False, foreign_pod(gateway="", condition=OPEN, phase="Succeeded")),
        (False, foreign_pod(gateway="", condition=OPEN, deleted="2026-11-18T15:00:00Z")),
    ],
)
def test_who_has_a_word_of_the_gate_and_no_gateway(left: bool, body: Manifest) -> None:
    judge: Callable[[Manifest], bool] = is_left_behind
    assert judge(body) is left
