"""The word for programs, and how documents of two versions read each other."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from ibgateway_api.gate import GateReason
from ibgateway_api.gate_documents import (
    DRAIN_LIMIT_SECONDS,
    MOST_PROGRAMS,
    DrainAnswer,
    DrainReason,
    GateDrain,
    GateReport,
    GateStop,
    StopReason,
)
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import SentinelSettings

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def test_every_field_is_there_in_an_open_gate_too() -> None:
    told = GateReport(
        boot="b", sequence=7, at=NOW, open=True, reason="GateOpen", message="", since=NOW
    )
    assert json.loads(told.to_json()) == {
        "boot": "b",
        "sequence": 7,
        "at": "2026-11-25T15:00:00Z",
        "open": True,
        "reason": "GateOpen",
        "message": "",
        "since": "2026-11-25T15:00:00Z",
        "until": None,
        "nextStop": None,
        "drain": None,
    }


def test_a_drain_and_a_stop_are_told_in_camel_case() -> None:
    drain = GateDrain(
        id="d1",
        reason="Suspend",
        since=NOW,
        until=NOW + timedelta(seconds=120),
        waiting_for=("strategy-a",),
    )
    told = GateReport(
        boot="b",
        sequence=8,
        at=NOW,
        open=False,
        reason="PlannedStop",
        message="",
        since=NOW,
        next_stop=GateStop(at=NOW, reason="NightlyRestart"),
        drain=drain,
    )
    written = json.loads(told.to_json())
    assert written["drain"]["waitingFor"] == ["strategy-a"]
    assert written["nextStop"] == {"at": "2026-11-25T15:00:00Z", "reason": "NightlyRestart"}
    assert GateReport.model_validate_json(told.to_json()) == told


def test_a_word_of_another_version_is_read_for_what_it_says() -> None:
    newer = """{"boot": "b", "sequence": 1, "at": "2026-11-25T15:00:00Z", "open": false, "reason": "SomethingNew",
        "message": "", "since": "2026-11-25T15:00:00Z", "added": {"more": 1},
        "drain": {"id": "d", "reason": "SomethingNew", "since": "2026-11-25T15:00:00Z",
                  "until": "2026-11-25T15:00:00Z", "added": true}}"""
    told = GateReport.model_validate_json(newer)
    assert not told.open
    assert told.drain is not None
    assert told.drain.waiting_for == ()


def test_a_word_without_open_is_none() -> None:
    with pytest.raises(ValidationError):
        GateReport.model_validate_json('{"boot": "b", "sequence": 1, "reason": "GateOpen"}')


@pytest.mark.parametrize("program", ["", "A", "a b", "a" * 64, "a/b", "ä", "a\n"])
def test_a_program_has_a_name_that_may_stand_in_a_log(program: str) -> None:
    with pytest.raises(ValidationError):
        DrainAnswer(program=program, drain="d1")
    assert DrainAnswer(program="paper-executor-6b7f9.x", drain="d1").program


def test_settings_of_an_older_operator_hold_nothing_and_a_hold_of_a_newer_one_holds() -> None:
    assert SentinelSettings.model_validate_json("{}").holds == ()
    newer = '{"holds": [{"reason": "SomethingNew", "added": 1}], "added": 1}'
    (hold,) = SentinelSettings.model_validate_json(newer).holds
    assert hold.reason is GateReason.HELD


def test_the_page_names_every_field_every_stop_and_every_limit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "gate-api.md").read_text()
    told = [
        *(field.alias for field in GateReport.model_fields.values()),
        *(field.alias for field in GateDrain.model_fields.values()),
        *(stop.value for stop in StopReason),
    ]
    assert [name for name in told if f'"{name}"' not in page and f"`{name}`" not in page] == []
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| `")}
    assert {f"`{reason}`" for reason in DrainReason} <= rows
    assert f"{DRAIN_LIMIT_SECONDS} s" in page
    assert f"names are kept for {MOST_PROGRAMS} at once" in page


def test_a_report_of_an_older_sentinel_asks_for_no_drain() -> None:
    older = """{"boot": "b", "sequence": 1, "at": "2026-11-25T15:00:00Z", "state": "LoggedIn",
        "since": "2026-11-25T15:00:00Z"}"""
    assert SentinelReport.model_validate_json(older).drain is None
