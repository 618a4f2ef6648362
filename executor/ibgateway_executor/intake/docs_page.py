"""`/docs`: the OpenAPI document as a page to read. Pure.

HTML and a style sheet, made here: no script, and nothing is loaded from anywhere, which `Content-Security-Policy` also forbids.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

Node = Mapping[str, Any]

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2530; background: #fff; }
h2 { margin-top: 2.5rem; }
details { border: 1px solid #d5dce4; border-radius: 6px; margin: .4rem 0; padding: 0 .8rem; }
details details { border-style: dashed; }
summary { cursor: pointer; padding: .4rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: #f4f6f9; padding: .6rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-top: 1px solid #e3e8ee; }
@media (prefers-color-scheme: dark) {
  body { color: #dde4ec; background: #12181f; }
  a { color: #8ab8ff; }
  details, th, td { border-color: #2c3846; }
  pre { background: #1b242e; }
}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_LIMITS: Final = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "characters, at least",
    "maxLength": "characters, at most",
    "minItems": "entries, at least",
    "maxItems": "entries, at most",
    "pattern": "pattern",
    "default": "default",
}


def docs_page(document: Node) -> str:
    """The page of an OpenAPI document."""
    title = escape(document["info"]["title"])
    schemas = document["components"]["schemas"]
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f"<h1>{title} {escape(document['info']['version'])}</h1>"
        f"<p>{escape(document['info']['description'])} The same for programs: "
        '<a href="/openapi.json">openapi.json</a>.</p>'
        f"{_tokens(document['components']['securitySchemes'])}"
        f"<h2>Requests</h2>{''.join(operations)}"
        f"<h2>Documents</h2>{''.join(_schema(name, schemas[name]) for name in sorted(schemas))}"
        "</body></html>\n"
    )


def _tokens(schemes: Mapping[str, Node]) -> str:
    rows = ((f"<code>{escape(n)}</code>", escape(s["description"])) for n, s in schemes.items())
    return _table(("Bearer token", "Where it is"), rows)


def _operation(method: str, path: str, operation: Node) -> str:
    name = escape(operation["operationId"])
    first = operation["description"].split("\n")[0]
    token = ", ".join(escape(scheme) for needed in operation["security"] for scheme in needed)
    return (
        f'<details id="{name}"><summary><b>{method.upper()}</b> <code>{escape(path)}</code> {escape(first)}</summary>'
        f"{_paragraphs(operation['description'])}<p>Token: {token}</p>"
        f"{_parameters(operation.get('parameters', ()))}{_body(operation.get('requestBody'))}"
        f"<h3>Answers</h3>{''.join(_answer(s, a) for s, a in operation['responses'].items())}"
        "</details>"
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))


def _parameters(parameters: Iterable[Node]) -> str:
    rows = [
        (
            f"<code>{escape(each['name'])}</code>{' (required)' if each.get('required') else ''}",
            escape(each["in"]),
            type_words(each["schema"]),
            escape(each.get("description", "")),
            _plain(each["example"]) if "example" in each else "",
        )
        for each in parameters
    ]
    if not rows:
        return ""
    return f"<h3>Parameters</h3>{_table(('Name', 'In', 'Type', 'Meaning', 'Example'), rows)}"


def _body(body: Node | None) -> str:
    return "" if body is None else f"<h3>Body</h3>{_contents(body['content'])}"


def _answer(status: str, answer: Node) -> str:
    headers = [
        (f"<code>{escape(name)}</code>", escape(told["description"]), _plain(told["example"]))
        for name, told in answer.get("headers", {}).items()
    ]
    shown = _table(("Header", "Meaning", "Example"), headers) if headers else ""
    return (
        f"<details><summary><b>{escape(status)}</b> {escape(answer['description'])}</summary>"
        f"{shown}{_contents(answer['content'])}</details>"
    )


def _contents(contents: Mapping[str, Node]) -> str:
    return "".join(_content(kind, content) for kind, content in contents.items())


def _content(kind: str, content: Node) -> str:
    named = {name: each["value"] for name, each in content.get("examples", {}).items()}
    examples = named or ({"": content["example"]} if "example" in content else {})
    shown = "".join(
        f"{f'<p>{escape(name)}:</p>' if name else ''}<pre>{_example(value)}</pre>"
        for name, value in examples.items()
    )
    return f"<p><code>{escape(kind)}</code>: {type_words(content['schema'])}</p>{shown}"


def _example(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return escape(text)


def _schema(name: str, schema: Node) -> str:
    required = frozenset(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(field)}</code>{' (required)' if field in required else ''}",
            type_words(told),
            escape(told.get("description", "")),
        )
        for field, told in schema.get("properties", {}).items()
    ]
    shown = _table(("Field", "Type", "Meaning"), rows) if rows else f"<p>{type_words(schema)}</p>"
    return (
        f'<details id="{_anchor(name)}"><summary><code>{escape(name)}</code></summary>'
        f"{_paragraphs(schema.get('description', ''))}{shown}</details>"
    )


def type_words(schema: Node) -> str:
    """What a value may be, in words; other documents are links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(type_words(each) for each in schema[several]) + _limits(schema)
    if "enum" in schema:
        return ", ".join(_plain(value) for value in schema["enum"]) + _limits(schema)
    if "const" in schema:
        return _plain(schema["const"])
    kind = escape(str(schema.get("type", "anything")))
    if kind == "array":
        kind = f"list of {type_words(schema.get('items', {}))}"
    if "format" in schema:
        kind += f" ({escape(schema['format'])})"
    return kind + _limits(schema)


def _limits(schema: Node) -> str:
    return "".join(f"; {word} {_plain(schema[k])}" for k, word in _LIMITS.items() if k in schema)


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"<code>{escape(text)}</code>"


def _anchor(name: str) -> str:
    return f"document-{escape(name)}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Heads are our own words, cells are HTML already."""
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
