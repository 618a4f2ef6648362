"""A program of one's own in the executor's place: its pod, its Services, its policy."""

from dataclasses import replace
from typing import Any

import pytest

from ibgateway_operator.desired.secrets import secret_names
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.settings import Images
from operator_fakes import children_of, desired_input, environment

BOT: Manifest = {"image": {"repository": "registry.example.com/my-bot", "tag": "1.4.2"}}


def children(more: Manifest | None = None, **rest: Any) -> dict[str, Manifest]:
    return children_of(desired_input({"executor": {**BOT, **(more or {})}, **rest}))


def template(more: Manifest | None = None, **rest: Any) -> Manifest:
    found: Manifest = children(more, **rest)["Deployment paper-executor"]["spec"]["template"]
    return found


def container(more: Manifest | None = None, **rest: Any) -> Manifest:
    (only,) = template(more, **rest)["spec"]["containers"]
    found: Manifest = only
    return found


def test_it_is_told_where_its_gateway_is_and_its_own_variables_come_after() -> None:
    spec = {
        "clientId": 21,
        "accounts": ["DU1234567", "DF7654321"],
        "env": [{"name": "AIM", "value": "$(IB_HOST)"}],
    }
    assert list(environment(container(spec)).items()) == [
        ("IB_HOST", "paper-gateway"),
        ("IB_PORT", "4001"),
        ("IB_CLIENT_ID", "21"),
        ("IB_ACCOUNTS", "DU1234567,DF7654321"),
        ("TRADING_MODE", "paper"),
        (
            "IBGATEWAY_STATUS_URL",
            "http://paper-gateway-pods.trading.svc:8090/v1/gate",
        ),
        ("IBGATEWAY_TOKEN_FILE", "/run/secrets/ibgateway/token"),
        ("AIM", "$(IB_HOST)"),
    ]


def test_no_variable_of_the_users_stands_in_for_the_operators() -> None:
    """The API server refuses it; an object may be older than its rules."""
    spec = {"env": [{"name": "IB_PORT", "value": "1"}, {"name": "IBGATEWAY_X", "value": "1"}]}
    variables = [v["name"] for v in container(spec)["env"]]
    assert variables.count("IB_PORT") == 1
    assert "IBGATEWAY_X" not in variables


def test_live_is_told_in_so_many_words() -> None:
    live = desired_input({"tradingMode": "live", "executor": {**BOT, "accounts": ["U1234567"]}})
    pod = children_of(live)["Deployment paper-executor"]["spec"]["template"]["spec"]
    assert environment(pod["containers"][0])["TRADING_MODE"] == "live"


def test_the_pod_waits_for_the_gate_and_has_the_token_of_the_gates_report_alone() -> None:
    spec = template()["spec"]
    assert spec["readinessGates"] == [{"conditionType": "ibgateway.dev/trading-allowed"}]
    assert spec["automountServiceAccountToken"] is False
    assert spec["terminationGracePeriodSeconds"] == 30
    assert [v["secret"]["secretName"] for v in spec["volumes"]] == ["paper-gate-token"]
    assert container()["volumeMounts"] == [
        {"name": "ibgateway-token", "mountPath": "/run/secrets/ibgateway", "readOnly": True}
    ]


def test_what_the_user_says_is_passed_on_as_it_is() -> None:
    given = {
        "command": ["python"],
        "args": ["-m", "bot"],
        "envFrom": [{"secretRef": {"name": "broker-keys"}}],
        "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": "bot"}}],
        "volumeMounts": [{"name": "state", "mountPath": "/state"}],
        "resources": {"limits": {"memory": "1Gi"}},
        "ports": [{"name": "http", "containerPort": 9000}],
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}},
        "readinessProbe": {"exec": {"command": ["true"]}},
        "startupProbe": {"tcpSocket": {"port": 9000}, "failureThreshold": 60},
        "imagePullSecrets": [{"name": "registry"}],
        "terminationGracePeriodSeconds": 90,
    }
    made, pod = container(given), template(given)["spec"]
    as_they_are = {
        *("command", "args", "envFrom", "resources"),
        *("livenessProbe", "readinessProbe", "startupProbe"),
    }
    assert {field: made[field] for field in as_they_are} == {f: given[f] for f in as_they_are}
    assert made["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
    assert made["volumeMounts"][0] == {"name": "state", "mountPath": "/state"}
    assert pod["volumes"][0] == {"name": "state", "persistentVolumeClaim": {"claimName": "bot"}}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["terminationGracePeriodSeconds"] == 90


def test_what_the_user_leaves_out_is_left_to_the_image() -> None:
    assert set(container()) == {
        *("name", "image", "imagePullPolicy", "env", "resources", "securityContext"),
        "volumeMounts",
    }
    assert container()["resources"] == {"requests": {"cpu": "50m", "memory": "128Mi"}}


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ({}, {}),
        ({"readOnlyRootFilesystem": True}, {"readOnlyRootFilesystem": True}),
        (
            {"runAsUser": 0, "runAsNonRoot": False},
            {"runAsUser": 0, "runAsNonRoot": False},
        ),
        (
            {"capabilities": {"add": ["NET_BIND_SERVICE"]}},
            {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}},
        ),
    ],
)
def test_it_is_restricted_but_for_what_the_user_says(said: Manifest, changed: Manifest) -> None:
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": False,
        "runAsNonRoot": True,
    }
    assert container({"securityContext": said})["securityContext"] == restricted | changed


@pytest.mark.parametrize(
    ("image", "registry", "pulled"),
    [
        (BOT["image"], "", "registry.example.com/my-bot:1.4.2"),
        (BOT["image"], "mirror.example.com", "registry.example.com/my-bot:1.4.2"),
        (
            {"repository": "bots/mine", "tag": "2"},
            "mirror.example.com",
            "mirror.example.com/bots/mine:2",
        ),
        (
            {"repository": "bots/mine", "tag": "2", "digest": "sha256:" + "0" * 64},
            "",
            "bots/mine@sha256:" + "0" * 64,
        ),
    ],
)
def test_its_image_is_pulled_as_the_gateways_is(
    image: Manifest, registry: str, pulled: str
) -> None:
    given = desired_input(
        {"executor": {"image": image}}, images=Images("a", "b", registry=registry)
    )
    pod = children_of(given)["Deployment paper-executor"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == pulled


def test_nothing_of_our_executors_is_made_for_it() -> None:
    made = {name for name in children() if "executor" in name}
    assert made == {
        "Deployment paper-executor",
        "NetworkPolicy paper-executor",
        "ServiceAccount paper-executor",
    }
    made_once = set(secret_names(desired_input({"executor": BOT})))
    assert made_once == {"paper-agent-token", "paper-gate-token"}


def test_its_services_have_the_ports_that_it_has() -> None:
    ports = [
        {"name": "http", "containerPort": 9000},
        {"name": "feed", "containerPort": 9001, "protocol": "UDP"},
    ]
    made = children({"ports": ports})
    wanted = [
        {"name": "http", "port": 9000, "targetPort": 9000, "protocol": "TCP"},
        {"name": "feed", "port": 9001, "targetPort": 9001, "protocol": "UDP"},
    ]
    assert made["Service paper-executor"]["spec"]["ports"] == wanted
    assert made["Service paper-executor-intake"]["spec"]["ports"] == wanted
    assert made["Service paper-executor-intake"]["spec"]["publishNotReadyAddresses"] is True


def test_whoever_reads_metrics_reaches_its_port_of_that_name_and_no_other() -> None:
    ports = [
        {"name": "http", "containerPort": 9000},
        {"name": "metrics", "containerPort": 9100},
    ]
    prometheus = {"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}
    given = desired_input({"executor": {**BOT, "ports": ports}})
    made = children_of(replace(given, metrics_from=(prometheus,)))
    assert made["NetworkPolicy paper-executor"]["spec"]["ingress"] == [
        {"from": [prometheus], "ports": [{"protocol": "TCP", "port": 9100}]}
    ]


CLIENTS = {"executorClients": [{"podSelector": {"app": "desk"}}]}
DESK = {"podSelector": {"matchLabels": {"app": "desk"}}}
HTTP = [{"name": "http", "containerPort": 9000}]


@pytest.mark.parametrize(
    ("ports", "clients", "ingress"),
    [
        (HTTP, CLIENTS, [{"from": [DESK], "ports": [{"protocol": "TCP", "port": 9000}]}]),
        pytest.param(HTTP, {}, [], id="an empty list of peers would be everybody"),
        pytest.param([], CLIENTS, [], id="an empty list of ports would be every one"),
    ],
)
def test_named_clients_reach_its_ports_and_it_reaches_everything(
    ports: list[Manifest], clients: Manifest, ingress: list[Manifest]
) -> None:
    made = children({"ports": ports}, networkPolicy=clients)
    policy = made["NetworkPolicy paper-executor"]["spec"]
    assert policy["ingress"] == ingress
    assert policy["policyTypes"] == ["Ingress"]
    assert "egress" not in policy


def test_switched_off_nothing_of_it_is_made() -> None:
    assert not [name for name in children({"enabled": False}) if "executor" in name]
