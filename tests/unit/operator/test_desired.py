"""The children of an IBGateway: names, ports, security, and what must never restart a pod."""

from copy import deepcopy
from typing import Any

import pytest

from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import LIVE, desired_input


def named(plan: DesiredInput) -> dict[str, Manifest]:
    return {f"{m['kind']} {m['metadata']['name']}": m for m in desired(plan)}


def pod_specs(plan: DesiredInput) -> dict[str, Manifest]:
    children = named(plan)
    return {
        "gateway": children["StatefulSet paper-gateway"]["spec"]["template"]["spec"],
        "executor": children["Deployment paper-executor"]["spec"]["template"]["spec"],
        "novnc": children["Deployment paper-novnc"]["spec"]["template"]["spec"],
    }


def environment(container: Manifest) -> dict[str, str]:
    return {e["name"]: e.get("value", "") for e in container["env"]}


def test_a_gateway_has_exactly_these_children() -> None:
    assert sorted(named(desired_input())) == [
        "ConfigMap paper-executor",
        "ConfigMap paper-gateway",
        "Deployment paper-executor",
        "Deployment paper-novnc",
        "NetworkPolicy paper-executor",
        "NetworkPolicy paper-gateway",
        "NetworkPolicy paper-novnc",
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
    assert sorted(named(plan)) == [
        "ConfigMap paper-gateway",
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


def test_every_child_but_the_ledger_belongs_to_the_gateway() -> None:
    for name, child in named(desired_input()).items():
        owners = child["metadata"].get("ownerReferences")
        if name == "PersistentVolumeClaim paper-executor":
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


def test_the_ledger_is_stamped_with_its_trading_mode() -> None:
    claim = named(desired_input(LIVE))["PersistentVolumeClaim paper-executor"]
    assert claim["metadata"]["annotations"] == {"ibgateway.dev/trading-mode": "live"}


def test_every_child_carries_the_labels_it_is_found_by() -> None:
    for child in desired(desired_input()):
        labels = child["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "ibgateway-operator"
        assert labels["ibgateway.dev/gateway"] == "paper"


def test_a_new_template_never_restarts_the_gateway_by_itself() -> None:
    spec = named(desired_input())["StatefulSet paper-gateway"]["spec"]
    assert spec["updateStrategy"] == {"type": "OnDelete"}
    assert spec["replicas"] == 1
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }
    assert spec["serviceName"] == "paper-gateway-pods"


def test_suspended_is_written_as_zero_replicas() -> None:
    spec = named(desired_input(gateway_replicas=0))["StatefulSet paper-gateway"]["spec"]
    assert spec["replicas"] == 0


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


def test_the_sentinel_is_a_native_sidecar_and_decides_readiness() -> None:
    spec = pod_specs(desired_input())["gateway"]
    (sentinel,) = spec["initContainers"]
    assert sentinel["restartPolicy"] == "Always"
    assert sentinel["command"] == ["python3", "-m", "ibgateway_agent", "sentinel"]
    assert sentinel["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert sentinel["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert sentinel["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert "livenessProbe" not in spec["containers"][0]


def test_the_gateway_container_starts_by_the_wrapper_and_stops_by_ibc() -> None:
    spec = pod_specs(desired_input())["gateway"]
    (gateway,) = spec["containers"]
    assert gateway["image"] == "ghcr.io/gnzsnz/ib-gateway:10.45.1j"
    assert gateway["command"] == ["bash", "/etc/ibgateway/wrapper.sh"]
    assert gateway["lifecycle"]["preStop"]["exec"]["command"] == [
        "bash",
        "/etc/ibgateway/prestop.sh",
    ]
    assert spec["terminationGracePeriodSeconds"] == 120
    assert "shareProcessNamespace" not in spec


def test_the_gateways_environment_is_the_images_contract() -> None:
    plan = desired_input(
        {"gateway": {"readOnlyApi": True, "env": [{"name": "MORE", "value": "1"}]}}
    )
    (gateway,) = pod_specs(plan)["gateway"]["containers"]
    assert environment(gateway) == {
        "TWS_USERID": "",
        "TWS_PASSWORD_FILE": "/run/secrets/ib/IB_PASSWORD",
        "VNC_SERVER_PASSWORD_FILE": "/run/secrets/ib/VNC_PASSWORD",
        "TRADING_MODE": "paper",
        "TWS_SETTINGS_PATH": "/home/ibgateway/tws_settings",
        "START_SCRIPTS": "init-scripts/start",
        "AUTO_RESTART_TIME": "10:00 PM",
        "TIME_ZONE": "America/New_York",
        "TZ": "Etc/UTC",
        "TWOFA_DEVICE": "IB Key",
        "TWOFA_TIMEOUT_ACTION": "exit",
        "RELOGIN_AFTER_TWOFA_TIMEOUT": "no",
        "READ_ONLY_API": "yes",
        "JAVA_HEAP_SIZE": "1024",
        "MORE": "1",
    }
    assert gateway["env"][0]["valueFrom"]["secretKeyRef"] == {
        "name": "ib-credentials",
        "key": "IB_USERNAME",
    }


def test_the_volume_is_never_mounted_over_the_program() -> None:
    (gateway,) = pod_specs(desired_input())["gateway"]["containers"]
    mounts = {m["mountPath"]: (m["name"], m.get("subPath", "")) for m in gateway["volumeMounts"]}
    assert mounts == {
        "/home/ibgateway/tws_settings": ("data", "settings"),
        "/run/ibgateway": ("run", ""),
        "/etc/ibgateway": ("config", ""),
        "/home/ibgateway/init-scripts/start": ("start-scripts", ""),
        "/run/secrets/ib": ("credentials", ""),
    }


@pytest.mark.parametrize(("from_user", "secret"), [(True, "ib-credentials"), (False, "paper-vnc")])
def test_passwords_are_files_and_the_vnc_one_has_a_default(from_user: bool, secret: str) -> None:
    volumes = pod_specs(desired_input(vnc_from_user=from_user))["gateway"]["volumes"]
    (credentials,) = [v for v in volumes if v["name"] == "credentials"]
    assert credentials["projected"] == {
        "defaultMode": 0o440,
        "sources": [
            {
                "secret": {
                    "name": "ib-credentials",
                    "items": [{"key": "IB_PASSWORD", "path": "IB_PASSWORD"}],
                }
            },
            {
                "secret": {
                    "name": secret,
                    "items": [{"key": "VNC_PASSWORD", "path": "VNC_PASSWORD"}],
                }
            },
        ],
    }


def test_the_memory_request_covers_the_heap() -> None:
    plan = desired_input({"gateway": {"javaHeapMiB": 4000}})
    (gateway,) = pod_specs(plan)["gateway"]["containers"]
    assert gateway["resources"] == {"requests": {"cpu": "250m", "memory": "4640Mi"}}


def test_the_users_resources_win_over_the_defaults() -> None:
    wanted = {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}}
    (gateway,) = pod_specs(desired_input({"gateway": {"resources": wanted}}))["gateway"][
        "containers"
    ]
    assert gateway["resources"] == {
        "requests": {"cpu": "250m", "memory": "3Gi"},
        "limits": {"memory": "3Gi"},
    }


def test_the_executor_waits_for_the_operators_gate_and_for_its_own() -> None:
    deployment = named(desired_input())["Deployment paper-executor"]["spec"]
    spec = deployment["template"]["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    assert spec["readinessGates"] == [{"conditionType": "ibgateway.dev/trading-allowed"}]
    probe = spec["containers"][0]["readinessProbe"]
    assert probe["httpGet"] == {"path": "/readyz", "port": 8081, "scheme": "HTTP"}
    assert (probe["periodSeconds"], probe["failureThreshold"]) == (1, 1)


def test_an_unchanged_executor_keeps_its_template_hash_when_settings_change() -> None:
    def stamp(spec: dict[str, Any]) -> str:
        deployment = named(desired_input(spec))["Deployment paper-executor"]
        return str(deployment["metadata"]["annotations"]["ibgateway.dev/template-hash"])

    before = stamp({"executor": {"clientId": 17}})
    assert stamp({"executor": {"clientId": 18}}) == before
    assert stamp({"weeklyRestart": {"restartAt": "11:00"}}) == before


@pytest.mark.parametrize(
    "change",
    [
        {"weeklyRestart": {"restartAt": "11:00"}},
        {"login": {"approvalSeconds": 60}},
        {"executor": {"accounts": ["DU1234567"]}},
        {"networkPolicy": {"enabled": False}},
        {"suspend": True},
    ],
)
def test_settings_never_touch_the_gateways_template(change: dict[str, Any]) -> None:
    before = pod_specs(desired_input())["gateway"]
    assert pod_specs(desired_input(change))["gateway"] == before
