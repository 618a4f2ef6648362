"""The CustomResourceDefinition as a document, made from the pydantic models. Pure."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from pydantic import BaseModel

from ibgateway_api import names
from ibgateway_api.fields import GATEWAY_NAME_PATTERN, rule
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import IBGatewayStatus
from ibgateway_api.week import time_zones

Schema = dict[str, Any]

_DROPPED: Final = frozenset({"title", "discriminator", "$defs"})
RULES: Final = "x-kubernetes-validations"
_LEAVES: Final = frozenset({"default", "enum", "required", "description", RULES})

ZONE_ADVICE: Final = (
    "one of these is no name of the time zone database: write it like Europe/Berlin"
)

COLUMNS: Final = (
    ("Mode", "string", ".spec.tradingMode"),
    ("Ready", "string", ".status.conditions[?(@.type=='Ready')].status"),
    ("Login", "string", ".status.login.state"),
    ("Executor", "string", ".status.conditions[?(@.type=='ExecutorReady')].status"),
    ("Next restart", "string", ".status.window.restart"),
    ("Age", "date", ".metadata.creationTimestamp"),
)
WIDE_COLUMNS: Final = (
    ("Trading", "string", ".status.conditions[?(@.type=='TradingAllowed')].reason"),
    ("Pending", "string", ".status.conditions[?(@.type=='ChangePending')].status"),
    ("Message", "string", ".status.conditions[?(@.type=='Ready')].message"),
)


def crd() -> Schema:
    """The whole CustomResourceDefinition document."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": [names.SHORT_NAME],
                "categories": ["all"],
            },
            "versions": [_version()],
        },
    }


def _version() -> Schema:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            *(_column(*c, priority=0) for c in COLUMNS[:-1]),
            *(_column(*c, priority=1) for c in WIDE_COLUMNS),
            _column(*COLUMNS[-1], priority=0),
        ],
        "schema": {"openAPIV3Schema": _root()},
    }


def _column(name: str, kind: str, path: str, *, priority: int) -> Schema:
    column = {"name": name, "type": kind, "jsonPath": path}
    return column | ({"priority": priority} if priority else {})


def _root() -> Schema:
    return {
        "type": "object",
        "description": "An IB Gateway with its console and its trade executor.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _zones_known(in_words(schema_of(IBGatewaySpec))),
            "status": schema_of(IBGatewayStatus),
        },
        "x-kubernetes-validations": [
            rule(
                f"self.metadata.name.matches('{GATEWAY_NAME_PATTERN}')",
                "metadata.name must start with a letter, hold only a-z, 0-9 and '-', and have at"
                " most 40 characters: the names of its objects are made from it",
            )
        ],
    }


def in_words(node: Any) -> Any:
    """`node` with each pattern that has an example said as a CEL rule.

    A pattern is refused with its regular expression, a rule with a sentence; and a failed pattern keeps
    the server from looking at any rule. The strings have a `maxLength`: without it a rule costs too much.
    """
    if isinstance(node, list):
        return [in_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    members = {key: _worded(key, value) for key, value in node.items()}
    examples = members.pop("examples", None)
    if examples is None or not isinstance(members.get("pattern"), str):
        return members
    pattern = members.pop("pattern")
    if "maxLength" not in members:
        return members
    said = " or ".join(f'"{example}"' for example in examples)
    rules = [rule(f"self.matches(r'{pattern}')", f"write it like {said}")]
    return {**members, RULES: [*members.get(RULES, ()), *rules]}


def _worded(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: in_words(schema) for name, schema in value.items()}
    return value if key in _LEAVES else in_words(value)


def _zones_known(spec: Schema) -> Schema:
    """A rule that every time zone is in the database: one for all, so that the long list stands once."""
    listed = ", ".join(f"'{name}'" for name in time_zones())
    always = ("gateway.timeZone", "weeklyRestart.timeZone")
    zones = ", ".join(f"self.{field}" for field in always)
    quiet = "self.login.quietHours"
    shown = " + ', ".join(f"{field} ' + self.{field}" for field in always)
    known = {
        "rule": f"(has({quiet}) ? [{zones}, {quiet}.timeZone] : [{zones}]).all(z, z in [{listed}])",
        "message": ZONE_ADVICE,
        "messageExpression": f"'{shown} + (has({quiet}) ? ', login.quietHours.timeZone ' +"
        f" {quiet}.timeZone : '') + ': {ZONE_ADVICE}'",
    }
    return {**spec, RULES: [*spec.get(RULES, ()), known]}


def schema_of(model: type[BaseModel]) -> Schema:
    """The structural schema of a model.

    Raises TypeError where the model says something a structural schema can't.
    """
    raw = model.model_json_schema(by_alias=True)
    result: Schema = structural(raw, raw.get("$defs", {}))
    return result


def structural(node: Any, defs: Mapping[str, Any]) -> Any:
    """`node` with references inlined and JSON Schema's freedoms turned into OpenAPI 3.0's.

    An object's default becomes `{}`, and the API server fills in the defaults below it; an object
    with rules of its own keeps the whole default, because the server checks rules on it as written.
    """
    if isinstance(node, list):
        return [structural(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    node = _resolved(node, defs)
    node = {key: value for key, value in node.items() if key not in _DROPPED}
    if node.get("additionalProperties") is False:
        del node["additionalProperties"]
    members = {key: _member(key, value, defs) for key, value in node.items()}
    if isinstance(node.get("default"), dict):
        members["default"] = without_nulls(node["default"]) if RULES in node else {}
    return members


def _member(key: str, value: Any, defs: Mapping[str, Any]) -> Any:
    if key == "properties":
        return {name: structural(schema, defs) for name, schema in value.items()}
    if key in _LEAVES:
        return value
    return structural(value, defs)


def _resolved(node: Schema, defs: Mapping[str, Any]) -> Schema:
    """`node` without `$ref` and without `anyOf [X, null]`; what stands beside them wins."""
    if "$ref" in node:
        target = deepcopy(defs[node["$ref"].rsplit("/", 1)[1]])
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved(target | beside, defs)
    if "anyOf" in node:
        return _resolved(_not_null(node), defs)
    return node


def _not_null(node: Schema) -> Schema:
    branches = [b for b in node["anyOf"] if b.get("type") != "null"]
    if len(branches) != 1:
        raise TypeError(f"anyOf with several types is not structural: {node}")
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    if rest.get("default", 0) is None:
        del rest["default"]
    return {**branches[0], **rest}


def without_nulls(value: Any) -> Any:
    """A default as the API server takes it: the fields that are null left out."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value
