"""READMEs, the kustomize base and the OLM bundle: current, and what their own tools make of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ibgateway_api.crd import crd
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_charts import derived, generated
from ibgateway_charts.generated import CHARTS, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Manifest, cluster_program
from ibgateway_cluster import Cluster

OVERLAY = """
resources: [base]
namespace: trading
images: [{name: ibgateway-operator, newName: registry.example.com/me/ibgateway-operator}]
"""


@pytest.fixture(scope="module")
def made(helm: Helm) -> dict[Path, str]:
    """What the charts' renderings give now."""
    return derived.files(helm)


def test_what_is_derived_from_the_charts_is_current(made: dict[Path, str]) -> None:
    stale = [
        str(place.relative_to(CHARTS))
        for place, text in made.items()
        if not place.is_file() or place.read_text() != text
    ]
    assert stale == [], "run `make charts` and commit what it writes"
    bundle = {one for one in derived.BUNDLE.rglob("*") if one.is_file()}
    assert bundle <= {*made, *generated.files()}


def kustomized(folder: Path) -> list[Manifest]:
    """What kubectl's kustomize makes of a folder."""
    words = [cluster_program("kubectl"), "kustomize", str(folder)]
    text = subprocess.check_output(words, text=True, timeout=60)
    return [one for one in yaml.safe_load_all(text) if one]


def test_kustomize_builds_the_base_without_a_trace_of_helm() -> None:
    objects = kustomized(derived.KUSTOMIZE)
    assert {one["metadata"].get("namespace") for one in objects} == {"ibgateway", None}
    assert "helm" not in json.dumps([one["metadata"] for one in objects]).lower()
    assert "IBGateway" not in {one["kind"] for one in objects}


def test_an_overlay_moves_the_operator_by_one_line(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(OVERLAY)
    (tmp_path / "base").symlink_to(derived.KUSTOMIZE)
    objects = kustomized(tmp_path)
    assert {one["metadata"].get("namespace") for one in objects} == {"trading", None}
    subjects = [s["namespace"] for one in objects for s in one.get("subjects", [])]
    assert set(subjects) == {"trading"}
    assert '"ibgateway"' not in json.dumps(
        [one.get("spec") for one in objects if one["kind"] == "NetworkPolicy"]
    )
    containers = [
        one["spec"]["template"]["spec"]["containers"][0]
        for one in objects
        if one["kind"] == "Deployment"
    ]
    assert {one["image"].split(":")[0] for one in containers} == {
        "registry.example.com/me/ibgateway-operator"
    }
    for one in containers:
        (watched,) = [v for v in one["env"] if v["name"] == "WATCH_NAMESPACE"]
        assert watched["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_the_base_has_every_object_of_the_chart(helm: Helm) -> None:
    chart = helm.render(OPERATOR_CHART, {}, derived.RELEASE).kinds()
    base = [f"{one['kind']}/{one['metadata']['name']}" for one in kustomized(derived.KUSTOMIZE)]
    assert sorted(base) == chart


def bundle(name: str) -> Any:
    (file,) = derived.BUNDLE.glob(f"*/{name}")
    return yaml.safe_load(file.read_text())


def csv() -> Any:
    return bundle("*.clusterserviceversion.yaml")


def test_the_bundle_says_what_the_chart_says() -> None:
    chart = yaml.safe_load((OPERATOR_CHART / "Chart.yaml").read_text())
    assert csv()["metadata"]["name"] == f"ibgateway-operator.v{chart['appVersion']}"
    assert csv()["spec"]["version"] == chart["appVersion"]
    assert csv()["spec"]["minKubeVersion"] == "1.31.0"
    annotations = bundle("annotations.yaml")["annotations"]
    prefix = "operators.operatorframework.io.bundle"
    assert annotations[f"{prefix}.mediatype.v1"] == "registry+v1"
    assert annotations[f"{prefix}.package.v1"] == "ibgateway-operator"
    assert (derived.BUNDLE / annotations[f"{prefix}.manifests.v1"]).is_dir()
    assert (derived.BUNDLE / annotations[f"{prefix}.metadata.v1"]).is_dir()


def test_the_bundle_keeps_the_rules_of_the_scorecard() -> None:
    (owned,) = csv()["spec"]["customresourcedefinitions"]["owned"]
    document = bundle("ibgateway.dev_*.yaml")
    assert document == crd()
    (version,) = document["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    assert owned["name"] == document["metadata"]["name"]
    assert owned["version"] == version["name"]
    for part in ("spec", "status"):
        described = {one["path"] for one in owned[f"{part}Descriptors"]}
        assert described == set(schema[part]["properties"]), part
        assert all(one["description"] for one in owned[f"{part}Descriptors"])
    (example,) = json.loads(csv()["metadata"]["annotations"]["alm-examples"])
    assert example["kind"] == owned["kind"]
    IBGatewaySpec.model_validate(example["spec"])


def test_olm_gives_each_account_the_rights_of_the_chart_and_nothing_cluster_wide(
    helm: Helm,
) -> None:
    install = csv()["spec"]["install"]["spec"]
    rendered = helm.render(OPERATOR_CHART, {}, derived.RELEASE)
    by_account = {one["serviceAccountName"]: one["rules"] for one in install["permissions"]}
    roles = {one["metadata"]["name"]: one["rules"] for one in rendered.all("Role")}
    operator = "ibgateway-operator"
    assert by_account == {
        name: roles[f"{name}-lease"] + roles[name] for name in (operator, f"{operator}-watchdog")
    }
    assert "clusterPermissions" not in install
    accounts = {
        one["spec"]["template"]["spec"]["serviceAccountName"] for one in install["deployments"]
    }
    assert accounts == set(by_account)


def test_olm_tells_the_operator_which_namespaces_it_watches() -> None:
    for one in csv()["spec"]["install"]["spec"]["deployments"]:
        (container,) = one["spec"]["template"]["spec"]["containers"]
        (watched,) = [v for v in container["env"] if v["name"] == "WATCH_NAMESPACE"]
        path = "metadata.annotations['olm.targetNamespaces']"
        assert watched["valueFrom"] == {"fieldRef": {"fieldPath": path}}


@pytest.mark.cluster
def test_the_api_server_takes_the_base(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(OVERLAY.replace("trading", namespace))
    (tmp_path / "base").symlink_to(derived.KUSTOMIZE)
    said = cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server"),
        *("--field-manager=tests", f"-k={tmp_path}"),
    )
    assert said.count("serverside-applied (server dry run)") == len(kustomized(tmp_path))
