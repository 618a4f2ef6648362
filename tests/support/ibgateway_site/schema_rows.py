"""What a page says of a field, read from the CustomResourceDefinition: type, default, what is allowed, whether it can change."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ibgateway_api.crd import RULES

Schema = Mapping[str, Any]

KUBERNETES_OWN: Final = frozenset(
    {
        *("affinity", "tolerations", "resources", "volumes", "securityContext"),
        *("livenessProbe", "readinessProbe", "startupProbe"),
    }
)
"""Fields that are a pod's own: the page names them and not what is below them."""
LONGEST_EXPRESSION: Final = 900
_BOUNDS: Final = (
    ("minimum", "≥ {}"),
    ("maximum", "≤ {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("maxProperties", "at most {} entries"),
)
_EXAMPLE: Final = "write it like "


class Row(NamedTuple):
    """One field as a line of a table."""

    path: str
    kind: str
    default: str
    allowed: str
    meaning: str


def rows(node: Schema, path: str) -> Iterator[Row]:
    """The fields below `node`, in the order in which they are declared."""
    required = node.get("required", ())
    for name, schema in node.get("properties", {}).items():
        here = f"{path}.{name}"
        inner = schema.get("items", schema)
        below = "properties" in inner and name not in KUBERNETES_OWN
        if not below or "default" not in schema:
            yield Row(
                here,
                kind(schema, name),
                default(schema, required=name in required),
                allowed(schema),
                schema.get("description", ""),
            )
        if below:
            yield from rows(inner, f"{here}[]" if "items" in schema else here)


def kind(schema: Schema, name: str = "") -> str:
    """A field's type, in words."""
    if name in KUBERNETES_OWN:
        return "as in a pod"
    if "items" in schema:
        return f"list of {kind(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return "map of texts"
    if schema.get("format") == "date-time":
        return "time"
    named = str(schema.get("type", "any"))
    return "text" if named == "string" else named


def default(schema: Schema, *, required: bool) -> str:
    """What stands in for a field that is left out."""
    if required:
        return "**required**"
    if "default" not in schema:
        return "unset"
    value = schema["default"]
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def allowed(schema: Schema) -> str:
    """What the server takes: values, bounds, an example of the form; and whether it can be changed."""
    inner = schema.get("items", schema)
    said = [", ".join(f"`{value}`" for value in inner.get("enum", ()))]
    for node in (schema, inner) if inner is not schema else (schema,):
        said += [words.format(node[key]) for key, words in _BOUNDS if key in node]
    for rule in (*schema.get(RULES, ()), *(inner.get(RULES, ()) if inner is not schema else ())):
        if rule["message"].startswith(_EXAMPLE):
            said.append(f"like {rule['message'].removeprefix(_EXAMPLE)}")
    if immutable(schema):
        said.append("**can't be changed**")
    return "; ".join(part for part in said if part)


def immutable(schema: Schema) -> bool:
    """Whether a rule holds the field to what it was."""
    return any("oldSelf" in rule["rule"] for rule in schema.get(RULES, ()))


class Check(NamedTuple):
    """One rule that the API server checks, with the fields that it stands on."""

    paths: tuple[str, ...]
    expression: str
    message: str


def checks(node: Schema, path: str) -> list[Check]:
    """Every rule below `node`, each once."""
    found: dict[tuple[str, str], list[str]] = {}
    for here, rule in _rules(node, path):
        found.setdefault((_shown(rule["rule"]), rule["message"]), []).append(here)
    return [Check(tuple(paths), *key) for key, paths in found.items()]


def _rules(node: Schema, path: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for rule in node.get(RULES, ()):
        yield path, rule
    for name, schema in node.get("properties", {}).items():
        yield from _rules(schema, f"{path}.{name}")
    if "items" in node:
        yield from _rules(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from _rules(node["additionalProperties"], f"{path}.*")


def _shown(expression: str) -> str:
    """An expression with a long list of names counted instead of written out."""
    if len(expression) <= LONGEST_EXPRESSION:
        return expression
    return re.sub(
        r"\[('[^']*'(?:, '[^']*')+)\]",
        lambda found: f"[… {found[1].count(', ') + 1} names …]",
        expression,
    )


def cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
