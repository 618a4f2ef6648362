"""The chart's alerts as they stand in its file, and Prometheus' own tool that checks and runs them."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from ibgateway_charts.generated import OPERATOR_CHART

ALERTS: Final = OPERATOR_CHART / "files" / "alerts.yaml"
DASHBOARD: Final = OPERATOR_CHART / "files" / "dashboard.json"

Rule = dict[str, Any]

_SERIES: Final = re.compile(r"\b(?:ibgateway|process)_[a-z_]+\b")


@cache
def groups() -> list[dict[str, Any]]:
    """The groups of rules; not to be changed."""
    found: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"]
    return found


def alerts() -> dict[str, Rule]:
    """Every alert by its name."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"]}


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels that ask for something, in their order."""
    read = json.loads(DASHBOARD.read_text())
    return [panel for panel in read["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    """Everything that the dashboard asks, its variables as one choice."""
    read = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    known = [v["definition"] for v in read["templating"]["list"] if v["type"] == "query"]
    asked += [re.sub(r"label_values\((.*), \w+\)", r"\1", definition) for definition in known]
    return [
        query.replace("$__rate_interval", "5m").replace("$namespace", "a").replace("$gateway", "b")
        for query in asked
    ]


def series_in(expression: str) -> frozenset[str]:
    """The names of series that an expression asks for."""
    return frozenset(_SERIES.findall(expression))


@dataclass(frozen=True)
class Promtool:
    """The program; `make packages` provides it."""

    program: str

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """`promtool ARGUMENTS`, whatever comes of it."""
        return subprocess.run(
            [self.program, *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def promtool() -> Promtool:
    """The one on PATH. Raises LookupError with what to do."""
    found = shutil.which("promtool")
    if found is None:
        raise LookupError("promtool is missing: run `make packages`, which provides it")
    return Promtool(found)


def write(path: Path, document: object) -> Path:
    """A YAML file."""
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path
