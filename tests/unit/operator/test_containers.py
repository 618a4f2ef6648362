"""What every pod has in common: its security and its pull secrets."""

import pytest

from ibgateway_operator.settings import Images
from operator_fakes import desired_input, pod_specs


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
