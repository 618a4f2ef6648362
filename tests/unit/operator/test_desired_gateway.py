"""The gateway's StatefulSet and pod: the image's contract, and what must never restart it."""

from typing import Any

import pytest

from ibgateway_operator.desired import desired
from operator_fakes import children_of, desired_input, environment, pod_specs


def test_a_new_template_never_restarts_the_gateway_by_itself() -> None:
    spec = children_of(desired_input())["StatefulSet paper-gateway"]["spec"]
    assert spec["updateStrategy"] == {"type": "OnDelete"}
    assert spec["replicas"] == 1
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }
    assert spec["serviceName"] == "paper-gateway-pods"


def test_suspended_is_written_as_zero_replicas() -> None:
    spec = children_of(desired_input(gateway_replicas=0))["StatefulSet paper-gateway"]["spec"]
    assert spec["replicas"] == 0


def test_the_sentinel_is_a_native_sidecar_and_decides_readiness() -> None:
    spec = pod_specs(desired_input())["gateway"]
    (sentinel,) = spec["initContainers"]
    assert sentinel["restartPolicy"] == "Always"
    assert sentinel["command"] == ["python3", "-m", "ibgateway_agent", "sentinel"]
    assert sentinel["readinessProbe"]["httpGet"]["path"] == "/readyz?held"
    assert sentinel["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert sentinel["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert "livenessProbe" not in spec["containers"][0]


def test_gateway_and_sentinel_are_told_the_same_nightly_restart() -> None:
    """Of one template: what the spec says meanwhile is the next pod's."""
    nightly = {"autoRestartTime": "09:30 PM", "timeZone": "Europe/London"}
    spec = pod_specs(desired_input({"gateway": nightly}))["gateway"]
    told = [environment(c) for c in (*spec["initContainers"], *spec["containers"])]
    assert [t["AUTO_RESTART_TIME"] for t in told] == ["09:30 PM", "09:30 PM"]
    assert [t["TIME_ZONE"] for t in told] == ["Europe/London", "Europe/London"]


def test_the_gateway_container_starts_by_the_wrapper_and_stops_by_ibc() -> None:
    spec = pod_specs(desired_input())["gateway"]
    (gateway,) = spec["containers"]
    assert gateway["image"] == "ghcr.io/gnzsnz/ib-gateway:10.45.1j"
    assert gateway["command"] == ["bash", "/etc/ibgateway/wrapper.sh"]
    assert gateway["lifecycle"]["preStop"]["exec"]["command"] == [
        "bash",
        "/etc/ibgateway/prestop.sh",
    ]
    assert spec["terminationGracePeriodSeconds"] == 180
    assert "shareProcessNamespace" not in spec


def test_the_gateways_environment_is_the_images_contract() -> None:
    plan = desired_input(
        {"gateway": {"readOnlyApi": True, "env": [{"name": "MORE", "value": "1"}]}}
    )
    (gateway,) = pod_specs(plan)["gateway"]["containers"]
    assert environment(gateway) == {
        "TWS_USERID_FILE": "/run/secrets/ib/IB_USERNAME",
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
    assert not any("valueFrom" in variable for variable in gateway["env"])


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


def test_a_secret_of_the_gateways_name_is_used_without_another_template() -> None:
    before = pod_specs(desired_input())["gateway"]
    named = {"notifications": {"secretRef": {"name": "paper-notifications"}, "batchSeconds": 5}}
    assert pod_specs(desired_input(named))["gateway"] == before
    (volume,) = [v for v in before["volumes"] if v["name"] == "notifications"]
    assert volume["secret"] == {
        "secretName": "paper-notifications",
        "optional": True,
        "defaultMode": 0o440,
        "items": [
            {"key": "URLS", "path": "URLS"},
            {"key": "HEARTBEAT_URL", "path": "HEARTBEAT_URL"},
        ],
    }
    (sentinel,) = before["initContainers"]
    (mounted,) = [m for m in sentinel["volumeMounts"] if m["name"] == "notifications"]
    assert mounted == {
        "name": "notifications",
        "mountPath": "/run/secrets/notifications",
        "readOnly": True,
    }
    (gateway,) = before["containers"]
    assert "notifications" not in [m["name"] for m in gateway["volumeMounts"]]


def test_another_secret_is_another_template() -> None:
    other = pod_specs(desired_input({"notifications": {"secretRef": {"name": "phones"}}}))
    (volume,) = [v for v in other["gateway"]["volumes"] if v["name"] == "notifications"]
    assert volume["secret"]["secretName"] == "phones"


@pytest.mark.parametrize(("from_user", "secret"), [(True, "ib-credentials"), (False, "paper-vnc")])
def test_name_and_password_are_of_one_state_of_the_secret_and_vnc_has_a_default(
    from_user: bool, secret: str
) -> None:
    volumes = pod_specs(desired_input(vnc_from_user=from_user))["gateway"]["volumes"]
    (credentials,) = [v for v in volumes if v["name"] == "credentials"]
    assert credentials["projected"] == {
        "defaultMode": 0o440,
        "sources": [
            {
                "secret": {
                    "name": "ib-credentials",
                    "items": [
                        {"key": "IB_USERNAME", "path": "IB_USERNAME"},
                        {"key": "IB_PASSWORD", "path": "IB_PASSWORD"},
                    ],
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


def test_a_healthy_gateway_is_not_evicted_and_an_unhealthy_one_never_blocks() -> None:
    spec = children_of(desired_input())["PodDisruptionBudget paper-gateway"]["spec"]
    assert spec["minAvailable"] == 1
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_no_autoscaler_gives_up_the_node_of_a_gateway_unless_its_user_says_so() -> None:
    def annotations(spec: dict[str, Any]) -> dict[str, str]:
        (workload,) = (m for m in desired(desired_input(spec)) if m["kind"] == "StatefulSet")
        found: dict[str, str] = workload["spec"]["template"]["metadata"]["annotations"]
        return found

    key = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    assert annotations({}) == {key: "false"}
    more = {"gateway": {"podAnnotations": {key: "true", "team": "a"}}}
    assert annotations(more) == {key: "true", "team": "a"}
