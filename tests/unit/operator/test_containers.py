"""What every pod has in common: its security and its pull secrets."""

from typing import Any

import pytest

from ibgateway_operator.settings import Images
from operator_fakes import desired_input, pod_specs, pod_templates


@pytest.mark.parametrize("component", ["gateway", "executor", "novnc"])
def test_every_pod_meets_the_restricted_standard(component: str) -> None:
    spec = pod_specs(desired_input())[component]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "fsGroup": 1000,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is (container["name"] != "gateway")
        assert "cpu" not in container["resources"].get("limits", {})


def test_pull_secrets_of_resource_and_operator_are_both_named() -> None:
    plan = desired_input(
        {"gateway": {"imagePullSecrets": [{"name": "mine"}]}},
        images=Images(agent="a", executor="e", pull_secrets=("ours",)),
    )
    specs = pod_specs(plan)
    assert specs["gateway"]["imagePullSecrets"] == [{"name": "mine"}, {"name": "ours"}]
    assert specs["executor"]["imagePullSecrets"] == [{"name": "ours"}]


@pytest.mark.parametrize(
    ("image", "registry", "pulled"),
    [
        ({}, "", "ghcr.io/gnzsnz/ib-gateway:10.45.1j"),
        ({}, "registry.example.com/me", "registry.example.com/me/gnzsnz/ib-gateway:10.45.1j"),
        ({"repository": "ibgateway-simulator", "tag": "1"}, "", "ibgateway-simulator:1"),
        (
            {"repository": "ibgateway-simulator", "tag": "1"},
            "r:5000",
            "r:5000/ibgateway-simulator:1",
        ),
        ({"repository": "mine/gateway", "tag": "1"}, "r:5000", "r:5000/mine/gateway:1"),
        ({"repository": "other.example.com/g", "tag": "1"}, "r:5000", "other.example.com/g:1"),
        ({"repository": "localhost/g", "tag": "1"}, "r:5000", "localhost/g:1"),
        (
            {"digest": "sha256:" + "0" * 64},
            "r:5000",
            "r:5000/gnzsnz/ib-gateway@sha256:" + "0" * 64,
        ),
    ],
    ids=str,
)
def test_the_gateways_image_is_pulled_from_the_operators_registry_unless_it_names_its_own(
    image: dict[str, str], registry: str, pulled: str
) -> None:
    plan = desired_input(
        {"gateway": {"image": image}},
        images=Images(agent="a", executor="e", registry=registry),
    )
    assert _containers(pod_specs(plan))["gateway"]["image"] == pulled


def _containers(specs: dict[str, Any]) -> dict[str, Any]:
    return {
        c["name"]: c
        for spec in specs.values()
        for c in [*spec.get("initContainers", []), *spec["containers"]]
    }


def test_every_program_of_ours_has_a_memory_limit_well_above_its_request() -> None:
    containers = _containers(pod_specs(desired_input()))
    limits = {
        name: c["resources"]["limits"]["memory"]
        for name, c in containers.items()
        if name != "gateway"
    }
    assert limits == {"sentinel": "256Mi", "executor": "512Mi", "console": "256Mi"}
    assert "limits" not in containers["gateway"]["resources"]


def test_no_label_of_a_pod_template_has_changed() -> None:
    """Another label would be another template, which waits for the restart window."""
    for component, template in pod_templates(desired_input()).items():
        assert template["metadata"]["labels"] == {
            "app.kubernetes.io/name": "ibgateway",
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/managed-by": "ibgateway-operator",
            "ibgateway.dev/gateway": "paper",
        }
