"""docs/tested.md and every other page: a test that is named is there, and a limit in seconds stands in it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ibgateway_site.promises import GROUPS, Promise
from ibgateway_site.tested import measured

ROOT = Path(__file__).parents[3]
PROMISES = [promise for group in GROUPS for promise in group.promises]
PAGES = sorted(
    page for place in ("*.md", "docs/*.md", "docs/runbooks/*.md") for page in ROOT.glob(place)
)


@cache
def source(test: str) -> str:
    """The text of FILE::NAME, or of the whole file; empty where it is not there."""
    path, _, name = test.partition("::")
    if not (ROOT / path).is_file():
        return ""
    text = (ROOT / path).read_text()
    if not name:
        return text
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    return ""


def named(text: str) -> Iterator[str]:
    yield from re.findall(r"\b(tests/[\w/]+\.py::test_\w+)", text)


def test_what_a_test_is() -> None:
    assert "def test_ten_years" in source(
        "tests/wiring/test_ten_years_of_sundays.py::test_ten_years_of_sundays"
    )
    assert source("tests/wiring/test_ten_years_of_sundays.py::test_nine_years") == ""
    assert source("tests/wiring/test_gone.py") == ""
    assert list(named("`tests/a/b.py::test_c`, tests/d.py")) == ["tests/a/b.py::test_c"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    assert [test for test in named(page.read_text()) if not source(test)] == []


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.what)
def test_every_promise_is_held_by_tests_that_are_there(promise: Promise) -> None:
    assert promise.tests
    assert [test for test in promise.tests if not source(f"tests/{test}")] == []


@pytest.mark.parametrize("promise", [p for p in PROMISES if p.seconds], ids=lambda p: p.what)
def test_a_limit_in_seconds_stands_in_its_test(promise: Promise) -> None:
    text = "\n".join(source(f"tests/{test}") for test in promise.tests)
    assert re.search(rf"seconds={promise.seconds}\b", text)


@pytest.mark.parametrize("promise", [p for p in PROMISES if p.figure], ids=lambda p: p.what)
def test_a_figure_has_a_limit_and_was_measured(promise: Promise) -> None:
    assert promise.figure
    assert promise.seconds is None, "the figure's aim is the limit"
    _, figure = measured(*promise.figure)
    assert figure.aim is not None
