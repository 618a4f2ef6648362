"""Turns the resource's structural schemas into what values.schema.json says. Pure.

Helm checks values before the API server sees them, so a typing error is refused where a pruning API
server would stay silent: every object that the resource describes is closed here. CEL rules stay with
the API server.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

_KEPT: Final = frozenset(
    {
        *("type", "description", "enum", "pattern", "examples", "required", "minimum", "maximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "maxProperties"),
    }
)
_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"


def closed(node: Mapping[str, Any]) -> Schema:
    """The JSON schema of a structural schema: no unknown keys, no defaults, no Kubernetes extensions."""
    result = {key: value for key, value in node.items() if key in _KEPT}
    if node.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if node.get("format") == "time":
        result["pattern"] = _CLOCK
    if node.get("x-kubernetes-list-type") == "set":
        result["uniqueItems"] = True
    if "items" in node:
        result["items"] = closed(node["items"])
    return result | _members(node)


def _members(node: Mapping[str, Any]) -> Schema:
    extra = node.get("additionalProperties")
    if isinstance(extra, Mapping):
        return {"additionalProperties": closed(extra)}
    if "properties" not in node:
        return {}
    required = node.get("required", ())
    properties = {
        name: closed(child) if name in required or "default" in child else _nullable(closed(child))
        for name, child in node["properties"].items()
    }
    return {"properties": properties, "additionalProperties": False}


def _nullable(schema: Schema) -> Schema:
    """What has no default may be written as null, as in the resource: both mean "not set"."""
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, **values, "type": [*kinds, "null"]}


def leaves(node: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Every field below a structural schema that has no fields of its own, as (dotted path, schema)."""
    if "properties" not in node:
        return [(path, node)]
    return [
        leaf
        for name, child in node["properties"].items()
        for leaf in leaves(child, f"{path}.{name}")
    ]
