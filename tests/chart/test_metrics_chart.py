"""What the operator's chart gives to the Prometheus Operator, and what it refuses to."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from ibgateway_alerts import DASHBOARD, alerts, promtool, queries, write
from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_charts.generated import OPERATOR_CHART
from ibgateway_charts.rendering import Helm, RefusedError, Release, Rendered, Values
from ibgateway_operator.settings import from_environment
from operator_fakes import desired_input, pod_templates

KINDS: Final = (
    "monitoring.coreos.com/v1/PodMonitor",
    "monitoring.coreos.com/v1/PrometheusRule",
)
WATCHED: Final = Release("first", "trading", kinds=KINDS)
EVERYTHING: Final = {
    "metrics": {"podMonitor": {"enabled": True}, "rules": {"enabled": True}},
    "watchNamespaces": ["desk", "lab"],
}


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> Rendered:
    return helm.render(OPERATOR_CHART, EVERYTHING, WATCHED)


def monitor(rendered: Rendered, name: str) -> dict[str, Any]:
    found: dict[str, Any] = rendered.named("PodMonitor", name)["spec"]
    return found


def test_nothing_of_it_is_there_unless_it_is_asked_for(helm: Helm) -> None:
    kinds = {one["kind"] for one in helm.render(OPERATOR_CHART, {}, WATCHED).objects}
    assert kinds.isdisjoint({"PodMonitor", "PrometheusRule"})


@pytest.mark.parametrize(
    ("value", "kind"), [("podMonitor", "PodMonitor"), ("rules", "PrometheusRule")]
)
def test_a_cluster_without_the_prometheus_operator_is_told_so(
    helm: Helm, value: str, kind: str
) -> None:
    wanted = {"metrics": {value: {"enabled": True}}}
    with pytest.raises(RefusedError, match=rf"metrics\.{value}\.enabled needs .* kind {kind} of"):
        helm.render(OPERATOR_CHART, wanted)


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    exists = [one["key"] for one in selector.get("matchExpressions", [])]
    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(key in labels for key in exists)


def test_the_operator_is_scraped_and_its_gateways_keep_their_namespace(rendered: Rendered) -> None:
    spec = monitor(rendered, "first-ibgateway-operator")
    pod = rendered.named("Deployment", "first-ibgateway-operator")["spec"]["template"]
    assert matches(spec["selector"], pod["metadata"]["labels"])
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint == {"port": "metrics", "honorLabels": True, "interval": "30s"}
    (container,) = pod["spec"]["containers"]
    assert {"name": "metrics", "containerPort": 8088} in container["ports"]


@pytest.mark.parametrize(
    ("component", "port"),
    [
        (Component.GATEWAY, names.PORT_SENTINEL_METRICS),
        (Component.EXECUTOR, names.PORT_EXECUTOR_METRICS),
        (Component.CONSOLE, names.PORT_NOVNC_ADMIN),
    ],
)
def test_each_pod_of_a_gateway_is_scraped_once_and_named(
    rendered: Rendered, component: Component, port: int
) -> None:
    spec = monitor(rendered, "first-ibgateway-operator-gateways")
    template = pod_templates(desired_input())[component]
    assert matches(spec["selector"], template["metadata"]["labels"])
    ports = {endpoint["port"] for endpoint in spec["podMetricsEndpoints"]}
    containers = [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]
    scraped = [p["containerPort"] for c in containers for p in c["ports"] if p["name"] in ports]
    assert scraped == [port]
    for endpoint in spec["podMetricsEndpoints"]:
        (naming,) = endpoint["relabelings"]
        label = re.sub(r"[^a-z]", "_", names.LABEL_GATEWAY)
        assert naming["sourceLabels"] == [f"__meta_kubernetes_pod_label_{label}"]
        assert naming["targetLabel"] == "gateway"


def test_the_operators_own_pod_is_no_gateways(rendered: Rendered) -> None:
    selector = monitor(rendered, "first-ibgateway-operator-gateways")["selector"]
    for deployment in rendered.all("Deployment"):
        assert not matches(selector, deployment["spec"]["template"]["metadata"]["labels"])


@pytest.mark.parametrize(
    ("values", "namespaces"),
    [
        (EVERYTHING, {"matchNames": ["desk", "lab"]}),
        ({**EVERYTHING, "watchNamespaces": []}, {"matchNames": ["trading"]}),
        ({**EVERYTHING, "watchNamespaces": [], "rbac": {"scope": "cluster"}}, {"any": True}),
    ],
)
def test_gateways_are_looked_for_where_they_are_served(
    helm: Helm, values: Values, namespaces: dict[str, Any]
) -> None:
    spec = monitor(
        helm.render(OPERATOR_CHART, values, WATCHED), "first-ibgateway-operator-gateways"
    )
    assert spec["namespaceSelector"] == namespaces


def test_the_rules_are_the_files_with_addresses_and_labels_of_the_users(helm: Helm) -> None:
    wanted = {
        "enabled": True,
        "labels": {"release": "kube-prometheus"},
        "alertLabels": {"team": "desk", "severity": "page"},
        "runbooks": "https://wiki.example.com/",
    }
    rule = helm.render(OPERATOR_CHART, {"metrics": {"rules": wanted}}, WATCHED).one(
        "PrometheusRule"
    )
    assert rule["metadata"]["labels"]["release"] == "kube-prometheus"
    found = {one["alert"]: one for group in rule["spec"]["groups"] for one in group["rules"]}
    assert set(found) == set(alerts())
    for name, alert in alerts().items():
        made, page = found[name], alert["annotations"]["runbook_url"]
        assert made["annotations"].pop("runbook_url") == f"https://wiki.example.com/{page}"
        plain = {k: v for k, v in alert["annotations"].items() if k != "runbook_url"}
        assert made["annotations"] == plain
        assert made["labels"] == {"team": "desk", **alert["labels"]}
        expression = alert["expr"].replace("RELEASE_NAMESPACE", "trading")
        assert (made["expr"], made.get("for")) == (expression, alert.get("for"))


def check_rules(file: Path) -> None:
    done = promtool().run("check", "rules", "--lint=all", "--lint-fatal", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rendered_rules_are_valid(rendered: Rendered, tmp_path: Path) -> None:
    file = write(tmp_path / "rules.yaml", rendered.one("PrometheusRule")["spec"])
    check_rules(file)
    assert "RELEASE_NAMESPACE" not in file.read_text()


def test_the_dashboards_queries_can_be_asked(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": query} for n, query in enumerate(queries())]
    check_rules(write(tmp_path / "rules.yaml", {"groups": [{"name": "panels", "rules": rules}]}))


POD = 'namespace="a",gateway="b",pod="b-gateway-0",container="sentinel"'
ONCE_A_WEEK: list[tuple[dict[str, str], int, float]] = [
    ({"pushes": "_x2 1x200", "process_start": "_x2 120x200"}, 30, 1),
    ({"pushes": "_x2 1x200", "process_start": "_x2 120x200"}, 100, 0),
    (
        {"pushes": "_x2 1x20 stale _x2 1x200", "process_start": "_x2 120x20 stale _x2 120x200"},
        24,
        1,
    ),
    ({"pushes": "_x100 1x100", "process_start": "-90000x200"}, 110, 1),
    ({"pushes": "1x100 2x100", "process_start": "-90000x200"}, 110, 1),
    ({"pushes": "4x80 _x3 1x100", "process_start": "-90000x80 _x3 4980x100"}, 100, 1),
]
"""What a minute's scrapes see of a counter and of its process, a minute to look at, and how many pushes the hour before had."""


@pytest.mark.parametrize(("seen", "minute", "expected"), ONCE_A_WEEK)
def test_a_push_counts_that_the_first_scrape_of_a_program_has_seen_already(
    seen: dict[str, str], minute: int, expected: float, tmp_path: Path
) -> None:
    [asked] = [q for q in queries() if "ibgateway_pushes_total" in q]
    names = {"pushes": "ibgateway_pushes_total", "process_start": "process_start_time_seconds"}
    series = [{"series": f"{names[k]}{{{POD}}}", "values": v} for k, v in seen.items()]
    sample = {"labels": "{}", "value": expected}
    question = {"expr": f"round({asked})", "eval_time": f"{minute}m", "exp_samples": [sample]}
    case = {"interval": "1m", "input_series": series, "promql_expr_test": [question]}
    file = write(tmp_path / "case.yaml", {"tests": [case]})
    done = promtool().run("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_there_for_grafanas_sidecar_to_find(helm: Helm) -> None:
    name = "first-ibgateway-operator-dashboard"
    wanted = {"enabled": True, "label": "dashboards", "annotations": {"folder": "Trading"}}
    values = {"metrics": {"dashboard": wanted}}
    made = helm.render(OPERATOR_CHART, values).named("ConfigMap", name)
    assert made["metadata"]["labels"]["dashboards"] == "1"
    assert made["metadata"]["annotations"] == {"folder": "Trading"}
    assert made["data"] == {"ibgateway.json": DASHBOARD.read_text()}
    kinds = helm.render(OPERATOR_CHART, {}).kinds()
    assert f"ConfigMap/{name}" not in kinds


def test_whoever_may_read_the_operators_metrics_may_read_the_gateways(helm: Helm) -> None:
    peer = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
    rendered = helm.render(OPERATOR_CHART, {"networkPolicy": {"metricsFrom": [peer]}})
    policy = rendered.named("NetworkPolicy", "first-ibgateway-operator")
    assert policy["spec"]["ingress"][0]["from"] == [peer]
    (container,) = rendered.named("Deployment", "first-ibgateway-operator")["spec"]["template"][
        "spec"
    ]["containers"]
    env = {one["name"]: one.get("value", "") for one in container["env"]}
    assert json.loads(env["OPERATOR_METRICS_FROM"]) == [peer]
    assert from_environment(env).metrics_from == (peer,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metrics": {"podMonitor": {"interval": "often"}}}, "at '/metrics/podMonitor/interval'"),
        ({"metrics": {"rules": {"alertLabels": {"team": 7}}}}, "alertLabels/team"),
        ({"metrics": {"serviceMonitor": {}}}, "additional properties 'serviceMonitor'"),
        ({"networkPolicy": {"metricsFrom": [{}]}}, "at '/networkPolicy/metricsFrom/0'"),
        ({"networkPolicy": {"metricsFrom": [{"pods": {}}]}}, "additional properties 'pods'"),
    ],
)
def test_wrong_values_are_refused(helm: Helm, values: Values, message: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(message)):
        helm.render(OPERATOR_CHART, values)
