"""The generated parts of charts/: the CRD's copy, the schemas made from the api, the spec's table.

`python -m ibgateway_charts.generated` writes them; a test compares them with what lies there.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from ibgateway_api.crd import schema_of
from ibgateway_api.executor_spec import PROGRAMS_FIELDS
from ibgateway_api.fields import GATEWAY_NAME_PATTERN
from ibgateway_api.gateway_spec import OWNED_VARIABLES
from ibgateway_api.pod_fields import Affinity, Resources, Toleration
from ibgateway_api.program_fields import OWNED_NAMES
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar, time_zones
from ibgateway_charts.schema import Schema, closed, leaves

REPOSITORY: Final = Path(__file__).resolve().parents[3]
CHARTS: Final = REPOSITORY / "charts"
OPERATOR_CHART: Final = CHARTS / "ibgateway-operator"
GATEWAY_CHART: Final = CHARTS / "ibgateway"
CRD: Final = REPOSITORY / "crds" / "ibgateway.dev_ibgateways.yaml"

TEMPLATE: Final = "README.md.gotmpl"
"""What helm-docs makes a chart's README of."""
REFUSALS: Final = "_refusals.tpl"
"""Templates of one chart don't see those of another: the operator's chart has a copy."""

FREE_VALUES: Final = ("resources", "podSecurityContext", "containerSecurityContext")
"""Values of the operator's chart that are the user's own to shape: what is taken out of one stays out."""

VERSIONED: Final = (
    OPERATOR_CHART / "Chart.yaml",
    GATEWAY_CHART / "Chart.yaml",
    REPOSITORY / "runtime" / "ibgateway_runtime" / "metrics.py",
)
_VERSIONS: Final = (
    r"^((?:version|appVersion): )\S+()$",
    r"^( +image: ibgateway-\w+:)\S+()$",
    r'^(RELEASE: Final = ")[^"]+(")$',
)

_TABLE_BEGIN: Final = "<!-- spec table: made from the resource -->\n"
_TABLE_END: Final = "<!-- end of the spec table -->\n"


def files() -> dict[Path, str]:
    """Every generated file with the content it must have."""
    return {
        OPERATOR_CHART / "files" / "crds" / CRD.name: CRD.read_text(),
        CHARTS / "kustomize" / CRD.name: CRD.read_text(),
        CHARTS / "olm" / "manifests" / CRD.name: CRD.read_text(),
        OPERATOR_CHART / "values.schema.json": _with_members(
            OPERATOR_CHART / "values.schema.json",
            {
                "calendar": closed(schema_of(Calendar)),
                "resources": closed(schema_of(Resources)),
                "affinity": closed(schema_of(Affinity)),
                "gateways": _gateways(),
                "tolerations": {
                    "type": "array",
                    "description": "Taints the pod tolerates.",
                    "items": closed(schema_of(Toleration)),
                },
            },
        ),
        OPERATOR_CHART / "files" / "defaults.json": _defaults(OPERATOR_CHART / "values.yaml"),
        GATEWAY_CHART / "values.schema.json": _with_members(
            GATEWAY_CHART / "values.schema.json", {"spec": closed(schema_of(IBGatewaySpec))}
        ),
        GATEWAY_CHART / "files" / "names.json": json.dumps(_names(), indent=1) + "\n",
        OPERATOR_CHART / "files" / "names.json": json.dumps(_names(), indent=1) + "\n",
        OPERATOR_CHART / "templates" / REFUSALS: (
            GATEWAY_CHART / "templates" / REFUSALS
        ).read_text(),
        GATEWAY_CHART / TEMPLATE: _with_table((GATEWAY_CHART / TEMPLATE).read_text()),
        GATEWAY_CHART / "README.md": _with_table((GATEWAY_CHART / "README.md").read_text()),
        **{place: _versioned(place.read_text()) for place in VERSIONED},
    }


def version() -> str:
    """The distribution's version, which is said in pyproject.toml and nowhere else by hand."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def _versioned(text: str) -> str:
    """A file that repeats the version: of the chart, of our own images, of what a program says of itself."""
    now = version()
    for pattern in _VERSIONS:
        text = re.sub(pattern, lambda found: found[1] + now + found[2], text, flags=re.MULTILINE)
    return text


def _defaults(values: Path) -> str:
    """The chart's values, for a release that was made before some of them were there."""
    document = {"free": list(FREE_VALUES), "values": yaml.safe_load(values.read_text())}
    return json.dumps(document, indent=1) + "\n"


def spec_table() -> str:
    """The Markdown table of every field of the spec."""
    rows = [_row(path, node) for path, node in leaves(schema_of(IBGatewaySpec), "spec")]
    return "".join(["| Value | Default | Meaning |\n|---|---|---|\n", *rows])


def _row(path: str, node: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(node['default'])}`" if "default" in node else "not set"
    choice = f" One of: {', '.join(node['enum'])}." if len(node.get("enum", ())) > 1 else ""
    return f"| `{path}` | {default} | {node['description']}{choice} |\n"


def _names() -> dict[str, list[str]]:
    """Lists that the templates compare with."""
    return {
        "specFields": list(schema_of(IBGatewaySpec)["properties"]),
        "ownedVariables": list(OWNED_VARIABLES),
        "programFields": list(PROGRAMS_FIELDS),
        "programVariables": list(OWNED_NAMES),
        "timeZones": time_zones(),
    }


def _gateways() -> Schema:
    """The operator's chart makes IBGateways too: the spec is the resource's own."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    properties: Schema = {
        "name": {"type": "string", "description": "Its name.", "pattern": GATEWAY_NAME_PATTERN},
        "namespace": {
            "type": "string",
            "description": "A watched namespace; empty takes the first of them.",
            "pattern": "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$",
        },
        "labels": {**texts, "description": "More labels of it."},
        "annotations": {**texts, "description": "More annotations of it."},
        "spec": closed(schema_of(IBGatewaySpec)),
    }
    return {
        "type": "array",
        "description": "IBGateways that the release makes.",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "spec"],
            "properties": properties,
        },
    }


def _with_members(place: Path, schemas: Mapping[str, Schema]) -> str:
    """The schema file with some names at its top level made anew; the rest is written by hand."""
    document = json.loads(place.read_text())
    document["properties"] |= schemas
    if "patternProperties" in document:
        fields = "|".join(schemas["spec"]["properties"])
        document["patternProperties"] = {f"^({fields})$": {}}
    return json.dumps(document, indent=2) + "\n"


def _with_table(text: str) -> str:
    head, rest = text.split(_TABLE_BEGIN)
    tail = rest.split(_TABLE_END)[1]
    return f"{head}{_TABLE_BEGIN}\n{spec_table()}\n{_TABLE_END}{tail}"


def main() -> None:
    """Write every generated file."""
    for place, content in files().items():
        place.write_text(content)


if __name__ == "__main__":
    main()
