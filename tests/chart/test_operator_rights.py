"""What the operator may do and whom it may reach: written out, so that a new right is seen here."""

from typing import Any

import pytest

from ibgateway_api.crd import crd
from ibgateway_api.names import PORT_EXECUTOR, PORT_NOVNC_ADMIN, PORT_SENTINEL
from ibgateway_charts.generated import OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Release, Rendered, Values
from ibgateway_operator.model.kinds import APPLIED, BY_KIND, REMOVABLE
from ibgateway_operator.selfcheck import RIGHTS as SELFCHECKED

CHILD = frozenset({"get", "list", "watch", "create", "patch", "delete"})
RIGHTS = {
    ("ibgateway.dev", "ibgateways"): {"get", "list", "watch"},
    ("ibgateway.dev", "ibgateways/status"): {"get", "patch"},
    ("apps", "statefulsets"): CHILD,
    ("apps", "deployments"): CHILD,
    ("", "services"): CHILD,
    ("", "configmaps"): CHILD,
    ("", "serviceaccounts"): CHILD,
    ("policy", "poddisruptionbudgets"): CHILD,
    ("networking.k8s.io", "networkpolicies"): CHILD,
    ("", "persistentvolumeclaims"): {"get", "list", "watch", "create", "patch"},
    ("", "pods"): {"get", "list", "watch", "patch", "delete"},
    ("", "pods/status"): {"patch"},
    ("", "secrets"): {"get", "create"},
    ("events.k8s.io", "events"): {"create"},
}

LEASE_RIGHTS = {("coordination.k8s.io", "leases"): {"get", "patch", "create"}}


def rights(role: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """The rules as (group, resource) -> verbs; a pair that stands twice is an error."""
    pairs = [
        ((group, resource), set(rule["verbs"]))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]
    assert len({pair for pair, _ in pairs}) == len(pairs)
    return dict(pairs)


def roles(rendered: Rendered) -> list[dict[str, Any]]:
    """The roles for the watched namespaces; that for the Lease is another one."""
    found = rendered.all("Role") + rendered.all("ClusterRole")
    return [one for one in found if not one["metadata"]["name"].endswith("-lease")]


@pytest.mark.parametrize(
    "values", [{}, {"watchNamespaces": ["desk"]}, {"rbac": {"scope": "cluster"}}]
)
def test_the_operator_has_exactly_the_rights_it_uses(helm: Helm, values: Values) -> None:
    (role,) = roles(helm.render(OPERATOR_CHART, values).without("watchdog"))
    assert rights(role) == RIGHTS


def test_owner_references_need_one_more_right_where_the_api_server_checks_them(helm: Helm) -> None:
    values = {"rbac": {"ownerReferencesPermissionEnforcement": True}}
    (role,) = roles(helm.render(OPERATOR_CHART, values).without("watchdog"))
    assert rights(role) == {**RIGHTS, ("ibgateway.dev", "ibgateways/finalizers"): {"update"}}


def test_the_resource_in_the_rules_is_the_one_that_is_installed() -> None:
    names = crd()["spec"]["names"]
    assert (crd()["spec"]["group"], names["plural"]) in RIGHTS


def test_the_rights_are_those_of_the_operators_own_table_of_kinds() -> None:
    of_kinds = {(kind.group, kind.plural) for kind in BY_KIND.values()}
    assert {p for p in {**RIGHTS, **LEASE_RIGHTS} if "/" not in p[1]} == of_kinds
    for kind in APPLIED:
        verbs = RIGHTS[kind.group, kind.plural]
        assert verbs >= {"list", "watch", "create", "patch"}, kind
        assert ("delete" in verbs) == (kind.kind in REMOVABLE), kind


@pytest.mark.parametrize(
    ("values", "namespace"), [({}, "trading"), ({"watchNamespaces": ["desk"]}, "desk")]
)
def test_rights_end_at_the_watched_namespace(helm: Helm, values: Values, namespace: str) -> None:
    rendered = helm.render(OPERATOR_CHART, values).without("watchdog")
    assert rendered.all("ClusterRole") == []
    assert rendered.all("ClusterRoleBinding") == []
    (role,) = roles(rendered)
    assert role["metadata"]["namespace"] == namespace
    binding = rendered.named("RoleBinding", "first-ibgateway-operator")
    assert binding["metadata"]["namespace"] == namespace
    assert binding["roleRef"]["kind"] == "Role"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "first-ibgateway-operator", "namespace": "trading"}
    ]


def test_all_namespaces_only_by_choice(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {"rbac": {"scope": "cluster"}}).without("watchdog")
    assert [one["metadata"]["name"] for one in rendered.all("Role")] == [
        "first-ibgateway-operator-lease"
    ]
    binding = rendered.one("ClusterRoleBinding")
    assert binding["roleRef"]["kind"] == "ClusterRole"
    assert binding["roleRef"]["name"] == rendered.one("ClusterRole")["metadata"]["name"]
    (container,) = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": "WATCH_NAMESPACE", "value": ""} in container["env"]


def test_the_operators_pod_is_fenced(helm: Helm) -> None:
    spec = helm.render(OPERATOR_CHART, {}).without("watchdog").one("NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == []
    assert spec["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/name": "ibgateway-operator",
        "app.kubernetes.io/instance": "first",
    }


def egress(rendered: Rendered) -> list[dict[str, Any]]:
    """Names, API server, whom the user's addresses name, gateways."""
    rules: list[dict[str, Any]] = rendered.one("NetworkPolicy")["spec"]["egress"]
    return rules


def test_it_may_reach_names_the_api_server_and_its_gateways(helm: Helm) -> None:
    names, api_server, people, gateways = egress(
        helm.render(OPERATOR_CHART, {}).without("watchdog")
    )
    assert names == {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
    assert api_server == {
        "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]
    }
    assert people == {"ports": [{"protocol": "TCP", "port": 443}]}
    assert [one["port"] for one in gateways["ports"]] == [
        PORT_SENTINEL,
        PORT_EXECUTOR,
        PORT_NOVNC_ADMIN,
    ]
    assert gateways["to"] == [
        {
            "namespaceSelector": {
                "matchExpressions": [
                    {
                        "key": "kubernetes.io/metadata.name",
                        "operator": "In",
                        "values": ["trading"],
                    }
                ]
            },
            "podSelector": {
                "matchExpressions": [{"key": "ibgateway.dev/gateway", "operator": "Exists"}]
            },
        }
    ]


def test_the_fence_follows_the_values(helm: Helm) -> None:
    peer = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
    values = {
        "rbac": {"scope": "cluster"},
        "networkPolicy": {
            "apiServer": {"cidrs": ["10.0.0.1/32"], "ports": [7443]},
            "notifications": {"cidrs": ["192.0.2.0/24"], "ports": [443, 587]},
            "metricsFrom": [peer],
        },
    }
    rendered = helm.render(OPERATOR_CHART, values, Release()).without("watchdog")
    _, api_server, people, gateways = egress(rendered)
    assert people == {
        "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 587}],
        "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
    }
    assert api_server == {
        "ports": [{"protocol": "TCP", "port": 7443}],
        "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
    }
    assert gateways["to"][0]["namespaceSelector"] == {}
    assert rendered.one("NetworkPolicy")["spec"]["ingress"] == [
        {"from": [peer], "ports": [{"protocol": "TCP", "port": "metrics"}]}
    ]


def test_without_ports_the_operator_sends_no_messages(helm: Helm) -> None:
    values: Values = {"networkPolicy": {"notifications": {"ports": []}}}
    assert len(egress(helm.render(OPERATOR_CHART, values).without("watchdog"))) == 3


@pytest.mark.parametrize(
    ("aggregate", "rules"),
    [
        ("view", {"ibgateways": {"get", "list", "watch"}, "ibgateways/status": {"get"}}),
        ("edit", {"ibgateways": {"create", "update", "patch", "delete"}}),
        ("admin", {"ibgateways": {"deletecollection"}}),
    ],
)
def test_kubernetes_own_roles_get_rights_on_gateways_by_choice(
    helm: Helm, aggregate: str, rules: dict[str, set[str]]
) -> None:
    rendered = helm.render(OPERATOR_CHART, {"rbac": {"aggregate": [aggregate]}})
    role = rendered.one("ClusterRole")
    assert role["metadata"]["name"] == f"first-ibgateway-operator-{aggregate}"
    labels = role["metadata"]["labels"]
    assert {key for key in labels if key.startswith("rbac.")} == {
        f"rbac.authorization.k8s.io/aggregate-to-{aggregate}"
    }
    assert rights(role) == {("ibgateway.dev", name): verbs for name, verbs in rules.items()}
    assert rendered.all("ClusterRoleBinding") == []


def test_helm_test_asks_for_exactly_the_rights_that_the_operator_has() -> None:
    asked = {
        (kind.group, f"{kind.plural}/{sub}" if sub else kind.plural): set(verbs)
        for kind, sub, verbs in SELFCHECKED
    }
    assert asked == RIGHTS
