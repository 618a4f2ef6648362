"""What others' programs say of the charts: helm-unittest, Helm 3, kubeconform, kube-score, checkov."""

import fnmatch
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from ibgateway_charts import kubernetes, tools
from ibgateway_charts.generated import GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.packaging import package
from ibgateway_charts.rendering import Helm, Manifest, RefusedError, Release, Rendered, Values

BOTH = pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
EXCEPTIONS: Final = yaml.safe_load((Path(__file__).parent / "exceptions.yaml").read_text())
EVERY_KIND: Final = Release(
    kinds=(
        "ibgateway.dev/v1alpha1/IBGateway",
        "monitoring.coreos.com/v1/PodMonitor",
        "monitoring.coreos.com/v1/PrometheusRule",
    )
)
PAPER: Final[Values] = {"credentialsSecretRef": {"name": "ib-credentials"}}
FULL: Final[Values] = {
    "replicas": 2,
    "rbac": {"aggregate": ["view", "edit", "admin"], "ownerReferencesPermissionEnforcement": True},
    "commonLabels": {"team": "desk"},
    "commonAnnotations": {"owner": "desk"},
    "calendar": {"marginSeconds": 60},
    "images": {"registry": "registry.example.com/me"},
    "imagePullSecrets": [{"name": "registry"}],
    "priorityClassName": "high",
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "extraEnvFrom": [{"configMapRef": {"name": "proxy"}}],
    "runtimeClassName": "gvisor",
    "hostAliases": [{"ip": "192.0.2.7", "hostnames": ["proxy.example.com"]}],
    "dnsPolicy": "ClusterFirst",
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ssl/ours"}],
    "gateways": [{"name": "paper", "spec": PAPER}],
    "metrics": {"dashboard": {"enabled": True}},
    "networkPolicy": {
        "apiServer": {"cidrs": ["10.96.0.1/32"]},
        "notifications": {"cidrs": ["192.0.2.0/24"], "ports": [443, 587]},
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "watch"}}}],
    },
}
MONITORED: Final[Values] = {
    "metrics": {"podMonitor": {"enabled": True}, "rules": {"enabled": True}}
}
CASES: Final[dict[str, tuple[Path, Values]]] = {
    "operator, monitored": (OPERATOR_CHART, MONITORED),
    "operator": (OPERATOR_CHART, {}),
    "operator, everything": (OPERATOR_CHART, FULL),
    "operator, all namespaces": (OPERATOR_CHART, {"rbac": {"scope": "cluster"}}),
    "operator, two namespaces": (OPERATOR_CHART, {"watchNamespaces": ["a", "b"]}),
    "gateway": (GATEWAY_CHART, {}),
}


def judged(program: Path, *arguments: str, stdin: str = "") -> str:
    """What it prints, whether it is content or not."""
    # checkov keeps a note in its home, and there may be none.
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [str(program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            env={"HOME": home, "PATH": os.defpath, "TERM": "dumb"},
        )
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def helm3(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """The other major version of Helm that is in use."""
    return Helm(tools.program("helm3"), tmp_path_factory.mktemp("helm3"))


@BOTH
def test_the_cases_of_helm_unittest_pass(chart: Path) -> None:
    said = judged(tools.program("helm-unittest"), "--color=false", str(chart))
    assert " failed" not in said, said
    assert "errored" not in said.replace("0 errored", ""), said
    assert f"{cases(chart)} passed, {cases(chart)} total" in said, said


def test_there_are_a_hundred_cases_of_helm_unittest() -> None:
    assert cases(OPERATOR_CHART) + cases(GATEWAY_CHART) >= 100


def cases(chart: Path) -> int:
    """How many cases of helm-unittest a chart has."""
    return sum(
        len(yaml.safe_load(file.read_text())["tests"]) for file in (chart / "tests").glob("*.yaml")
    )


@pytest.mark.parametrize(
    ("chart", "values"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_helm_3_and_helm_4_render_the_same(
    helm: Helm, helm3: Helm, chart: Path, values: Values
) -> None:
    assert helm3.run("version", "--short").startswith("v3.")
    both = [one.render(chart, values, EVERY_KIND).objects for one in (helm, helm3)]
    assert both[0] == both[1]
    assert len(both[0]) > 0
    hooks = [one.tests(chart, values, EVERY_KIND).objects for one in (helm, helm3)]
    assert hooks[0] == hooks[1]


@BOTH
def test_helm_3_refuses_what_helm_4_refuses(helm3: Helm, chart: Path) -> None:
    with pytest.raises(RefusedError, match="gatway"):
        helm3.render(chart, {"gatway": 1})


@BOTH
def test_lint_of_both_versions_has_nothing_to_say(helm: Helm, helm3: Helm, chart: Path) -> None:
    for one in (helm, helm3):
        said = one.run("lint", "--strict", str(chart))
        assert "1 chart(s) linted, 0 chart(s) failed" in said
        assert "[WARNING]" not in said


@BOTH
def test_one_commit_gives_one_package(helm: Helm, helm3: Helm, chart: Path, tmp_path: Path) -> None:
    packages = []
    for number, one in enumerate((helm, helm, helm3)):
        copy = tmp_path / str(number) / chart.name
        copied(chart, copy, mtime=1_000_000_000 + number)
        packages.append(package(one, copy, tmp_path / f"out{number}", 1_700_000_000))
    assert len({one.read_bytes() for one in packages}) == 1
    assert package(helm, chart, tmp_path / "later", 1_800_000_000).read_bytes() not in {
        one.read_bytes() for one in packages
    }
    assert helm.render(packages[0], {}).objects == helm.render(chart, {}).objects
    assert "tests/" not in tar_names(packages[0])


def copied(chart: Path, place: Path, mtime: int) -> None:
    """A copy as another clone has it: other times."""
    for file in sorted(chart.rglob("*")):
        if file.is_file():
            target = place / file.relative_to(chart)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
            os.utime(target, (mtime, mtime))


def tar_names(archive: Path) -> str:
    """What is in it, by name, less what helm test needs."""
    names = subprocess.check_output(["tar", "-tzf", str(archive)], text=True, timeout=60)
    return names.replace("templates/tests/", "")


@pytest.mark.parametrize("version", kubernetes.versions())
def test_kubeconform_takes_everything_in_each_kubernetes_version(
    helm: Helm, tmp_path: Path, version: str
) -> None:
    location = kubernetes.write(kubernetes.read(version), tmp_path)
    objects = list(everything(helm))
    said = conformity(location, objects)
    assert [one for one in said["resources"] if one["status"] != "statusValid"] == []
    assert said["summary"]["valid"] == len(objects)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "template", "spec", "automountServiceAccounToken"), True),
        (("spec", "replicas"), "1"),
        (("spec", "strategy", "rollingUpdate", "maxSurges"), 1),
    ],
)
def test_kubeconform_refuses_what_is_wrong(
    helm: Helm, tmp_path: Path, path: tuple[str, ...], value: Any
) -> None:
    location = kubernetes.write(kubernetes.read(kubernetes.versions()[0]), tmp_path)
    deployment = helm.render(OPERATOR_CHART, {}).without("watchdog").one("Deployment")
    node = deployment
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    (found,) = conformity(location, [deployment])["resources"]
    assert found["status"] == "statusInvalid"


def everything(helm: Helm) -> Iterator[Manifest]:
    """Every object of every case, those of helm test too."""
    for chart, values in CASES.values():
        for rendered in (
            helm.render(chart, values, EVERY_KIND),
            helm.tests(chart, values, EVERY_KIND),
        ):
            yield from rendered.objects


def conformity(location: str, objects: list[Manifest]) -> dict[str, Any]:
    """kubeconform's report."""
    words = ("-strict", "-summary", "-verbose", "-output=json", f"-schema-location={location}")
    said = judged(tools.program("kubeconform"), *words, stdin=yaml.safe_dump_all(objects))
    report: dict[str, Any] = json.loads(said)
    return report


Findings = set[tuple[str, str]]


def by_kube_score(rendered: Rendered, folder: Path) -> Findings:
    """Check and object of everything that is less than ten out of ten."""
    del folder
    text = yaml.safe_dump_all(rendered.objects)
    said = judged(tools.program("kube-score"), "score", "--output-format=json", "-", stdin=text)
    return {
        (check["check"]["id"], f"{one['type_meta']['kind']}/{one['object_meta']['name']}")
        for one in json.loads(said)
        for check in one["checks"]
        if not check["skipped"] and check["grade"] < 10
    }


def by_checkov(rendered: Rendered, folder: Path) -> Findings:
    """Check and object of everything that failed."""
    file = folder / "rendered.yaml"
    file.write_text(yaml.safe_dump_all(rendered.objects))
    words = ("--framework=kubernetes", "--output=json", "--quiet", "--compact", "--skip-download")
    report = json.loads(judged(tools.checkov(), f"--file={file}", *words))
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0
    return {
        (one["check_id"], "/".join(one["resource"].split(".")[::2]))
        for one in report["results"]["failed_checks"]
    }


@pytest.mark.parametrize(
    ("judge", "found_by"), [("kube-score", by_kube_score), ("checkov", by_checkov)]
)
def test_every_finding_is_explained_and_every_explanation_is_needed(
    helm: Helm, tmp_path: Path, judge: str, found_by: Any
) -> None:
    found: Findings = set()
    for values in ({}, FULL):
        objects = helm.render(OPERATOR_CHART, values, EVERY_KIND).objects
        hooks = helm.tests(OPERATOR_CHART, values, EVERY_KIND).objects
        found |= found_by(Rendered((*objects, *hooks)), tmp_path)
    excepted = EXCEPTIONS[judge]
    unexplained = [
        (check, name)
        for check, name in sorted(found)
        if not any(fnmatch.fnmatch(name, one) for one in excepted.get(check, {}).get("objects", []))
    ]
    assert unexplained == []
    unneeded = [
        (check, pattern)
        for check, exception in excepted.items()
        for pattern in exception["objects"]
        if not any(c == check and fnmatch.fnmatch(name, pattern) for c, name in found)
    ]
    assert unneeded == []
    assert all(len(exception["why"]) > 20 for exception in excepted.values())


def test_a_privileged_pod_would_be_found(helm: Helm, tmp_path: Path) -> None:
    values = {"containerSecurityContext": {"privileged": True, "readOnlyRootFilesystem": False}}
    rendered = helm.render(OPERATOR_CHART, values)
    name = "Deployment/first-ibgateway-operator"
    assert ("container-security-context-readonlyrootfilesystem", name) in by_kube_score(
        rendered, tmp_path
    )
    assert "CKV_K8S_16" in {check for check, _ in by_checkov(rendered, tmp_path)}
