"""The operator's chart: a table of values, and what the rendered objects say."""

import hashlib
import json
from typing import Any

import pytest

from ibgateway_api.week import Calendar
from ibgateway_charts.generated import OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Release, Rendered, Values
from ibgateway_operator.settings import from_environment

DIGEST = "sha256:" + "ab" * 32
OTHER = Release("second", "elsewhere")
LONG = Release("r" * 53, "trading")


def pod(rendered: Rendered) -> dict[str, Any]:
    template: dict[str, Any] = rendered.one("Deployment")["spec"]["template"]
    return template


def container(rendered: Rendered) -> dict[str, Any]:
    (only,) = pod(rendered)["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def environment(rendered: Rendered) -> dict[str, str]:
    return {
        one["name"]: one.get("value") or one["valueFrom"]["fieldRef"]["fieldPath"]
        for one in container(rendered)["env"]
        if one.get("value") != ""
    }


DEFAULT_KINDS = [
    "ConfigMap/first-ibgateway-operator-calendar",
    "CustomResourceDefinition/ibgateways.ibgateway.dev",
    "Deployment/first-ibgateway-operator",
    "NetworkPolicy/first-ibgateway-operator",
    "Role/first-ibgateway-operator",
    "Role/first-ibgateway-operator-lease",
    "RoleBinding/first-ibgateway-operator",
    "RoleBinding/first-ibgateway-operator-lease",
    "ServiceAccount/first-ibgateway-operator",
]
NO_WATCHDOG: Values = {"watchdog": {"enabled": False}}


def without(*kinds: str) -> list[str]:
    return [one for one in DEFAULT_KINDS if one.split("/")[0] not in kinds]


def cluster_wide() -> list[str]:
    name = "first-ibgateway-operator"
    narrow = {f"Role/{name}", f"RoleBinding/{name}"}
    wide = [f"ClusterRole/{name}", f"ClusterRoleBinding/{name}"]
    return sorted([*wide, *(one for one in DEFAULT_KINDS if one not in narrow)])


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, DEFAULT_KINDS),
        ({"crds": {"enabled": False}}, without("CustomResourceDefinition")),
        ({"rbac": {"create": False}}, without("Role", "RoleBinding")),
        (
            {"serviceAccount": {"create": False, "name": "ours"}},
            without("ServiceAccount"),
        ),
        ({"networkPolicy": {"enabled": False}}, without("NetworkPolicy")),
        ({"rbac": {"scope": "cluster"}}, cluster_wide()),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_the_release_holds_exactly_these_objects(
    helm: Helm, values: Values, kinds: list[str]
) -> None:
    assert helm.render(OPERATOR_CHART, {**values, **NO_WATCHDOG}).kinds() == kinds


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        (Release("first"), {}, "first-ibgateway-operator"),
        (Release("ibgateway-operator"), {}, "ibgateway-operator"),
        (Release("my-ibgateway-operator"), {}, "my-ibgateway-operator"),
        (LONG, {}, "r" * 53),
        (Release("first"), {"fullnameOverride": "keeper"}, "keeper"),
    ],
)
def test_objects_are_named_after_the_release(
    helm: Helm, release: Release, values: Values, name: str
) -> None:
    rendered = helm.render(OPERATOR_CHART, values, release).without("watchdog")
    assert rendered.one("Deployment")["metadata"]["name"] == name
    assert rendered.one("ConfigMap")["metadata"]["name"] == f"{name}-calendar"
    assert pod(rendered)["spec"]["serviceAccountName"] == name


def test_there_is_one_operator_and_its_follower_stands_by_before_it_goes(helm: Helm) -> None:
    spec = helm.render(OPERATOR_CHART, {}).without("watchdog").one("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    assert "affinity" not in spec["template"]["spec"]


def test_two_operators_keep_away_from_each_other_and_hold_one_lease(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {"replicas": 2}).without("watchdog")
    spec = rendered.one("Deployment")["spec"]
    assert spec["replicas"] == 2
    anti = spec["template"]["spec"]["affinity"]["podAntiAffinity"]
    term = anti["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]
    assert term["labelSelector"] == spec["selector"]


def test_an_affinity_of_the_users_own_takes_the_place_of_ours(helm: Helm) -> None:
    mine: dict[str, Any] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    rendered = helm.render(OPERATOR_CHART, {"replicas": 2, "affinity": mine}).without("watchdog")
    assert pod(rendered)["spec"]["affinity"] == mine


def test_the_pod_meets_the_restricted_standard_with_a_read_only_root(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {}).without("watchdog")
    assert pod(rendered)["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(rendered)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert rendered.one("ServiceAccount")["automountServiceAccountToken"] is False


def test_the_operator_is_told_everything_by_its_environment(helm: Helm) -> None:
    values = {"imagePullSecrets": [{"name": "one"}, {"name": "two"}], "logLevel": "DEBUG"}
    assert environment(helm.render(OPERATOR_CHART, values).without("watchdog")) == {
        "WATCH_NAMESPACE": "trading",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_NAME": "metadata.name",
        "OPERATOR_LEASE": "first-ibgateway-operator",
        "OPERATOR_AGENT_IMAGE": "ibgateway-agent:0.1.0",
        "OPERATOR_EXECUTOR_IMAGE": "ibgateway-executor:0.1.0",
        "OPERATOR_IMAGE_PULL_POLICY": "IfNotPresent",
        "OPERATOR_IMAGE_PULL_SECRETS": "one,two",
        "OPERATOR_CALENDAR_FILE": "/etc/ibgateway-operator/calendar.json",
        "OPERATOR_LIVENESS_PORT": "8089",
        "OPERATOR_METRICS_PORT": "8088",
        "OPERATOR_METRICS_FROM": "[]",
        "OPERATOR_LOG_LEVEL": "DEBUG",
    }


def test_the_operator_itself_understands_that_environment(helm: Helm) -> None:
    plain = {
        one["name"]: one.get("value", "")
        for one in container(helm.render(OPERATOR_CHART, {}).without("watchdog"))["env"]
    }
    settings = from_environment(plain)
    assert settings.watch_namespaces == ("trading",)
    assert settings.images.agent == "ibgateway-agent:0.1.0"
    assert settings.images.executor == "ibgateway-executor:0.1.0"
    assert settings.images.pull_secrets == ()
    assert (settings.liveness_port, settings.metrics_port) == (8089, 8088)


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes_ask_the_port_that_the_operator_is_told(helm: Helm, probe: str) -> None:
    operator = container(helm.render(OPERATOR_CHART, {}).without("watchdog"))
    assert operator[probe]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert operator["ports"] == [
        {"name": "health", "containerPort": 8089},
        {"name": "metrics", "containerPort": 8088},
    ]


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "ibgateway-operator:0.1.0"),
        ({"tag": "dev-1"}, "ibgateway-operator:dev-1"),
        ({"repository": "registry.example/x/operator"}, "registry.example/x/operator:0.1.0"),
        ({"tag": "dev-1", "digest": DIGEST}, f"ibgateway-operator@{DIGEST}"),
    ],
)
def test_an_image_is_named_by_tag_or_by_digest(helm: Helm, image: Values, reference: str) -> None:
    rendered = helm.render(OPERATOR_CHART, {"images": {"operator": image}}).without("watchdog")
    assert container(rendered)["image"] == reference


@pytest.mark.parametrize("which", ["agent", "executor"])
def test_the_children_get_the_images_and_the_policy_of_the_values(helm: Helm, which: str) -> None:
    values = {"images": {"pullPolicy": "Never", which: {"repository": "ours", "digest": DIGEST}}}
    rendered = helm.render(OPERATOR_CHART, values).without("watchdog")
    assert environment(rendered)[f"OPERATOR_{which.upper()}_IMAGE"] == f"ours@{DIGEST}"
    assert environment(rendered)["OPERATOR_IMAGE_PULL_POLICY"] == "Never"
    assert container(rendered)["imagePullPolicy"] == "Never"


def test_the_calendar_reaches_the_operator_as_a_file(helm: Helm) -> None:
    calendar = {
        "tokenBoundary": {"weekday": "Wednesday", "at": "14:31:30", "timeZone": "Etc/UTC"},
        "restartDelaySeconds": 0,
        "marginSeconds": 0,
        "outages": [],
    }
    rendered = helm.render(OPERATOR_CHART, {"calendar": calendar}).without("watchdog")
    said = Calendar.model_validate_json(rendered.one("ConfigMap")["data"]["calendar.json"])
    assert said.token_boundary.weekday == "Wednesday"
    assert said.token_boundary.at.isoformat() == "14:31:30"
    assert (said.restart_delay_seconds, said.margin_seconds, said.outages) == (0, 0, ())
    assert said.lateness_seconds == 900
    mounts = {one["name"]: one["mountPath"] for one in container(rendered)["volumeMounts"]}
    assert mounts == {"calendar": "/etc/ibgateway-operator", "tmp": "/tmp"}
    assert pod(rendered)["spec"]["volumes"][0] == {
        "name": "calendar",
        "configMap": {"name": "first-ibgateway-operator-calendar"},
    }


def test_without_a_calendar_the_published_times_stand(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {}).without("watchdog")
    file = rendered.one("ConfigMap")["data"]["calendar.json"]
    assert file == "{}"
    assert Calendar.model_validate_json(file) == Calendar()


def test_a_changed_calendar_replaces_the_operators_pod_and_nothing_else_does(helm: Helm) -> None:
    plain = pod(helm.render(OPERATOR_CHART, {}).without("watchdog"))["metadata"]["annotations"]
    assert plain == {"checksum/calendar": hashlib.sha256(b"{}").hexdigest()}
    other = helm.render(OPERATOR_CHART, {"calendar": {"marginSeconds": 1}}).without("watchdog")
    assert pod(other)["metadata"]["annotations"] != plain


def test_scheduling_and_metadata_are_passed_on(helm: Helm) -> None:
    rendered = helm.render(
        OPERATOR_CHART,
        {
            "commonLabels": {"team": "desk"},
            "podLabels": {"tier": "control"},
            "podAnnotations": {"note": "hello"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "high",
            "imagePullSecrets": [{"name": "registry"}],
            "resources": {"limits": {"memory": "1Gi"}},
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
            "serviceAccount": {"name": "keeper", "annotations": {"role": "x"}},
        },
    ).without("watchdog")
    spec = pod(rendered)["spec"]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["affinity"] == {"nodeAffinity": {}}
    assert spec["priorityClassName"] == "high"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["serviceAccountName"] == "keeper"
    assert rendered.one("ServiceAccount")["metadata"]["annotations"] == {"role": "x"}
    assert (
        rendered.named("RoleBinding", "first-ibgateway-operator")["subjects"][0]["name"] == "keeper"
    )
    assert container(rendered)["resources"]["limits"] == {"memory": "1Gi"}
    assert environment(rendered)["HTTPS_PROXY"] == "http://proxy:3128"
    assert pod(rendered)["metadata"]["annotations"]["note"] == "hello"
    assert pod(rendered)["metadata"]["labels"]["tier"] == "control"
    assert all(one["metadata"]["labels"]["team"] == "desk" for one in rendered.objects)


def test_the_label_that_the_gateways_policies_let_in_can_not_be_changed(helm: Helm) -> None:
    taken = {"app.kubernetes.io/name": "other", "app.kubernetes.io/instance": "other"}
    rendered = helm.render(OPERATOR_CHART, {"commonLabels": taken, "podLabels": taken}).without(
        "watchdog"
    )
    labels = pod(rendered)["metadata"]["labels"]
    selector = rendered.one("Deployment")["spec"]["selector"]["matchLabels"]
    assert selector == {
        "app.kubernetes.io/name": "ibgateway-operator",
        "app.kubernetes.io/instance": "first",
    }
    assert {name: labels[name] for name in selector} == selector


def test_the_resource_outlives_the_release_unless_told_otherwise(helm: Helm) -> None:
    kept = helm.render(OPERATOR_CHART, {}).without("watchdog").one("CustomResourceDefinition")
    assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    bare = (
        helm.render(OPERATOR_CHART, {"crds": {"keep": False}})
        .without("watchdog")
        .one("CustomResourceDefinition")
    )
    assert "annotations" not in bare["metadata"]


def test_other_namespaces_may_be_watched(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {"watchNamespaces": ["desk", "lab"]}, OTHER).without(
        "watchdog"
    )
    assert environment(rendered)["WATCH_NAMESPACE"] == "desk,lab"
    places = [(one["kind"], one["metadata"].get("namespace")) for one in rendered.objects]
    assert sorted(places, key=str) == [
        ("ConfigMap", "elsewhere"),
        ("CustomResourceDefinition", None),
        ("Deployment", "elsewhere"),
        ("NetworkPolicy", "elsewhere"),
        ("Role", "desk"),
        ("Role", "elsewhere"),
        ("Role", "lab"),
        ("RoleBinding", "desk"),
        ("RoleBinding", "elsewhere"),
        ("RoleBinding", "lab"),
        ("ServiceAccount", "elsewhere"),
    ]
    (*_, gateways) = rendered.one("NetworkPolicy")["spec"]["egress"]
    (asked,) = gateways["to"][0]["namespaceSelector"]["matchExpressions"]
    assert asked["values"] == ["desk", "lab"]
