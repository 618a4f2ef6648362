"""docs/events.md: every Event has its line, its type as it is recorded, and what to do."""

import re
from pathlib import Path

import pytest

from ibgateway_api import names
from ibgateway_api.reasons import EventReason

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/events.md").read_text()
ROWS = {
    row[0]: row[1:]
    for row in re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
}
OPERATOR = "".join(
    file.read_text() for file in sorted((ROOT / "operator/ibgateway_operator").rglob("*.py"))
)


def test_every_event_has_its_line_and_nothing_else() -> None:
    assert set(ROWS) == set(EventReason)
    assert all(all(cells) for cells in ROWS.values())


@pytest.mark.parametrize("reason", EventReason)
def test_the_type_is_the_one_it_is_recorded_with(reason: EventReason) -> None:
    made = re.findall(
        rf"PendingEvent\(\s*EventReason\.{reason.name}\b(.*?\))\n", OPERATOR, re.DOTALL
    )
    types = {
        "Warning" if "EventType.WARNING" in call.partition("PendingEvent")[0] else "Normal"
        for call in made
        if ", kind," not in call
    }
    assert not types or types == {ROWS[reason][0]}


def test_both_annotations_of_people_have_a_part() -> None:
    for annotation in (names.ANNOTATION_LOGIN_REQUESTED_AT, names.ANNOTATION_HANDOVER_UNTIL):
        assert f"### {annotation.partition('/')[2]}\n" in PAGE
