"""The page of performance: what it says of a figure, what a chart holds, and that it is what is kept."""

import re
from pathlib import Path

import pytest

from bench_page.measured import FOLDER, Chart, Figure, Measured, machine
from bench_page.page import PAGE, amount, drawn, row, write

CHART = Chart(
    name="cold-start",
    title="Cold start",
    x_title="gateways",
    unit="s",
    x=(50, 200),
    curves={"operator": (10, 41.5), "bare loop": (8, None)},
)
MEASURED = Measured(
    title="The operator",
    command="make bench",
    method="Pods by a pretended kubelet.",
    figures=(Figure(what="cold start / bare loop", value=1.25, aim=1.3, beside="8 s"),),
    charts=(CHART,),
    text="The rest is the API server's.",
    date="2026-11-29",
    commit="abc1234",
    machine="2 cores",
)


@pytest.mark.parametrize(
    ("figure", "cells"),
    [
        (Figure(what="a", value=1.25, aim=1.3), "| 1.25 | ≤ 1.30 | yes |"),
        (Figure(what="a", value=1.31, aim=1.3), "| 1.31 | ≤ 1.30 | **no** |"),
        (Figure(what="a", value=0.5, aim=0.3, at_least=True), "| 0.50 | ≥ 0.30 | yes |"),
        (Figure(what="a", value=0.2, aim=0.3, at_least=True), "| 0.20 | ≥ 0.30 | **no** |"),
        (Figure(what="a", value=3, unit="s"), "| 3 s |  |  |"),
        (Figure(what="a", value=None, aim=15, unit="s"), "| not measured | ≤ 15 s | **no** |"),
    ],
)
def test_a_row_says_whether_its_aim_is_met(figure: Figure, cells: str) -> None:
    assert cells in row(figure)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (0.084, "0.08 s"), (12.34, "12.3 s"), (41234.4, "41,234 s"), (40, "40 s")],
)
def test_an_amount_has_the_digits_it_needs(value: float, text: str) -> None:
    assert amount(value, "s") == text


def test_a_chart_draws_each_measured_point_and_nothing_that_runs_or_is_fetched() -> None:
    svg = drawn(CHART).decode()
    assert svg.count("<circle") == 3
    assert "Cold start, s" in svg
    assert "<script" not in svg
    assert "<!--" not in svg
    assert set(re.findall(r"\w+://[^\"' ]+", svg)) <= {"http://www.w3.org/2000/svg"}


def test_a_chart_is_drawn_the_same_each_time() -> None:
    assert drawn(CHART) == drawn(CHART)


def test_the_page_has_what_is_kept_and_no_chart_that_is_not(tmp_path: Path) -> None:
    folder, page = tmp_path / "performance", tmp_path / "performance.md"
    folder.mkdir()
    (folder / "operator.json").write_text(MEASURED.model_dump_json())
    (folder / "stale.svg").write_text("<svg/>")
    write(folder, page)
    text = page.read_text()
    for words in (
        "## The operator\n",
        "`make bench` on 2026-11-29 at abc1234, 2 cores. Pods by a pretended kubelet.",
        "| cold start / bare loop | 1.25 | ≤ 1.30 | yes | 8 s |",
        "![Cold start](performance/cold-start.svg)",
        "The rest is the API server's.",
    ):
        assert words in text
    assert [file.name for file in folder.glob("*.svg")] == ["cold-start.svg"]


def test_the_committed_page_is_the_one_that_is_written(tmp_path: Path) -> None:
    folder, page = tmp_path / "performance", tmp_path / "performance.md"
    folder.mkdir()
    for file in FOLDER.glob("*.json"):
        (folder / file.name).write_text(file.read_text())
    write(folder, page)
    assert page.read_text() == PAGE.read_text()
    assert {f.name: f.read_bytes() for f in folder.glob("*.svg")} == {
        f.name: f.read_bytes() for f in FOLDER.glob("*.svg")
    }


def test_the_machine_is_told_without_its_name_or_a_path() -> None:
    told = machine()
    assert re.match(r"\d+ cores of .+, \d+ GiB, Linux [\d.]+, Python [\d.]+$", told)
    assert "/" not in told
