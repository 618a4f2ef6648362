"""The page about the TWS API: each row is played and held by what it names, or says why it is not."""

import dataclasses
import re
from pathlib import Path

from ibgateway_simulator.model.faults import Faults

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/tws-api.md").read_text()
SIMULATOR = (ROOT / "docs/simulator.md").read_text()
TESTS = "\n".join(file.read_text() for file in sorted((ROOT / "tests").rglob("test_*.py")))
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| what a gateway does")
]


def test_every_row_is_played_and_held_or_says_why_not() -> None:
    assert len(ROWS) > 50
    assert [row for row in ROWS if len(row) != 3] == []
    silent = [what for what, played, _ in ROWS if not played]
    unheld = [what for what, played, held in ROWS if not held and "not played: " not in played]
    assert (silent, unheld) == ([], [])


def test_every_test_it_names_is_there() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert [name for name in named if not re.search(rf"def {name}\(", TESTS)] == []


def test_every_fault_and_route_it_names_is_there() -> None:
    known = {field.name for field in dataclasses.fields(Faults)}
    played = " ".join(row[1] for row in ROWS if "not played" not in row[1])
    names = set(re.findall(r"`([a-z]\w*)`", played)) - {"silently", "rejected", "late"}
    assert names <= known
    routes = re.findall(r"`(/v1/[\w/-]+)`", PAGE)
    assert [route for route in routes if route not in SIMULATOR] == []


def test_every_fault_of_the_broker_is_on_it() -> None:
    known = [field.name for field in dataclasses.fields(Faults)]
    assert [name for name in known if f"`{name}`" not in PAGE] == ["hold_fills", "fill_delay"]
