"""The watchdog of the operator's chart: the least rights, no way in, and never taken for the operator."""

from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_charts.generated import OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Rendered, Values
from ibgateway_operator.settings import from_environment
from ibgateway_operator.watchdog import settings_from

OPERATOR, WATCHDOG = "first-ibgateway-operator", "first-ibgateway-operator-watchdog"


def template(rendered: Rendered, name: str = WATCHDOG) -> dict[str, Any]:
    found: dict[str, Any] = rendered.named("Deployment", name)["spec"]["template"]
    return found


def environment(rendered: Rendered, name: str) -> dict[str, str]:
    """As the pod has it in the namespace `trading`."""
    (container,) = template(rendered, name)["spec"]["containers"]
    plain = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    return {**plain, "POD_NAMESPACE": "trading"}


@pytest.mark.parametrize(
    "values",
    [{}, {"watchNamespaces": ["desk", "lab"]}, {"rbac": {"scope": "cluster"}}],
    ids=str,
)
def test_it_reads_the_lease_that_the_operator_renews_and_sees_the_same_namespaces(
    helm: Helm, values: Values
) -> None:
    rendered = helm.render(OPERATOR_CHART, values)
    operator = from_environment(environment(rendered, OPERATOR))
    watchdog = settings_from(environment(rendered, WATCHDOG))
    assert watchdog.lease == Key(operator.own_namespace, operator.lease)
    assert watchdog.lease == Key("trading", OPERATOR)
    assert watchdog.namespaces == operator.watch_namespaces


@pytest.mark.parametrize(
    ("values", "kind", "places"),
    [
        ({}, "Role", ["trading"]),
        ({"watchNamespaces": ["desk", "lab"]}, "Role", ["desk", "lab"]),
        ({"rbac": {"scope": "cluster"}}, "ClusterRole", [None]),
    ],
    ids=str,
)
def test_it_may_list_gateways_and_patch_their_status_and_nothing_else(
    helm: Helm, values: Values, kind: str, places: list[str | None]
) -> None:
    rendered = helm.render(OPERATOR_CHART, values)
    roles = [one for one in rendered.all(kind) if one["metadata"]["name"] == WATCHDOG]
    assert [one["metadata"].get("namespace") for one in roles] == places
    for role in roles:
        assert role["rules"] == [
            {"apiGroups": ["ibgateway.dev"], "resources": ["ibgateways"], "verbs": ["list"]},
            {
                "apiGroups": ["ibgateway.dev"],
                "resources": ["ibgateways/status"],
                "verbs": ["patch"],
            },
        ]
    bindings = rendered.all("RoleBinding") + rendered.all("ClusterRoleBinding")
    mine = [b for b in bindings if b["subjects"][0]["name"] == WATCHDOG]
    assert {b["roleRef"]["name"] for b in mine} == {WATCHDOG, f"{WATCHDOG}-lease"}


def test_it_reads_one_lease_that_the_operator_alone_may_write(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {"watchNamespaces": ["desk"]})
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    reads = rendered.named("Role", f"{WATCHDOG}-lease")
    writes = rendered.named("Role", f"{OPERATOR}-lease")
    assert reads["metadata"]["namespace"] == writes["metadata"]["namespace"] == "trading"
    assert reads["rules"] == [{**lease, "verbs": ["get"], "resourceNames": [OPERATOR]}]
    assert writes["rules"] == [
        {**lease, "verbs": ["get", "patch"], "resourceNames": [OPERATOR]},
        {**lease, "verbs": ["create"]},
    ]


def test_nobody_takes_it_for_the_operator(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {})
    assert (
        template(rendered)["metadata"]["labels"]["app.kubernetes.io/name"] == "ibgateway-watchdog"
    )
    for kind in ("Deployment", "NetworkPolicy"):
        spec = rendered.named(kind, WATCHDOG)["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        assert selector["matchLabels"] == {
            "app.kubernetes.io/name": "ibgateway-watchdog",
            "app.kubernetes.io/instance": "first",
        }


def test_its_pod_is_fenced_and_restricted(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {})
    spec = rendered.named("NetworkPolicy", WATCHDOG)["spec"]
    assert spec["ingress"] == []
    assert [[port["port"] for port in rule["ports"]] for rule in spec["egress"]] == [
        [53, 53],
        [443, 6443],
    ]
    pods = [template(rendered, name)["spec"] for name in (OPERATOR, WATCHDOG)]
    assert pods[0]["securityContext"] == pods[1]["securityContext"]
    (operator,), (watchdog,) = (pod["containers"] for pod in pods)
    assert watchdog["securityContext"] == operator["securityContext"]
    assert watchdog["image"] == operator["image"]
    assert watchdog["command"] == ["python3", "-m", "ibgateway_operator.watchdog"]
    assert watchdog["resources"]["limits"] == {"memory": "128Mi"}


def test_it_is_left_out_by_choice(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {"watchdog": {"enabled": False}})
    assert [one for one in rendered.kinds() if "watchdog" in one] == []
