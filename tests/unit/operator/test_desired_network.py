"""Services, NetworkPolicies and settings of an IBGateway."""

import json
from copy import deepcopy

from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.desired.config import settings_hash
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.settings import Images
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


def ports(service: Manifest) -> dict[int, int]:
    return {p["port"]: p["targetPort"] for p in service["spec"]["ports"]}


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


def test_the_api_is_on_4001_in_both_modes() -> None:
    assert ports(named(desired_input())["Service paper-gateway"]) == {4001: 4004}
    assert ports(named(desired_input(LIVE))["Service paper-gateway"]) == {4001: 4003}


def test_services_publish_what_is_not_ready_only_where_it_is_meant() -> None:
    services = {n: m for n, m in named(desired_input()).items() if m["kind"] == "Service"}
    assert {n: m["spec"].get("publishNotReadyAddresses", False) for n, m in services.items()} == {
        "Service paper-executor": False,
        "Service paper-executor-intake": True,
        "Service paper-gateway": False,
        "Service paper-gateway-pods": True,
        "Service paper-novnc": False,
    }
    assert services["Service paper-gateway-pods"]["spec"]["clusterIP"] == "None"
    assert ports(services["Service paper-novnc"]) == {6080: 6080}
    assert ports(services["Service paper-executor"]) == {8080: 8080}


def test_only_the_executor_reaches_the_api() -> None:
    policy = named(desired_input())["NetworkPolicy paper-gateway"]
    operator = str({"app.kubernetes.io/name": "ibgateway-operator"})
    assert ingress(policy) == {
        4004: ["executor"],
        8090: [operator, "executor", "novnc"],
        5900: ["novnc"],
        8091: [],
    }


def test_only_named_clients_and_the_operator_reach_the_executor() -> None:
    clients = [{"podSelector": {"app": "bot"}, "namespaceSelector": {"team": "quant"}}]
    plan = desired_input({"networkPolicy": {"executorClients": clients}})
    rule = named(plan)["NetworkPolicy paper-executor"]["spec"]["ingress"][0]
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
    policy = named(desired_input())["NetworkPolicy paper-novnc"]["spec"]
    allowed = [p["port"] for rule in policy["egress"] for p in rule["ports"]]
    assert allowed == [5900, 8090, 53, 53]
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_the_console_asks_for_a_token_of_its_own_where_it_is_told_to() -> None:
    plain = pod_specs(desired_input())["novnc"]["containers"][0]
    assert environment(plain)["CONSOLE_AUTH"] == "password"
    assert "CONSOLE_TOKEN_FILE" not in environment(plain)
    spec = pod_specs(desired_input({"novnc": {"auth": "token"}}))["novnc"]
    assert environment(spec["containers"][0])["CONSOLE_TOKEN_FILE"] == "/run/secrets/console/token"
    assert spec["volumes"][1]["secret"]["secretName"] == "paper-novnc-token"


def test_a_healthy_gateway_is_not_evicted_and_an_unhealthy_one_never_blocks() -> None:
    spec = named(desired_input())["PodDisruptionBudget paper-gateway"]["spec"]
    assert spec["minAvailable"] == 1
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_sentinels_settings_hold_the_budget() -> None:
    plan = desired_input(
        {
            "login": {
                "dailyAttempts": 4,
                "existingSession": "takeOver",
                "quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Europe/Berlin"},
            },
            "executor": {"accounts": ["DU1234567"]},
        }
    )
    settings = json.loads(named(plan)["ConfigMap paper-gateway"]["data"]["settings.json"])
    assert settings["tradingMode"] == "paper"
    assert settings["expectedAccounts"] == ["DU1234567"]
    assert settings["existingSession"] == "takeOver"
    assert settings["login"]["dailyAttempts"] == 4
    assert settings["login"]["quietHours"] == {
        "start": "22:00:00",
        "end": "07:00:00",
        "timeZone": "Europe/Berlin",
    }


def test_the_executors_settings_name_the_pod_and_not_the_ready_only_service() -> None:
    settings = json.loads(
        named(desired_input())["ConfigMap paper-executor"]["data"]["settings.json"]
    )
    assert settings["apiHost"] == "paper-gateway-0.paper-gateway-pods.trading.svc"
    assert settings["apiPort"] == 4004
    assert settings["sentinelUrl"] == "http://paper-gateway-0.paper-gateway-pods.trading.svc:8090"
    assert settings["clientId"] == 17


def test_a_change_of_settings_changes_their_hash() -> None:
    before = named(desired_input())["ConfigMap paper-gateway"]
    after = named(desired_input({"login": {"maxAttempts": 1}}))["ConfigMap paper-gateway"]
    assert settings_hash(before) == settings_hash(deepcopy(before))
    assert settings_hash(after) != settings_hash(before)


def test_pull_secrets_of_resource_and_operator_are_both_named() -> None:
    plan = desired_input(
        {"gateway": {"imagePullSecrets": [{"name": "mine"}]}},
        images=Images(agent="a", executor="e", pull_secrets=("ours",)),
    )
    specs = pod_specs(plan)
    assert specs["gateway"]["imagePullSecrets"] == [{"name": "mine"}, {"name": "ours"}]
    assert specs["executor"]["imagePullSecrets"] == [{"name": "ours"}]
