"""What users expect of any chart: names, marks, scheduling, volumes, registry, more objects, gateways and the pod of helm test."""

from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_charts.generated import GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, RefusedError, Release, Rendered, Values
from ibgateway_operator.selfcheck import settings_from

KNOWN = Release(kinds=("ibgateway.dev/v1alpha1/IBGateway",))
MONITORED = Release(
    kinds=(
        "ibgateway.dev/v1alpha1/IBGateway",
        "monitoring.coreos.com/v1/PodMonitor",
        "monitoring.coreos.com/v1/PrometheusRule",
    )
)
EVERYTHING: Values = {
    "replicas": 2,
    "metrics": {
        "podMonitor": {"enabled": True},
        "rules": {"enabled": True},
        "dashboard": {"enabled": True},
    },
    "rbac": {"aggregate": ["view", "edit", "admin"]},
    "gateways": [{"name": "paper", "spec": {"credentialsSecretRef": {"name": "ib"}}}],
}
CREDENTIALS = {"credentialsSecretRef": {"name": "ib-credentials"}}
DIGEST = "sha256:" + "cd" * 32


def pod(rendered: Rendered) -> dict[str, Any]:
    """The pod template of the operator."""
    template: dict[str, Any] = rendered.without("watchdog").one("Deployment")["spec"]["template"]
    return template


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        ("first", {"nameOverride": "keeper"}, "first-keeper"),
        ("first-keeper", {"nameOverride": "keeper"}, "first-keeper"),
        ("first", {"nameOverride": "keeper", "fullnameOverride": "mine"}, "mine"),
    ],
)
def test_the_chart_may_be_called_something_else(
    helm: Helm, release: str, values: Values, name: str
) -> None:
    rendered = helm.render(OPERATOR_CHART, values, Release(release)).without("watchdog")
    assert rendered.one("Deployment")["metadata"]["name"] == name
    labels = pod(rendered)["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "ibgateway-operator", "the gateways' policies ask it"


def test_the_operator_may_live_in_another_namespace_than_the_release(helm: Helm) -> None:
    rendered = helm.render(OPERATOR_CHART, {**EVERYTHING, "namespaceOverride": "ops"}, MONITORED)
    namespaces = {one["metadata"].get("namespace") for one in rendered.objects}
    assert namespaces == {"ops", None}
    subjects = [s for one in rendered.all("RoleBinding") for s in one["subjects"]]
    assert {one["namespace"] for one in subjects} == {"ops"}
    (operator,) = pod(rendered)["spec"]["containers"]
    assert environment(operator)["WATCH_NAMESPACE"] == "ops"


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it is", "everything"])
def test_every_object_and_every_pod_has_the_common_labels_and_annotations(
    helm: Helm, values: Values
) -> None:
    marks = {"commonLabels": {"team": "desk"}, "commonAnnotations": {"owner": "ops"}}
    rendered = helm.render(OPERATOR_CHART, {**values, **marks}, MONITORED)
    hooks = helm.tests(OPERATOR_CHART, {**values, **marks}, MONITORED)
    templates = [one["spec"]["template"] for one in rendered.all("Deployment")]
    unmarked = [
        f"{one.get('kind')}/{one['metadata'].get('name')}"
        for one in (*rendered.objects, *hooks.objects, *templates)
        if one["metadata"]["labels"].get("team") != "desk"
        or one["metadata"].get("annotations", {}).get("owner") != "ops"
    ]
    assert unmarked == []


def test_an_annotation_of_its_own_wins_over_the_common_one(helm: Helm) -> None:
    values = {
        "commonAnnotations": {"helm.sh/resource-policy": "delete", "a": "common"},
        "serviceAccount": {"annotations": {"a": "own"}},
        "deploymentAnnotations": {"a": "deployment"},
        "podAnnotations": {"a": "pod"},
    }
    rendered = helm.render(OPERATOR_CHART, values).without("watchdog")
    crd = rendered.one("CustomResourceDefinition")
    assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert rendered.one("ServiceAccount")["metadata"]["annotations"]["a"] == "own"
    assert rendered.one("Deployment")["metadata"]["annotations"]["a"] == "deployment"
    assert pod(rendered)["metadata"]["annotations"]["a"] == "pod"


def test_volumes_variables_and_spread_reach_the_pod(helm: Helm) -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    values: Values = {
        "extraVolumes": [{"name": "ca", "configMap": {"name": "our-ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ssl/ours", "readOnly": True}],
        "extraEnvFrom": [{"prefix": "P_", "configMapRef": {"name": "proxy", "optional": True}}],
        "topologySpreadConstraints": [spread],
        "revisionHistoryLimit": 3,
    }
    rendered = helm.render(OPERATOR_CHART, values)
    spec = pod(rendered)["spec"]
    (operator,) = spec["containers"]
    assert spec["volumes"][-1] == {"name": "ca", "configMap": {"name": "our-ca"}}
    assert operator["volumeMounts"][-1]["mountPath"] == "/etc/ssl/ours"
    selector = rendered.without("watchdog").one("Deployment")["spec"]["selector"]
    assert spec["topologySpreadConstraints"] == [{**spread, "labelSelector": selector}]
    for deployment in rendered.all("Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["envFrom"] == values["extraEnvFrom"]
        assert deployment["spec"]["revisionHistoryLimit"] == 3


def test_names_resolver_and_runtime_are_those_of_both_pods(helm: Helm) -> None:
    place: Values = {
        "runtimeClassName": "gvisor",
        "hostAliases": [{"ip": "192.0.2.7", "hostnames": ["proxy.example.com"]}],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["192.0.2.53"]},
    }
    more: Values = {"extraContainers": [{"name": "proxy", "image": "proxy:1"}]}
    rendered = helm.render(OPERATOR_CHART, {**place, **more})
    for deployment in rendered.all("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        assert {name: spec[name] for name in place} == place
    assert [c["name"] for c in pod(rendered)["spec"]["containers"]] == ["operator", "proxy"]


@pytest.mark.parametrize(
    ("values", "budget"),
    [
        ({}, None),
        ({"replicas": 2}, 1),
        ({"replicas": 3, "podDisruptionBudget": {"maxUnavailable": "50%"}}, "50%"),
        ({"replicas": 2, "podDisruptionBudget": {"enabled": False}}, None),
    ],
    ids=str,
)
def test_a_drain_takes_one_operator_of_several_at_a_time(
    helm: Helm, values: Values, budget: int | str | None
) -> None:
    rendered = helm.render(OPERATOR_CHART, values).without("watchdog")
    found = [one["spec"]["maxUnavailable"] for one in rendered.all("PodDisruptionBudget")]
    assert found == ([] if budget is None else [budget])
    for one in rendered.all("PodDisruptionBudget"):
        assert one["spec"]["selector"] == rendered.one("Deployment")["spec"]["selector"]


def test_one_value_names_the_registry_of_every_image(helm: Helm) -> None:
    values = {"images": {"registry": "registry.example.com:5000/me", "agent": {"digest": DIGEST}}}
    rendered = helm.render(OPERATOR_CHART, values)
    (test_pod,) = helm.tests(OPERATOR_CHART, values).all("Pod")
    specs = [one["spec"]["template"]["spec"] for one in rendered.all("Deployment")]
    images = {c["image"] for spec in [*specs, test_pod["spec"]] for c in spec["containers"]}
    assert images == {"registry.example.com:5000/me/ibgateway-operator:0.1.0"}
    told = environment(pod(rendered)["spec"]["containers"][0])
    assert told["OPERATOR_AGENT_IMAGE"] == f"registry.example.com:5000/me/ibgateway-agent@{DIGEST}"
    assert (
        told["OPERATOR_EXECUTOR_IMAGE"] == "registry.example.com:5000/me/ibgateway-executor:0.1.0"
    )
    assert told["OPERATOR_IMAGE_REGISTRY"] == "registry.example.com:5000/me"


@pytest.mark.parametrize(
    "repository", ["other.example.com/operator", "other:5000/operator", "localhost/operator"]
)
def test_an_image_that_names_its_registry_keeps_it(helm: Helm, repository: str) -> None:
    values = {
        "images": {"registry": "registry.example.com", "operator": {"repository": repository}}
    }
    (operator,) = pod(helm.render(OPERATOR_CHART, values))["spec"]["containers"]
    assert operator["image"] == f"{repository}:0.1.0"


@pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
def test_more_objects_come_with_the_release(helm: Helm, chart: Any) -> None:
    one = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "{{ .Release.Name }}-more", "labels": {"a": "b"}},
    }
    two = {**one, "kind": "Secret"}
    rendered = helm.render(chart, {"extraObjects": [one, two]})
    assert {"ConfigMap/first-more", "Secret/first-more"} <= set(rendered.kinds())


def test_gateways_are_made_by_the_operators_release(helm: Helm) -> None:
    values: Values = {
        "watchNamespaces": ["desk", "lab"],
        "gateways": [
            {"name": "paper", "spec": CREDENTIALS},
            {
                "name": "paper",
                "namespace": "lab",
                "labels": {"team": "lab", "app.kubernetes.io/name": "other"},
                "annotations": {"helm.sh/resource-policy": "keep"},
                "spec": {**CREDENTIALS, "login": {"dailyAttempts": 4}},
            },
        ],
    }
    first, second = helm.render(OPERATOR_CHART, values, KNOWN).all("IBGateway")
    assert (first["metadata"]["namespace"], first["spec"]) == ("desk", CREDENTIALS)
    assert "annotations" not in first["metadata"]
    assert second["metadata"]["namespace"] == "lab"
    assert second["spec"]["login"] == {"dailyAttempts": 4}
    assert second["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    labels = second["metadata"]["labels"]
    assert (labels["team"], labels["app.kubernetes.io/name"]) == ("lab", "ibgateway")


LIVE = {**CREDENTIALS, "tradingMode": "live"}


@pytest.mark.parametrize(
    ("gateways", "message"),
    [
        ([{"name": "live", "spec": LIVE}], "gateways, live: live trading needs executor.accounts"),
        (
            [{"name": "a", "spec": CREDENTIALS}, {"name": "a", "spec": CREDENTIALS}],
            "gateways: trading/a stands twice",
        ),
        (
            [{"name": "a", "namespace": "other", "spec": CREDENTIALS}],
            "gateways: a is in the namespace other, which is not watched",
        ),
        ([{"name": "A", "spec": CREDENTIALS}], "at '/gateways/0/name'"),
        ([{"name": "a"}], "missing property 'spec'"),
        ([{"name": "a", "spec": CREDENTIALS, "replicas": 2}], "additional properties 'replicas'"),
        (
            [{"name": "a", "spec": {**CREDENTIALS, "tradingmode": "live"}}],
            "at '/gateways/0/spec': additional properties 'tradingmode'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_gateway_is_refused_with_its_name(
    helm: Helm, gateways: list[Values], message: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        helm.render(OPERATOR_CHART, {"gateways": gateways}, KNOWN)
    assert message in str(refused.value)


def test_gateways_are_refused_before_the_cluster_knows_their_kind(helm: Helm) -> None:
    gateways = [{"name": "paper", "spec": CREDENTIALS}]
    with pytest.raises(RefusedError, match="which this cluster does not know yet"):
        helm.render(OPERATOR_CHART, {"gateways": gateways})


def test_helm_test_runs_as_the_operators_account_in_a_restricted_fenced_pod(helm: Helm) -> None:
    values = {"serviceAccount": {"name": "keeper"}, "watchNamespaces": ["desk"]}
    fence, test_pod = helm.tests(OPERATOR_CHART, values).objects
    rendered = helm.render(OPERATOR_CHART, values)
    spec, operator = test_pod["spec"], pod(rendered)["spec"]
    assert spec["serviceAccountName"] == operator["serviceAccountName"] == "keeper"
    assert spec["securityContext"] == operator["securityContext"]
    (container,) = spec["containers"]
    assert container["securityContext"] == operator["containers"][0]["securityContext"]
    assert container["image"] == operator["containers"][0]["image"]
    assert container["command"] == ["python3", "-m", "ibgateway_operator.selfcheck"]
    told = {**environment(container), "POD_NAMESPACE": "trading"}
    assert settings_from(told) == (Key("trading", "first-ibgateway-operator"), ("desk",))
    assert fence["kind"] == "NetworkPolicy"
    assert fence["spec"]["ingress"] == []
    labels = test_pod["metadata"]["labels"]
    assert fence["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    others = [one["spec"]["selector"]["matchLabels"] for one in rendered.all("Deployment")]
    assert not [one for one in others if one.items() <= labels.items()]


def test_without_policies_the_test_has_none(helm: Helm) -> None:
    hooks = helm.tests(OPERATOR_CHART, {"networkPolicy": {"enabled": False}})
    assert hooks.kinds() == ["Pod/first-ibgateway-operator-test"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nameOverride": "A"}, "at '/nameOverride'"),
        ({"namespaceOverride": "a b"}, "at '/namespaceOverride'"),
        ({"images": {"registry": "https://registry.example.com"}}, "at '/images/registry'"),
        ({"images": {"registry": "registry.example.com/"}}, "at '/images/registry'"),
        ({"rbac": {"aggregate": ["owner"]}}, "at '/rbac/aggregate/0'"),
        ({"extraEnvFrom": [{"secret": {"name": "a"}}]}, "additional properties 'secret'"),
        ({"extraEnvFrom": [{"secretRef": {}}]}, "at '/extraEnvFrom/0/secretRef'"),
        ({"extraVolumes": [{"configMap": {"name": "a"}}]}, "at '/extraVolumes/0'"),
        (
            {"extraVolumeMounts": [{"name": "a", "mountPath": "a"}]},
            "/extraVolumeMounts/0/mountPath",
        ),
        ({"topologySpreadConstraints": [{"maxSkew": 1}]}, "at '/topologySpreadConstraints/0'"),
        ({"extraObjects": [{"kind": "Secret"}]}, "at '/extraObjects/0'"),
        (
            {"podDisruptionBudget": {"maxUnavailable": "101%"}},
            "/podDisruptionBudget/maxUnavailable",
        ),
        ({"podDisruptionBudget": {"minAvailable": 1}}, "additional properties 'minAvailable'"),
        ({"revisionHistoryLimit": -1}, "at '/revisionHistoryLimit'"),
        ({"commonAnnotations": {"a": True}}, "at '/commonAnnotations/a'"),
    ],
    ids=str,
)
def test_a_wrong_one_of_them_is_refused_with_its_place(
    helm: Helm, values: Values, message: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        helm.render(OPERATOR_CHART, values)
    assert message in str(refused.value)
