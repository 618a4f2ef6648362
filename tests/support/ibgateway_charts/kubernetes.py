"""JSON schemas of the kinds that the charts render, for kubeconform: of each Kubernetes version, of the Prometheus Operator, of our own resource."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ibgateway_api.crd import crd
from ibgateway_charts.generated import REPOSITORY
from ibgateway_charts.schema import Schema, closed

FOLDER: Final = REPOSITORY / "tests" / "chart" / "kubernetes"
"""A file a version, made of its API's Go types by `make.sh` there."""


def versions() -> list[str]:
    """The Kubernetes versions whose schemas there are, oldest first."""
    return sorted((one.stem for one in FOLDER.glob("1.*.json")), key=lambda v: int(v.split(".")[1]))


def read(version: str) -> Schema:
    """The schemas of a version, or `monitoring`: `kinds` names the definition of each kind, `definitions` has them."""
    document: Schema = json.loads((FOLDER / f"{version}.json").read_text())
    return document


def write(document: Mapping[str, Any], folder: Path) -> str:
    """A file a kind, as kubeconform wants them; gives the `-schema-location` to find them by."""
    for one in (document, read("monitoring")):
        for kind, reference in one["kinds"].items():
            schema = {"$ref": reference, "definitions": one["definitions"]}
            (folder / f"{kind}.json").write_text(json.dumps(schema))
    (folder / "ibgateway-ibgateway-v1alpha1.json").write_text(json.dumps(_own()))
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def _own() -> Schema:
    (version,) = crd()["spec"]["versions"]
    schema = closed(version["schema"]["openAPIV3Schema"])
    for name in ("apiVersion", "kind"):
        schema["properties"][name] = {"type": "string"}
    schema["properties"]["metadata"] = {"type": "object"}
    return schema
