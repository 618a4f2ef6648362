"""docs/reference.md: the resource, field by field, with its rules, annotations and names. Made from the models; a test says that it is fresh."""

import ast
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.crd import COLUMNS, WIDE_COLUMNS, crd
from ibgateway_site.schema_rows import cell, checks, rows

HEAD: Final = """# The resource, field by field

Made by `make pages` from the models in `api/`; never edited by hand. The same models make the CustomResourceDefinition, so what stands here is what the
API server checks. `kubectl explain ibgateway.spec --recursive` shows it too. Short names: `kubectl get ibgw`. What the settings are for:
[install](install.md), [how login and Sundays work](logins.md), [the executor](executor.md), [notifications](notifications.md).

"unset": left out it does nothing. "can't be changed": a change is refused; a new IBGateway has the other value.
"""
SPEC_HEAD: Final = "| field | type | default | allowed | meaning |\n|---|---|---|---|---|\n"
STATUS_HEAD: Final = "| field | type | meaning |\n|---|---|---|\n"
PEOPLES: Final = (
    "ANNOTATION_LOGIN_REQUESTED_AT",
    "ANNOTATION_HANDOVER_UNTIL",
    "ANNOTATION_RESUME_REQUESTED_AT",
)
"""Annotations that a person sets; the others are the operator's notes."""


def page() -> str:
    """The whole page."""
    version = crd()["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    spec, status = root["properties"]["spec"], root["properties"]["status"]
    parts = [HEAD, *_spec(spec), _status(status), _columns(), _checks(root), *_names()]
    return "\n".join(parts)


def _spec(spec: Mapping[str, Any]) -> Iterator[str]:
    yield "## The spec\n"
    single = [
        name
        for name, node in spec["properties"].items()
        if "default" not in node or "properties" not in node
    ]
    top = {**spec, "properties": {name: spec["properties"][name] for name in single}}
    yield SPEC_HEAD + _lines(top, "spec")
    for name, node in spec["properties"].items():
        if name not in single:
            yield f"### spec.{name}\n\n{node.get('description', '')}\n"
            yield SPEC_HEAD + _lines(node, f"spec.{name}")


def _lines(node: Mapping[str, Any], path: str) -> str:
    return "".join(
        f"| `{row.path}` | {row.kind} | {cell(row.default)} | {cell(row.allowed)} | {cell(row.meaning)} |\n"
        for row in rows(node, path)
    )


def _status(status: Mapping[str, Any]) -> str:
    lines = "".join(
        f"| `{row.path}` | {row.kind} | {cell(row.meaning)} |\n" for row in rows(status, "status")
    )
    told = "What each condition and reason means, and what to do: [conditions](conditions.md)."
    return f"## The status\n\n{told}\n\n{STATUS_HEAD}{lines}"


def _columns() -> str:
    always = "".join(f"| {name} | `{cell(path)}` | |\n" for name, _, path in COLUMNS)
    wide = "".join(f"| {name} | `{cell(path)}` | `-o wide` |\n" for name, _, path in WIDE_COLUMNS)
    return f"## Columns of kubectl get\n\n| column | shows | with |\n|---|---|---|\n{always}{wide}"


def _checks(root: Mapping[str, Any]) -> str:
    lines = []
    for check in checks(root, ""):
        paths = "<br>".join(f"`{path.lstrip('.') or 'the object'}`" for path in check.paths)
        lines.append(f"| {paths} | `{cell(check.expression)}` | {cell(check.message)} |\n")
    told = "CEL expressions that the API server checks at each write; the message is what you read where one fails."
    return f"## Rules\n\n{told}\n\n| on | rule | message |\n|---|---|---|\n{''.join(lines)}"


def _names() -> Iterator[str]:
    """Annotations, labels, keys and objects, with the words that stand beside them in the code."""
    said = _docstrings(Path(names.__file__))
    notes = [name for name in vars(names) if name.startswith("ANNOTATION_")]
    yield (
        "## Annotations\n\nThree are yours to set on an IBGateway:\n\n| annotation | meaning |\n|---|---|\n"
        + "".join(f"| `{getattr(names, name)}` | {cell(said[name])} |\n" for name in PEOPLES)
    )
    yield "What becomes of them: [a login for yourself](conditions.md#a-login-for-yourself), [asking for an attempt](conditions.md#gatewayloggedin), [the end of a pause](events.md#resume-requested-at).\n"
    yield (
        "The others are notes of the operator on its objects; leave them alone:\n\n| annotation | meaning |\n|---|---|\n"
        + "".join(
            f"| `{getattr(names, name)}` | {cell(said[name])} |\n"
            for name in notes
            if name not in PEOPLES
        )
    )
    yield _objects()
    yield _keys(said)


def _objects() -> str:
    """The objects of a gateway that is called `paper`."""
    mine = names.child_names("paper")
    told = (
        (
            mine.gateway,
            "StatefulSet and Service: IB Gateway's API",
            f"{names.PORT_API}, in both modes",
        ),
        (mine.gateway_pods, "Service without an address: the sentinel", f"{names.PORT_SENTINEL}"),
        (
            mine.executor,
            "Deployment, claim of the ledger, Service while an order would be sent at once",
            f"{names.PORT_EXECUTOR}",
        ),
        (mine.intake, "Service: orders are stored at any time", f"{names.PORT_EXECUTOR}"),
        (mine.novnc, "Deployment and Service: the window in the browser", f"{names.PORT_NOVNC}"),
        (
            mine.gateway_claim,
            "claim: IB Gateway's settings, the week's token, the record of attempts",
            "",
        ),
        (mine.executor_token, "Secret: the clients' token of the executor", ""),
        (mine.agent_token, "Secret: the programs' own token", ""),
        (
            mine.gate_token,
            "Secret: the token that opens the gate's word to programs, and nothing else",
            "",
        ),
        (mine.notifications, "Secret that you make: [where people are told](notifications.md)", ""),
    )
    lines = "".join(f"| `{name}` | {what} | {port} |\n" for name, what, port in told)
    return f"## Objects\n\nOf a gateway that is called `paper`:\n\n| name | what | port |\n|---|---|---|\n{lines}"


def _keys(said: Mapping[str, str]) -> str:
    keys = (
        (names.SECRET_USERNAME, "`spec.credentialsSecretRef`: the user name"),
        (names.SECRET_PASSWORD, "`spec.credentialsSecretRef`: the password"),
        (
            names.SECRET_VNC_PASSWORD,
            "`spec.credentialsSecretRef`: opens the window; eight characters count",
        ),
        (names.SECRET_URLS, f"`spec.notifications.secretRef`: {said['SECRET_URLS']}"),
        (names.SECRET_HEARTBEAT, f"`spec.notifications.secretRef`: {said['SECRET_HEARTBEAT']}"),
    )
    lines = "".join(f"| `{key}` | {cell(what)} |\n" for key, what in keys)
    return f"## Keys of your Secrets\n\n| key | what |\n|---|---|\n{lines}"


def _docstrings(file: Path) -> dict[str, str]:
    """The text below each constant of a module."""
    body = ast.parse(file.read_text()).body
    found = {}
    for this, following in pairwise(body):
        text = following.value if isinstance(following, ast.Expr) else None
        if (
            isinstance(this, ast.AnnAssign)
            and isinstance(this.target, ast.Name)
            and isinstance(text, ast.Constant)
        ):
            found[this.target.id] = str(text.value)
    return found
