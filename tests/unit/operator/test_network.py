"""NetworkPolicies: who reaches what."""

from dataclasses import replace

import pytest

from ibgateway_operator.desired import DesiredInput
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import LIVE, children_of, desired_input, pod_templates


def ingress(policy: Manifest) -> dict[int, list[str]]:
    """Port to the peers that may reach it; no peers listed means everybody."""
    result: dict[int, list[str]] = {}
    for rule in policy["spec"]["ingress"]:
        for port in rule["ports"]:
            result[port["port"]] = [peer_name(p) for p in rule.get("from", [])]
    return result


def peer_name(peer: Manifest) -> str:
    labels = peer["podSelector"].get("matchLabels", {})
    return str(labels.get("app.kubernetes.io/component") or labels)


def test_the_executor_and_whoever_names_the_gateway_reach_the_api_and_its_gates_report() -> None:
    policy = children_of(desired_input())["NetworkPolicy paper-gateway"]
    operator = str({"app.kubernetes.io/name": "ibgateway-operator"})
    named = str({"ibgateway.dev/gateway": "paper"})
    assert ingress(policy) == {
        4004: ["executor", named],
        8090: [operator, "executor", "novnc", named],
        5900: ["novnc"],
    }


def test_nothing_keeps_the_sentinel_from_telling_people() -> None:
    policy = children_of(desired_input())["NetworkPolicy paper-gateway"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]


def _admits(peer: Manifest, labels: dict[str, str]) -> bool:
    """As Kubernetes reads a label selector: a key that is absent is in no list."""
    selector = peer["podSelector"]
    wanted = selector.get("matchLabels", {})
    banned = selector.get("matchExpressions", [])
    assert all(e["operator"] == "NotIn" for e in banned)
    return all(labels.get(k) == v for k, v in wanted.items()) and not any(
        labels.get(e["key"]) in e["values"] for e in banned
    )


@pytest.mark.parametrize("mode", [{}, LIVE])
def test_without_executor_the_api_admits_the_users_pods_that_name_the_gateway_and_none_of_ours(
    mode: Manifest,
) -> None:
    plan = desired_input({**mode, "executor": {**mode.get("executor", {}), "enabled": False}})
    rules = children_of(plan)["NetworkPolicy paper-gateway"]["spec"]["ingress"]
    (api,) = [r for r in rules if r["ports"] == [{"protocol": "TCP", "port": plan.api_port}]]
    (peer,) = api["from"]
    assert "namespaceSelector" not in peer
    mine = {"ibgateway.dev/gateway": "paper"}
    assert _admits(peer, mine)
    assert _admits(peer, {**mine, "app.kubernetes.io/component": "bot"})
    assert not _admits(peer, {"ibgateway.dev/gateway": "other"})
    assert not _admits(peer, {"app": "bot"})
    for component, template in pod_templates(desired_input()).items():
        assert not _admits(peer, template["metadata"]["labels"]), component


def peers_at(spec: Manifest | None, port: int) -> list[Manifest]:
    rules = children_of(desired_input(spec))["NetworkPolicy paper-gateway"]["spec"]["ingress"]
    (found,) = [r["from"] for r in rules if r["ports"] == [{"protocol": "TCP", "port": port}]]
    result: list[Manifest] = found
    return result


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("port", [4004, 8090])
def test_a_label_lets_in_with_an_executor_and_without_one(enabled: bool, port: int) -> None:
    peers = peers_at({"executor": {"enabled": enabled}}, port)
    assert any(_admits(p, {"ibgateway.dev/gateway": "paper"}) for p in peers)
    assert not any(_admits(p, {"ibgateway.dev/gateway": "other"}) for p in peers)
    assert all("namespaceSelector" not in p for p in peers if _admits(p, NAMED))


NAMED = {"ibgateway.dev/gateway": "paper"}
EVERY_POD: Manifest = {"networkPolicy": {"apiClients": [{}]}}


def test_by_choice_more_pods_reach_the_api() -> None:
    client = {"podSelector": {"app": "desk"}, "namespaceSelector": {"team": "quant"}}
    for port in (4004, 8090):
        peer = peers_at({"networkPolicy": {"apiClients": [client]}}, port)[-1]
        assert peer["namespaceSelector"] == {"matchLabels": {"team": "quant"}}
        assert _admits(peer, {"app": "desk"})
        assert not _admits(peer, {"app": "other"})


def test_whoever_is_let_in_our_console_is_not() -> None:
    """Its attempts at the API port are what shows whether policies are enforced."""
    console = pod_templates(desired_input())["novnc"]["metadata"]["labels"]
    api = peers_at(EVERY_POD, 4004)
    assert any(_admits(p, {}) for p in api)
    assert not any(_admits(p, console) for p in api)


def test_only_named_clients_and_the_operator_reach_the_executor() -> None:
    clients = [{"podSelector": {"app": "bot"}, "namespaceSelector": {"team": "quant"}}]
    plan = desired_input({"networkPolicy": {"executorClients": clients}})
    rule = children_of(plan)["NetworkPolicy paper-executor"]["spec"]["ingress"][0]
    assert rule["from"] == [
        {
            "podSelector": {"matchLabels": {"app": "bot"}},
            "namespaceSelector": {"matchLabels": {"team": "quant"}},
        },
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "operators"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ibgateway-operator"}},
        },
    ]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]


def test_the_console_must_not_reach_the_api() -> None:
    policy = children_of(desired_input())["NetworkPolicy paper-novnc"]["spec"]
    allowed = [p["port"] for rule in policy["egress"] for p in rule["ports"]]
    assert allowed == [5900, 8090, 53, 53]
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_browsers_reach_the_console_through_an_ingress_only_where_origins_are_allowed() -> None:
    console = "NetworkPolicy paper-novnc"
    operator = str({"app.kubernetes.io/name": "ibgateway-operator"})
    assert ingress(children_of(desired_input())[console]) == {6081: [operator]}
    plan = desired_input({"novnc": {"allowedOrigins": ["https://vnc.example.com"]}})
    assert ingress(children_of(plan)[console]) == {6081: [operator], 6080: []}


PROMETHEUS = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
OWN = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "operators"}}}
ELSEWHERE = {**PROMETHEUS, "namespaceSelector": {"matchLabels": {"team": "watch"}}}
BLOCK = {"ipBlock": {"cidr": "10.0.0.0/8"}}


@pytest.mark.parametrize(
    ("policy", "port"), [("paper-gateway", 8091), ("paper-executor", 8081), ("paper-novnc", 6081)]
)
def test_metrics_are_read_by_whom_the_operator_names_and_by_nobody_else(
    policy: str, port: int
) -> None:
    def readers(plan: DesiredInput) -> list[Manifest]:
        rules = children_of(plan)[f"NetworkPolicy {policy}"]["spec"]["ingress"]
        at_the_port = [r for r in rules if {"protocol": "TCP", "port": port} in r["ports"]]
        assert all(rule["from"] for rule in at_the_port), "a rule without peers admits everybody"
        return [peer for rule in at_the_port for peer in rule["from"] if peer != OPERATOR]

    assert readers(desired_input()) == []
    named = replace(desired_input(), metrics_from=(PROMETHEUS, ELSEWHERE, BLOCK))
    assert readers(named) == [{**PROMETHEUS, **OWN}, ELSEWHERE, BLOCK]


OPERATOR = {**OWN, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ibgateway-operator"}}}
