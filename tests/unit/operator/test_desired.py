"""The children of an IBGateway: which there are, whose they are, and how they are found."""

from copy import deepcopy

from ibgateway_operator.desired import desired
from operator_fakes import children_of, desired_input


def test_a_gateway_has_exactly_these_children() -> None:
    assert sorted(children_of(desired_input())) == [
        "ConfigMap paper-executor",
        "ConfigMap paper-gateway",
        "Deployment paper-executor",
        "Deployment paper-novnc",
        "NetworkPolicy paper-executor",
        "NetworkPolicy paper-gateway",
        "NetworkPolicy paper-novnc",
        "PersistentVolumeClaim data-paper-gateway-0",
        "PersistentVolumeClaim paper-executor",
        "PodDisruptionBudget paper-gateway",
        "Service paper-executor",
        "Service paper-executor-intake",
        "Service paper-gateway",
        "Service paper-gateway-pods",
        "Service paper-novnc",
        "ServiceAccount paper-executor",
        "ServiceAccount paper-gateway",
        "ServiceAccount paper-novnc",
        "StatefulSet paper-gateway",
    ]


def test_without_executor_console_and_policies_only_the_gateway_is_left() -> None:
    plan = desired_input(
        {
            "executor": {"enabled": False},
            "novnc": {"enabled": False},
            "networkPolicy": {"enabled": False},
        }
    )
    assert sorted(children_of(plan)) == [
        "ConfigMap paper-gateway",
        "PersistentVolumeClaim data-paper-gateway-0",
        "PodDisruptionBudget paper-gateway",
        "Service paper-gateway",
        "Service paper-gateway-pods",
        "ServiceAccount paper-gateway",
        "StatefulSet paper-gateway",
    ]


def test_building_twice_gives_the_same_and_leaves_the_plan_as_it_was() -> None:
    plan = desired_input({"gateway": {"resources": {"limits": {"memory": "4Gi"}}}})
    before = deepcopy(plan)
    first = desired(plan)
    first[0]["metadata"]["labels"]["more"] = "than before"
    assert plan == before
    assert "more" not in desired(plan)[0]["metadata"]["labels"]


def test_every_child_but_the_claims_belongs_to_the_gateway() -> None:
    for name, child in children_of(desired_input()).items():
        owners = child["metadata"].get("ownerReferences")
        if name.startswith("PersistentVolumeClaim "):
            assert owners is None
            continue
        assert owners == [
            {
                "apiVersion": "ibgateway.dev/v1alpha1",
                "kind": "IBGateway",
                "name": "paper",
                "uid": "uid-1",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]


def test_every_child_carries_the_labels_it_is_found_by() -> None:
    for child in desired(desired_input()):
        labels = child["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "ibgateway-operator"
        assert labels["app.kubernetes.io/instance"] == "paper"
        assert labels["ibgateway.dev/gateway"] == "paper"
