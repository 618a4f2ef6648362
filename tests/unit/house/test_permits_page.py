"""docs/permits.md: every way a login begins is there, and each is counted at the simulated IBKR by a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "permits.md").read_text()
PATHS = "tests/wiring/test_permit_paths.py"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| What", "|---"))
]
WAYS = (
    *("First start", "The container exits", "Out of memory", "Liveness", "Eviction", "Drain", "Reboot"),
    *("Operator restart", "Two operators", "Spec edit", "Image change", "IBC's own", "Lost volume"),
    *("Full volume", "Clock step", "Request annotation", "By hand in noVNC"),
)  # fmt: skip
"""Those that the project set out to count."""
COUNTS = ("logins(", "pushes(", "logins.attempts", "logins.sessions")
"""How a test reads what IBKR saw; never what the sentinel says."""


def named(cell: str) -> list[tuple[str, str]]:
    """The tests of a row, as file and function."""
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cell)


def source(file: str, function: str) -> str:
    """The text of a test; empty where there is none."""
    text = (ROOT / file).read_text()
    functions = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
    ]
    return ast.get_source_segment(text, functions[0]) or "" if functions else ""


@pytest.mark.parametrize("way", WAYS)
def test_every_way_has_a_row(way: str) -> None:
    assert any(row[0].startswith(way) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_says_what_ibkr_sees_and_which_test_counts_it(row: list[str]) -> None:
    assert len(row) == 4
    assert all(row)
    tests = named(row[3])
    assert tests
    assert re.sub(r"`[^`]*`|, ", "", row[3]) == "", "only tests, by file and name"
    for file, function in tests:
        text = source(file, function)
        assert text, f"{file} has no {function}"
        assert any(count in text for count in COUNTS), f"{function} does not ask IBKR"


def test_every_test_of_a_way_has_its_row() -> None:
    functions = set(re.findall(r"^async def (test_\w+)", (ROOT / PATHS).read_text(), re.MULTILINE))
    on_the_page = {function for row in ROWS for file, function in named(row[3]) if file == PATHS}
    assert functions == on_the_page
