"""The dashboard's picture: made of what the dashboard asks now, with data for each of its panels."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from dashboard_picture.__main__ import IMAGES, pictures
from dashboard_picture.charts import spans, stretches
from dashboard_picture.panels import Panel, Target, panels
from dashboard_picture.recording import Curve, Happening, Recording, load
from dashboard_picture.units import ticks, told

RECORDED: Final = load()
ASKING: Final = [panel for panel in panels() if panel.targets]
NOTHING_TO_SHOW: Final[set[str]] = set()
"""Titles of panels for which nothing has happened in the recording."""


def curves(panel: Panel) -> list[Curve]:
    return [
        curve
        for target in panel.targets
        for curve in RECORDED.answers.get(target.expression, [])
        if curve.last() is not None
    ]


def of(title: str) -> list[Curve]:
    [found] = [curves(panel) for panel in ASKING if panel.title == title]
    return found


def test_what_was_recorded_is_what_the_dashboard_asks() -> None:
    asked = {target.expression for panel in ASKING for target in panel.targets}
    assert set(RECORDED.answers) == asked, "the dashboard has changed: run `make recordings`"


def test_each_panel_has_data() -> None:
    assert {panel.title for panel in ASKING if not curves(panel)} == NOTHING_TO_SHOW


@pytest.mark.parametrize("name", ["dashboard", "dashboard-all"])
def test_the_picture_is_drawn_of_what_was_recorded_and_fetches_nothing(name: str) -> None:
    svg = (IMAGES / f"{name}.svg").read_text()
    assert pictures()[name] == svg, "run `make pictures`"
    assert re.findall(r"(?:href|src|url|@import)\W", svg) == []
    assert len(svg) < 400_000


def test_what_was_done_is_in_the_figures() -> None:
    """Two pushes, three ways in, a link that was lost and a session that was taken."""
    assert round(highest(of("Pushes")[0])) == 2
    assert {curve.labels["cause"] for curve in of("Restarts")} == {"Start", "Token", "Requested"}
    assert all(highest(curve) >= 1 for curve in [*of("Restarts"), *of("Losses")])
    assert 0 < highest(of("Drift at the end")[0]) < 0.01


def highest(curve: Curve) -> float:
    return max(value or 0 for value in curve.values)


def test_nothing_secret_is_in_it() -> None:
    text = (Path(IMAGES) / "dashboard-all.svg").read_text()
    assert re.findall(r"\bDU?\d{6,}|\b\d+\.\d+\.\d+\.\d+\b", text) == []


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.25, "s", "250 ms"),
        (0, "s", "0 s"),
        (180, "s", "3 min"),
        (0.125, "percentunit", "12.5%"),
        (68_157_440, "bytes", "65 MiB"),
        (0.4, "ops", "0.4/s"),
        (1_796_230_800_000, "dateTimeAsLocal", "Dec 02 17:00"),
        (1234, "short", "1234"),
    ],
)
def test_a_number_has_its_unit(value: float, unit: str, words: str) -> None:
    assert told(value, unit) == words


def test_marks_are_round_and_cover_everything() -> None:
    assert ticks(0, 1) == [0, 0.25, 0.5, 0.75, 1]
    assert ticks(0, 0) == [0, 0.25]
    assert ticks(-3, 7) == [-5, -2.5, 0, 2.5, 5, 7.5]


def test_a_gap_ends_a_line_and_a_level_has_two_points() -> None:
    curve = Curve({}, [1, 1, 1, 2, None, None, 3])
    assert stretches(curve) == [[(0, 1), (2, 1), (3, 2)], [(6, 3)]]
    assert spans(curve) == [(0, 2, 1), (3, 3, 2), (6, 6, 3)]


def test_a_query_is_asked_as_grafana_fills_it_in() -> None:
    target = Target('rate(a{namespace=~"$namespace"}[$__rate_interval])', "{{gateway}} {{reason}}")
    assert target.asked(5) == 'rate(a{namespace=~".*"}[20s])'
    assert target.name({"gateway": "paper"}) == "paper"


def test_a_recording_is_read_as_it_was_saved(tmp_path: Path) -> None:
    began = datetime.fromisoformat("2026-11-30T12:00:00Z").timestamp()
    made = Recording(
        *("2.42.0", began, 5, 2, [Happening(1.0, "a push")]),
        answers={"up": [Curve({"pod": "a"}, [1, None]), Curve({}, [])], "down": []},
    )
    made.save(tmp_path / "saved.json")
    assert load(tmp_path / "saved.json") == made
