"""What the charts repeat from elsewhere is equal to where it comes from."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ibgateway_api.crd import crd, schema_of
from ibgateway_api.gateway_spec import ImageSpec
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_charts import generated
from ibgateway_charts.generated import (
    CHARTS,
    CRD,
    GATEWAY_CHART,
    OPERATOR_CHART,
    REPOSITORY,
    files,
)
from ibgateway_charts.schema import closed

BOTH = pytest.mark.parametrize("chart", [OPERATOR_CHART, GATEWAY_CHART], ids=lambda c: c.name)
PASSED_ON = (
    *(
        "resources",
        "affinity",
        "podSecurityContext",
        "containerSecurityContext",
        "calendar",
        "dnsConfig",
        "spec",
    ),
)
"""Values whose inside is Kubernetes' or has a table of its own: the README names them as a whole."""


@pytest.mark.parametrize("place", files(), ids=lambda place: str(place.relative_to(REPOSITORY)))
def test_a_generated_file_is_current(place: Path) -> None:
    renew = "run `make crds` and commit what it writes"
    assert files()[place] == place.read_text(), renew


def test_the_charts_copy_of_the_resource_is_the_one_in_crds() -> None:
    copy = OPERATOR_CHART / "files" / "crds" / "ibgateway.dev_ibgateways.yaml"
    assert copy.read_bytes() == CRD.read_bytes()
    assert yaml.safe_load(copy.read_text()) == crd()


def test_the_api_itself_describes_every_field_that_the_readme_lists() -> None:
    readme = (GATEWAY_CHART / "README.md").read_text()
    assert (
        "| `spec.login.dailyAttempts` | `6` | Attempts in 24 hours that may push; those" in readme
    )


def value_names(node: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Every value as a dotted name, down to the parts that the README names as a whole."""
    for key, value in node.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value and key not in PASSED_ON:
            yield from value_names(value, f"{name}.")
        else:
            yield name


def schema_names(
    node: Mapping[str, Any], root: Mapping[str, Any], above: str = ""
) -> Iterator[str]:
    """The same names as the schema has them."""
    for key, child in node["properties"].items():
        if key == "global":
            continue
        inner = root["definitions"]["image"] if "image" in child.get("$ref", "") else child
        if "properties" in inner and key not in PASSED_ON:
            yield from schema_names(inner, root, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def documented_names(readme: str) -> list[str]:
    """The first column of the values table."""
    rows = re.findall(r"^\| `([^`]+)` \|", readme, re.MULTILINE)
    return [name for name in rows if not name.startswith("spec.")]


@BOTH
def test_values_readme_and_schema_name_the_same_values(chart: Path) -> None:
    values = yaml.safe_load((chart / "values.yaml").read_text())
    schema = json.loads((chart / "values.schema.json").read_text())
    named = sorted(value_names(values))
    assert named == sorted(documented_names((chart / "README.md").read_text()))
    assert named == sorted(schema_names(schema, schema))


def open_objects(node: object, path: str = "") -> Iterator[str]:
    """Paths of schema objects that name properties and yet let others in."""
    if isinstance(node, list):
        for item in node:
            yield from open_objects(item, path)
    if isinstance(node, dict):
        if (
            isinstance(node.get("properties"), dict)
            and node.get("additionalProperties") is not False
        ):
            yield path
        for key, value in node.items():
            yield from open_objects(value, f"{path}/{key}")


@BOTH
def test_every_object_that_the_schema_describes_is_closed(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    assert list(open_objects(schema)) == []


def test_what_has_no_default_may_be_null_in_values_as_in_the_resource() -> None:
    login = closed(schema_of(IBGatewaySpec))["properties"]["login"]["properties"]
    assert login["quietHours"]["type"] == ["object", "null"]
    assert login["dailyAttempts"]["type"] == "integer"


@BOTH
def test_the_chart_says_what_the_distribution_says(chart: Path) -> None:
    chart_yaml = yaml.safe_load((chart / "Chart.yaml").read_text())
    project = (CHARTS.parent / "pyproject.toml").read_text()
    assert f'version = "{chart_yaml["appVersion"]}"' in project
    assert chart_yaml["version"] == chart_yaml["appVersion"]
    assert chart_yaml["kubeVersion"] == ">=1.31.0-0"


def test_a_new_version_is_said_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "version", lambda: "9.8.7-rc.1")
    said = {place: text for place, text in files().items() if place in generated.VERSIONED}
    assert {place: text.count("9.8.7-rc.1") for place, text in said.items()} == {
        OPERATOR_CHART / "Chart.yaml": 5,
        GATEWAY_CHART / "Chart.yaml": 2,
        REPOSITORY / "runtime/ibgateway_runtime/metrics.py": 1,
    }


def test_the_images_of_the_annotations_are_those_that_are_run() -> None:
    annotations = yaml.safe_load((OPERATOR_CHART / "Chart.yaml").read_text())["annotations"]
    listed = {one["name"] for one in yaml.safe_load(annotations["artifacthub.io/images"])}
    values = yaml.safe_load((OPERATOR_CHART / "values.yaml").read_text())["images"]
    assert listed == {name for name, value in values.items() if isinstance(value, dict)}
    gateway = yaml.safe_load((GATEWAY_CHART / "Chart.yaml").read_text())["annotations"]
    (image,) = yaml.safe_load(gateway["artifacthub.io/images"])
    assert image["image"] == ImageSpec().reference


def test_the_artifact_hub_annotations_are_true() -> None:
    annotations = yaml.safe_load((OPERATOR_CHART / "Chart.yaml").read_text())["annotations"]
    (listed,) = yaml.safe_load(annotations["artifacthub.io/crds"])
    (example,) = yaml.safe_load(annotations["artifacthub.io/crdsExamples"])
    document = crd()
    version = document["spec"]["versions"][0]
    assert listed["kind"] == document["spec"]["names"]["kind"]
    assert listed["name"] == document["metadata"]["name"]
    assert listed["version"] == version["name"]
    assert listed["description"] == version["schema"]["openAPIV3Schema"]["description"]
    assert example["apiVersion"] == f"{document['spec']['group']}/{version['name']}"
    assert IBGatewaySpec.model_validate(example["spec"]).credentials_secret_ref.name == (
        "ib-credentials"
    )
