"""The chart of one gateway: the values are the spec, and nothing is lost or added on the way."""

import re
from pathlib import Path

import pytest
import yaml

from ibgateway_api.crd import schema_of
from ibgateway_api.names import API_VERSION, KIND
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_charts.generated import GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Release, Values
from ibgateway_charts.schema import leaves

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
NOT_THIS_NODE = {"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}
ON_AMD64 = {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}

FULL: Values = {
    "tradingMode": "live",
    "credentialsSecretRef": {"name": "ib-live"},
    "suspend": True,
    "gateway": {
        "image": {
            "repository": "registry.example/ib-gateway",
            "tag": "10.45.1j",
            "digest": "sha256:" + "ab" * 32,
            "pullPolicy": "Always",
        },
        "loginDriver": "ibc",
        "timeZone": "Europe/Berlin",
        "autoRestartTime": "04:05 AM",
        "twoFactorDevice": "IB Key",
        "readOnlyApi": True,
        "javaHeapMiB": 2048,
        "resources": {"requests": {"cpu": 1, "memory": "3Gi"}, "limits": {"memory": "3Gi"}},
        "storage": {"size": "2Gi", "storageClassName": "fast"},
        "env": [{"name": "LANG", "value": "C"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "desk", "operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                REQUIRED: {"nodeSelectorTerms": [{"matchFields": [NOT_THIS_NODE]}]},
                PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [ON_AMD64]}}],
            },
            "podAffinity": {REQUIRED: [], PREFERRED: []},
            "podAntiAffinity": {
                REQUIRED: [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}],
                PREFERRED: [],
            },
        },
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClassName": "high",
        "podAnnotations": {"note": "1"},
    },
    "login": {
        "existingSession": "takeOver",
        "dailyTakeOvers": 1,
        "approvalSeconds": 60,
        "attemptIntervalSeconds": 600,
        "maxAttempts": 2,
        "dailyAttempts": 4,
        "person": "desk",
        "quietHours": {"start": "22:00", "end": "06:30", "timeZone": "Europe/Berlin"},
    },
    "weeklyRestart": {"restartAt": "10:30", "timeZone": "Europe/Berlin"},
    "novnc": {
        "enabled": True,
        "auth": "token",
        "actions": "all",
        "allowedOrigins": ["https://desk.example:8443"],
    },
    "executor": {
        "enabled": True,
        "clientId": 42,
        "accounts": ["U1234567"],
        "storage": {"size": "3Gi", "storageClassName": "fast"},
        "backup": {"claimName": "copies", "everyHours": 6, "keep": 14},
        "database": {
            "postgresSecretRef": {"name": "ledger", "key": "url"},
            "postgresPort": 6432,
        },
        "marketClosed": "reject",
        "cashReservePercent": "2.5",
        "resend": "proven",
        "archiveAfterDays": 90,
        "targets": {
            "url": "https://desk.example/targets",
            "tokenSecretRef": {"name": "desk", "key": "token"},
            "account": "U1234567",
            "schedule": {"days": ["Mon", "Thu"], "at": "10:15", "timeZone": "America/New_York"},
        },
        "limits": {
            "maxOrderValue": "10000",
            "maxOrdersPerDay": 50,
            "allowedSymbols": ["AAPL", "BRK B"],
            "priceCollarPercent": "5",
            "shortSelling": True,
        },
    },
    "notifications": {
        "secretRef": {"name": "phones"},
        "minimumSeverity": "warning",
        "batchSeconds": 120,
        "reminderSeconds": 7200,
    },
    "networkPolicy": {
        "enabled": True,
        "executorClients": [{"podSelector": {"app": "bot"}, "namespaceSelector": {"team": "a"}}],
        "apiClients": [{"podSelector": {"app": "bot"}, "namespaceSelector": {"team": "a"}}],
        "allowUnenforced": True,
    },
}


_TIMES = {
    "initialDelaySeconds": 1,
    "periodSeconds": 5,
    "timeoutSeconds": 2,
    "successThreshold": 1,
    "failureThreshold": 3,
    "terminationGracePeriodSeconds": 10,
}
_ASKED = {
    "path": "/live",
    "port": "http",
    "scheme": "HTTP",
    "httpHeaders": [{"name": "A", "value": "b"}],
}
PROGRAM: Values = {
    **FULL,
    "executor": {
        "image": {
            "repository": "registry.example.com/my-bot",
            "tag": "1.4.2",
            "digest": "sha256:" + "0" * 64,
            "pullPolicy": "Always",
        },
        "accounts": ["U1234567"],
        "command": ["python"],
        "args": ["-m", "bot"],
        "env": [{"name": "A", "value": "b"}],
        "envFrom": [{"secretRef": {"name": "bot"}}],
        "volumes": [{"name": "state", "persistentVolumeClaim": {"claimName": "bot"}}],
        "volumeMounts": [{"name": "state", "mountPath": "/state"}],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
        "ports": [{"name": "http", "containerPort": 9000}],
        "livenessProbe": {"httpGet": _ASKED, **_TIMES},
        "readinessProbe": {"exec": {"command": ["true"]}},
        "startupProbe": {"tcpSocket": {"port": 9000}, **_TIMES},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsGroup": 10001,
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "Localhost", "localhostProfile": "bot.json"},
            "appArmorProfile": {"type": "Localhost", "localhostProfile": "bot"},
        },
        "imagePullSecrets": [{"name": "registry"}],
        "terminationGracePeriodSeconds": 90,
        "whenClosed": "stop",
    },
}
"""What a program of one's own has in the executor's place, and the executor has not."""
GRPC = {"executor": {"livenessProbe": {"grpc": {"port": 9000, "service": "bot"}}}}
"""The one kind of probe that the three of PROGRAM leave out."""


NOT_REPEATABLE = frozenset(
    {
        *("lookup", "now", "ago", "date", "getHostByName", "uuidv4", "htpasswd", "bcrypt"),
        *("randAlpha", "randAlphaNum", "randAscii", "randNumeric", "randBytes", "randInt"),
        *("genCA", "genPrivateKey", "genSelfSignedCert", "genSignedCert", "shuffle"),
    }
)
"""Template functions whose answer differs from run to run or comes from a cluster."""


def names_in(values: object, path: str) -> set[str]:
    """Dotted names of everything in `values` that is not a part with parts of its own."""
    if isinstance(values, dict):
        return {path}.union(*(names_in(child, f"{path}.{key}") for key, child in values.items()))
    return {path}


def any_probe(path: str) -> str:
    """A probe is one of four kinds, and the three are made alike."""
    return re.sub(r"(liveness|readiness|startup)Probe", "anyProbe", path)


def test_the_full_examples_use_every_field_of_the_resource() -> None:
    fields = {any_probe(path) for path, _ in leaves(schema_of(IBGatewaySpec), "spec")}
    used = {any_probe(name) for spec in (FULL, PROGRAM, GRPC) for name in names_in(spec, "spec")}
    assert fields - used == set()


@pytest.mark.parametrize("spec", [FULL, PROGRAM], ids=["the executor", "a program"])
def test_the_spec_is_passed_on_as_it_is(helm: Helm, spec: Values) -> None:
    rendered = helm.render(GATEWAY_CHART, {"spec": spec}).one(KIND)
    assert rendered["spec"] == spec
    IBGatewaySpec.model_validate(rendered["spec"])


def test_the_release_is_one_paper_gateway_and_nothing_else(helm: Helm) -> None:
    rendered = helm.render(GATEWAY_CHART, {}, Release("paper", "desk"))
    assert rendered.objects == (
        {
            "apiVersion": API_VERSION,
            "kind": "IBGateway",
            "metadata": {
                "name": "paper",
                "namespace": "desk",
                "labels": {
                    "app.kubernetes.io/name": "ibgateway",
                    "app.kubernetes.io/instance": "paper",
                    "app.kubernetes.io/version": "0.1.0",
                    "app.kubernetes.io/managed-by": "Helm",
                    "helm.sh/chart": "ibgateway-0.1.0",
                },
            },
            "spec": {"tradingMode": "paper", "credentialsSecretRef": {"name": "ib-credentials"}},
        },
    )


def test_name_labels_and_annotations_can_be_chosen(helm: Helm) -> None:
    values = {
        "fullnameOverride": "main",
        "labels": {"team": "desk", "app.kubernetes.io/instance": "taken"},
        "annotations": {"note": "hello"},
    }
    metadata = helm.render(GATEWAY_CHART, values).one(KIND)["metadata"]
    assert metadata["name"] == "main"
    assert metadata["labels"]["team"] == "desk"
    assert metadata["labels"]["app.kubernetes.io/instance"] == "first"
    assert metadata["annotations"] == {"note": "hello"}


def test_what_may_be_null_in_the_resource_may_be_null_in_values(helm: Helm) -> None:
    spec = {
        "login": {"quietHours": None},
        "executor": {"limits": {"maxOrderValue": None}},
        "notifications": {"secretRef": None},
    }
    rendered = helm.render(GATEWAY_CHART, {"spec": spec}).one(KIND)
    IBGatewaySpec.model_validate(rendered["spec"])


@pytest.mark.parametrize("value", ["1", "0.50", "100"])
def test_amounts_stay_strings(helm: Helm, value: str) -> None:
    spec = {"executor": {"cashReservePercent": value}}
    rendered = helm.render(GATEWAY_CHART, {"spec": spec}).one(KIND)
    assert rendered["spec"]["executor"]["cashReservePercent"] == value


@pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
def test_helm_lint_has_nothing_to_say(helm: Helm, chart: Path) -> None:
    printed = helm.run("lint", "--strict", str(chart))
    assert "1 chart(s) linted, 0 chart(s) failed" in printed
    assert "[WARNING]" not in printed


@pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
def test_the_same_values_render_to_the_same_bytes(helm: Helm, chart: Path) -> None:
    assert helm.text(chart, {}) == helm.text(chart, {})


@pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
def test_templates_ask_no_cluster_and_no_dice(chart: Path) -> None:
    files = [path for path in (chart / "templates").rglob("*") if path.is_file()]
    templates = "".join(path.read_text() for path in files)
    used = set(re.findall(r"\w+", " ".join(re.findall(r"{{(.*?)}}", templates, re.DOTALL))))
    assert "toYaml" in used
    assert used & NOT_REPEATABLE == set()


@pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
def test_the_package_holds_what_the_release_needs(helm: Helm, chart: Path, tmp_path: Path) -> None:
    helm.run("package", str(chart), f"--destination={tmp_path}")
    package = tmp_path / f"{chart.name}-0.1.0.tgz"
    unpacked = list(yaml.safe_load_all(helm.text(chart, {})))
    assert list(yaml.safe_load_all(helm.text(package, {}))) == unpacked
