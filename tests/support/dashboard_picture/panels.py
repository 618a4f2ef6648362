"""The dashboard as it stands in the chart: its panels, and what each of them asks."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from ibgateway_alerts import DASHBOARD

ALL: Final = ".*"
"""Both variables of the dashboard, as its `All` has them."""


@dataclass(frozen=True)
class Target:
    """One query of a panel, and how each of its series is called."""

    expression: str
    legend: str

    def asked(self, scrape_seconds: int) -> str:
        """The query as Grafana would send it: four scrapes are the least that a rate is taken over."""
        filled = self.expression.replace("$namespace", ALL).replace("$gateway", ALL)
        return filled.replace("$__rate_interval", f"{4 * scrape_seconds}s")

    def name(self, labels: dict[str, str]) -> str:
        """A series' name in the legend."""
        named = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), self.legend)
        return named.strip()


@dataclass(frozen=True)
class Panel:
    """One panel; its place in the dashboard's units."""

    id: int
    kind: str
    title: str
    description: str
    unit: str
    place: tuple[int, int, int, int]
    """x, y, width and height."""
    targets: tuple[Target, ...]


def panels() -> list[Panel]:
    """Every panel, rows too, from top to bottom."""
    read = json.loads(DASHBOARD.read_text())["panels"]
    return sorted((_panel(one) for one in read), key=lambda panel: (panel.place[1], panel.place[0]))


def _panel(read: dict[str, Any]) -> Panel:
    at = read["gridPos"]
    return Panel(
        id=read["id"],
        kind=read["type"],
        title=read["title"],
        description=read.get("description", ""),
        unit=read.get("fieldConfig", {}).get("defaults", {}).get("unit", "short"),
        place=(at["x"], at["y"], at["w"], at["h"]),
        targets=tuple(
            Target(one["expr"], one.get("legendFormat", "")) for one in read.get("targets", [])
        ),
    )
