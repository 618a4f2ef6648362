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
        ({"resources": {"limits": {"memory": "1GB!"}}}, "at '/resources/limits/memory'"),
        ({"resources": {"limit": {}}}, "at '/resources': additional properties 'limit'"),
        ({"tolerations": [{"operator": "Is"}]}, "at '/tolerations/0/operator'"),
        ({"affinity": {"podAfinity": {}}}, "at '/affinity': additional properties 'podAfinity'"),
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"replicas": 0}, "at '/replicas': minimum: got 0, want 1"),
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
        (
            {"tradingMode": "live"},
            "tradingMode belongs under spec: write spec.tradingMode, e.g. --set spec.tradingMode=...",
        ),
        ({"gateway": {"javaHeapMiB": 512}}, "gateway belongs under spec: write spec.gateway"),
        ({"gatway": {}}, "additional properties 'gatway' not allowed"),
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
        ({"spec": {"tradingMode": "live"}}, "live trading needs executor.accounts"),
        (
            {"spec": {"tradingMode": "live", "executor": {"accounts": ["DU1234567"]}}},
            "names a paper account (D...) in live mode",
        ),
        (
            {"spec": {"executor": {"accounts": ["U1234567"]}}},
            "names a live account in paper mode",
        ),
        ({"spec": {"gateway": {"image": {"tag": "latest"}}}}, "a moving tag restarts into a push"),
        (
            {"spec": {"gateway": {"env": [{"name": "TWS_PASSWORD", "value": "x"}]}}},
            "TWS_PASSWORD: this variable is owned by the operator",
        ),
        (
            {"spec": {"gateway": {"env": [{"name": "TRADING_MODE", "value": "x"}]}}},
            "TRADING_MODE: this variable is owned by the operator",
        ),
        (
            {"spec": {"gateway": {"timeZone": "Mars/Base"}}},
            "gateway.timeZone Mars/Base is no name of the time zone database: write it like Europe",
        ),
        (
            {"spec": {"weeklyRestart": {"timeZone": "Europe/Berln"}}},
            "weeklyRestart.timeZone Europe/Berln is no name of the time zone database",
        ),
        (
            {
                "spec": {
                    "login": {"quietHours": {"start": "22:00", "end": "07:00", "timeZone": "X"}}
                }
            },
            "login.quietHours.timeZone X is no name of the time zone database",
        ),
        (
            {"spec": {"gateway": {"autoRestartTime": "11:45 PM"}}},
            "gateway.autoRestartTime lies in IBKR's nightly reset",
        ),
        ({"spec": {"login": {"maxAttempts": 7}}}, "login.maxAttempts can't exceed"),
        (
            {"spec": {"gateway": {"resources": {"requests": {"memory": "1GB!"}}}}},
            "at '/spec/gateway/resources/requests/memory': '1GB!' does not match pattern",
        ),
        (
            {"spec": {"gateway": {"resources": {"limit": {"memory": "2Gi"}}}}},
            "at '/spec/gateway/resources': additional properties 'limit' not allowed",
        ),
        (
            {"spec": {"gateway": {"tolerations": [{"key": "a", "opertor": "Exists"}]}}},
            "at '/spec/gateway/tolerations/0': additional properties 'opertor' not allowed",
        ),
        (
            {"spec": {"gateway": {"affinity": {"nodeAfinity": {}}}}},
            "at '/spec/gateway/affinity': additional properties 'nodeAfinity' not allowed",
        ),
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
