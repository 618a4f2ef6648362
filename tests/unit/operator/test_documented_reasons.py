"""Every condition and every reason is documented, and each is given by something."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from ibgateway_api.conditions import ConditionType
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.reasons import ConditionReason, EventReason

ROOT = Path(__file__).parents[3]
PROGRAMS = [
    file
    for room in (
        "api/ibgateway_api/gate.py",
        "api/ibgateway_api/reports.py",
        "operator",
        "gateway",
        "executor",
    )
    for file in ([ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py")))
]
DOCS = Path(__file__).parents[3] / "docs" / "conditions.md"


def documented() -> set[str]:
    rows = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    return set(rows) - {str(kind) for kind in ConditionType}


def reasons() -> set[str]:
    return {str(reason) for reason in (*LoginState, *GateReason, *ConditionReason)}


def test_every_reason_is_documented_and_nothing_else() -> None:
    assert documented() == reasons()


def test_every_reason_of_an_event_is_documented() -> None:
    events = DOCS.read_text().partition("## Events")[2]
    assert [reason for reason in EventReason if f"`{reason}`" not in events] == []


@pytest.mark.parametrize("reason", [*GateReason, *ConditionReason, *EventReason], ids=repr)
def test_no_reason_is_there_that_nothing_gives(reason: StrEnum) -> None:
    name = f"{type(reason).__name__}.{reason.name}"
    sources = "".join(file.read_text() for file in PROGRAMS)
    assert name in sources


def test_every_condition_is_documented() -> None:
    text = DOCS.read_text()
    for kind in ConditionType:
        assert f"| `{kind}` |" in text
