"""Wrong values are refused before anything reaches a cluster, with a message that names the place."""

import json
from pathlib import Path

import pytest

from ibgateway_charts.generated import GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, RefusedError, Release, Values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image": {}}, "additional properties 'image' not allowed"),
        ({"images": {"sentinel": {}}}, "additional properties 'sentinel' not allowed"),
        ({"images": {"pullPolicy": "always"}}, "'Always', 'IfNotPresent', 'Never'"),
        ({"images": {"agent": {"digest": "abc"}}}, "at '/images/agent/digest'"),
        ({"images": {"agent": {"tag": "a b"}}}, "at '/images/agent/tag'"),
        ({"watchNamespaces": ["a", "a"]}, "at '/watchNamespaces': items at 0 and 1 are equal"),
        ({"watchNamespaces": "a"}, "at '/watchNamespaces': got string, want array"),
        ({"watchNamespaces": ["A"]}, "at '/watchNamespaces/0'"),
        ({"rbac": {"scope": "all"}}, "at '/rbac/scope'"),
        (
            {"rbac": {"scope": "cluster"}, "watchNamespaces": ["a"]},
            "rbac.scope=cluster watches every namespace: leave watchNamespaces empty",
        ),
        ({"serviceAccount": {"create": False}}, "name an existing ServiceAccount"),
        ({"calendar": {"tokenboundary": {}}}, "additional properties 'tokenboundary'"),
        (
            {"calendar": {"tokenBoundary": {"weekday": "Sonntag", "at": "01:00"}}},
            "at '/calendar/tokenBoundary/weekday'",
        ),
        (
            {"calendar": {"tokenBoundary": {"weekday": "Sunday", "at": "1 am"}}},
            "at '/calendar/tokenBoundary/at'",
        ),
        ({"calendar": {"marginSeconds": -1}}, "at '/calendar/marginSeconds'"),
        ({"logLevel": "debug"}, "at '/logLevel'"),
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"crds": {"enabled": "yes"}}, "at '/crds/enabled': got string, want boolean"),
        ({"networkPolicy": {"apiServer": {"ports": []}}}, "at '/networkPolicy/apiServer/ports'"),
        (
            {"extraEnv": [{"name": "WATCH_NAMESPACE", "value": ""}]},
            "extraEnv can't set WATCH_NAMESPACE: it belongs to the chart",
        ),
        (
            {"extraEnv": [{"name": "OPERATOR_AGENT_IMAGE", "value": "x"}]},
            "extraEnv can't set OPERATOR_AGENT_IMAGE: it belongs to the chart",
        ),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_wrong_value_of_the_operator_is_refused_with_its_place(
    helm: Helm, values: Values, message: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        helm.render(OPERATOR_CHART, values)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"spec": {"tradingMode": "demo"}}, "at '/spec/tradingMode': value must be one of"),
        ({"spec": {"tradingmode": "live"}}, "at '/spec': additional properties 'tradingmode'"),
        ({"tradingMode": "live"}, "additional properties 'tradingMode' not allowed"),
        ({"credentials": {"password": "x"}}, "additional properties 'credentials' not allowed"),
        ({"spec": {"credentialsSecretRef": {"name": ""}}}, "at '/spec/credentialsSecretRef/name'"),
        (
            {"spec": {"credentialsSecretRef": None}},
            "at '/spec': missing property 'credentialsSecretRef'",
        ),
        ({"spec": None}, "missing property 'spec'"),
        ({"spec": {"login": {"dailyAttempts": 25}}}, "maximum: got 25, want 24"),
        ({"spec": {"login": {"approvalSeconds": "180"}}}, "got string, want integer"),
        (
            {"spec": {"gateway": {"autoRestartTime": "22:00"}}},
            "at '/spec/gateway/autoRestartTime': '22:00' does not match pattern",
        ),
        ({"spec": {"gateway": {"image": {"digest": "abc"}}}}, "at '/spec/gateway/image/digest'"),
        ({"spec": {"gateway": {"env": [{"value": "x"}]}}}, "missing property 'name'"),
        ({"spec": {"executor": {"clientId": 900}}}, "maximum: got 900, want 899"),
        (
            {"spec": {"executor": {"accounts": ["DU123", "DU123"]}}},
            "at '/spec/executor/accounts': items at 0 and 1 are equal",
        ),
        (
            {"spec": {"executor": {"limits": {"maxOrderValue": 5}}}},
            "got number, want null or string",
        ),
        ({"spec": {"novnc": {"allowedOrigins": ["example.com"]}}}, "allowedOrigins/0"),
        ({"fullnameOverride": "Paper"}, "at '/fullnameOverride'"),
        ({"labels": {"a": 1}}, "at '/labels/a': got number, want string"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_wrong_value_of_a_gateway_is_refused_with_its_place(
    helm: Helm, values: Values, message: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        helm.render(GATEWAY_CHART, values)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["9paper", "paper.one", "p" * 41])
def test_a_release_name_that_can_not_name_a_gateway_is_refused(helm: Helm, name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        helm.render(GATEWAY_CHART, {}, Release(name))
    assert f'"{name}" can\'t name an IBGateway: start with a letter' in str(refused.value)


@pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
def test_an_old_cluster_is_refused(helm: Helm, chart: Path) -> None:
    with pytest.raises(RefusedError, match=r"incompatible with Kubernetes v1\.30\.0"):
        helm.run("template", "first", str(chart), "--kube-version=1.30.0")
    helm.run("template", "first", str(chart), "--kube-version=1.31.0-rc.1+vendor")
