"""What the pages name is there: annotations, variables, settings, commands of make, metrics, files, faults, reasons."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ibgateway_api import names
from ibgateway_api.notifications import SEVERITY
from ibgateway_executor.orders.order import OrderReason, OrderState
from ibgateway_simulator.model.faults import Faults
from ibgateway_simulator.model.users import LoginRules

ROOT = Path(__file__).parents[3]
USER_PAGES = [
    "README.md",
    "SECURITY.md",
    *(
        f"docs/{page}.md"
        for page in (
            *("backup", "conditions", "events", "executor", "failure-modes", "faq", "going-live"),
            *("install", "logins", "migration", "notifications", "your-own-program", "quickstart"),
            *("reference", "security"),
        )
    ),
    "docs/runbooks/login.md",
    "docs/runbooks/programs.md",
    "docs/runbooks/trading.md",
]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in (
        "*.md",
        "docs/*.md",
        "docs/runbooks/*.md",
        "charts/*/README.md",
        "tests/*/README.md",
    )
    for page in ROOT.glob(pattern)
    if page.name != "CHANGELOG.md"
)
ROOMS = ("api", "runtime", "operator", "gateway", "executor", "client", "cli", "simulator")
SOURCES = "\n".join(
    file.read_text()
    for room in ROOMS
    for file in sorted((ROOT / room).rglob("*"))
    if file.suffix in {".py", ".sh"} and "node_modules" not in file.parts
)
NAMED = frozenset(re.findall(r"\b[A-Z][A-Z0-9_]*\b", SOURCES))
"""Names in capitals, as those of variables."""
CRD = yaml.safe_load((ROOT / "crds/ibgateway.dev_ibgateways.yaml").read_text())
RESOURCE = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
MAKEFILE = (ROOT / "Makefile").read_text()
SIMULATOR = (ROOT / "docs/simulator.md").read_text()
EXECUTOR = (ROOT / "docs/executor.md").read_text()
NOTIFICATIONS = (ROOT / "docs/notifications.md").read_text()

_CODE = re.compile(r"```.*?^```|`[^`\n]+`|^    .*$", re.MULTILINE | re.DOTALL)
_TOPS = "|".join(RESOURCE["properties"]["spec"]["properties"])
_FIELD = re.compile(rf"(?<![\w./-])((?:spec|status|{_TOPS})\.[a-z]\w*(?:\.[a-z]\w*)*)(?![\w/(-])")


def code(page: str) -> list[str]:
    """What stands as code on the page, fenced, indented or in a line."""
    return [found.strip("`") for found in _CODE.findall((ROOT / page).read_text())]


def fields(page: str) -> Iterator[str]:
    """Dotted paths of the resource's fields, from spec or status on."""
    for text in code(page):
        for path in _FIELD.findall(text):
            if path.endswith((".lock", ".md", ".py", ".db", ".yaml")):
                continue
            yield path if path.startswith(("spec.", "status.")) else f"spec.{path}"


def leads_somewhere(path: str, node: Mapping[str, Any] = RESOURCE) -> bool:
    """Whether the resource has a field there; below a map of free keys everything is one."""
    for part in path.split("."):
        if "additionalProperties" in node:
            return True
        if part not in node.get("properties", {}):
            return False
        node = node["properties"][part]
    return True


def test_what_a_field_is() -> None:
    assert leads_somewhere("spec.gateway.resources.requests.memory")
    assert leads_somewhere("status.login.state")
    assert not leads_somewhere("spec.gateway.readonlyApi")
    assert [f for f in fields("docs/conditions.md") if f == "spec.gateway.autoRestartTime"]


@pytest.mark.parametrize("page", USER_PAGES)
def test_every_setting_is_a_field_of_the_resource(page: str) -> None:
    assert [path for path in fields(page) if not leads_somewhere(path)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_the_group_is_one_of_ours(page: str) -> None:
    known = {value for key, value in vars(names).items() if key.isupper()}
    found = re.findall(rf"{re.escape(names.GROUP)}/[a-z0-9-]*[a-z0-9]", (ROOT / page).read_text())
    assert set(found) <= known


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_is_read_by_a_program(page: str) -> None:
    prefixes = "CONSOLE|SENTINEL|EXECUTOR|OPERATOR|SIMULATOR|WATCH"
    found = re.findall(rf"\b(?:{prefixes})_[A-Z][A-Z_]*[A-Z]\b", "\n".join(code(page)))
    assert sorted({name for name in found if name not in NAMED}) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_is_there(page: str) -> None:
    found = re.findall(
        r"(?:^|\$\()make (?:-s )?([a-z][a-z-]*)", "\n".join(code(page)), re.MULTILINE
    )
    assert [name for name in found if not re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_tests_is_there(page: str) -> None:
    found = re.findall(r"\btests/[\w/]+\.(?:py|sh|yaml|txt)\b", (ROOT / page).read_text())
    assert [path for path in found if not (ROOT / path).is_file()] == []


def test_every_state_and_reason_of_an_order_is_documented_and_nothing_else() -> None:
    assert [
        state for state in OrderState if f"**{state}" not in EXECUTOR.replace(", ", "**, **")
    ] == []
    assert [reason for reason in OrderReason if reason and f"`{reason}`" not in EXECUTOR] == []
    rows = re.findall(r"^\| (`[A-Z][a-z]\w+`(?:, `\w+`)*) \|", EXECUTOR, re.MULTILINE)
    named = {reason for row in rows for reason in re.findall(r"\w+", row)}
    assert named <= set(OrderReason)


def test_every_message_is_documented_with_its_severity_and_program_and_nothing_else() -> None:
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \| (\w+) \|.*\| (\w+) \|$", NOTIFICATIONS, re.MULTILINE
    )
    documented = {name: row[1] for row in rows for name in re.findall(r"\w+", row[0])}
    assert documented == {str(topic): str(severity) for topic, severity in SEVERITY.items()}
    assert {row[2] for row in rows} == {"sentinel", "operator"}


@pytest.mark.parametrize("model", [Faults, LoginRules])
def test_every_fault_and_rule_of_the_simulator_is_documented(model: type) -> None:
    known = [field.name for field in dataclasses.fields(model)]
    assert [name for name in known if not re.search(rf"`{name}\b", SIMULATOR)] == []
