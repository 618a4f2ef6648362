"""Which restart nobody has planned: its time was past when the spec named it first."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.week import Calendar, RestartStep, restart_step
from ibgateway_operator.decide.gate import judge, week_of
from ibgateway_operator.decide.restart_times import restart_time
from ibgateway_operator.decide.stops import PlannedStop, planned_stop, restart_overdue
from operator_fakes import assessment, report, snapshot, status_from

NINE = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
"""09:00 New York on a Sunday."""
BOUNDARY = "2026-11-22T06:00:00Z"


def accepted(at: str, zone: str = "America/New_York") -> dict[str, Any]:
    """The status of an operator that last saw this time."""
    restart = {"restartAt": at, "timeZone": zone}
    spec = {"credentialsSecretRef": {"name": "ib-credentials"}, "weeklyRestart": restart}
    return {"acceptedSpec": json.dumps(spec)}


def noted(at: str) -> dict[str, Any]:
    """The status of an operator that saw 09:00, and that `at` was past then."""
    return {**accepted("09:00"), "window": {"passed": at}}


@pytest.mark.parametrize(
    ("status", "minutes", "passed"),
    [
        pytest.param({}, 5, False, id="nothing is known of an earlier time"),
        pytest.param(accepted("09:00"), 5, False, id="never edited, a little late"),
        pytest.param(accepted("15:00", "Europe/Berlin"), 5, False, id="the same in other words"),
        pytest.param(accepted("12:00"), -1, False, id="edited to a time that is ahead"),
        pytest.param(accepted("12:00"), 0, True, id="brought forward to this moment"),
        pytest.param(accepted("12:00"), 5, True, id="brought forward into the past"),
        pytest.param(accepted("12:00"), 100, True, id="brought forward, long past"),
        pytest.param(accepted("12:00"), 181, False, id="seen once both are past and late"),
        pytest.param(accepted("08:00"), 5, True, id="moved from one past time to one that is due"),
        pytest.param(accepted("08:00"), 16, False, id="moved from one past time to another"),
        pytest.param(noted("2026-11-22T14:00:00Z"), 5, True, id="noted before"),
        pytest.param(noted("2026-11-22T14:00:00Z"), 2000, True, id="noted before, on Monday"),
        pytest.param(noted("2026-11-22T12:00:00Z"), 200, True, id="another one was noted before"),
        pytest.param(noted("2026-11-22T12:00:00Z"), -1, False, id="noted, then planned after all"),
        pytest.param(noted("2026-11-15T14:00:00Z"), 5, False, id="noted in another week"),
    ],
)
def test_a_moment_that_was_past_when_it_was_chosen(
    status: dict[str, Any], minutes: int, passed: bool
) -> None:
    seen = snapshot(status=status, now=NINE + timedelta(minutes=minutes))
    assert restart_time(seen, Calendar()).passed == (NINE if passed else None)
    assert week_of(seen, Calendar()).asks is passed


def test_nothing_is_past_in_a_week_that_has_its_login() -> None:
    said = report(full_auth_time=NINE - timedelta(hours=1))
    seen = snapshot(status=noted("2026-11-22T14:00:00Z"), heard=said, now=NINE)
    assert restart_time(seen, Calendar()).passed is None


def test_a_restart_that_has_begun_goes_on_where_its_time_is_moved_a_little() -> None:
    seen = snapshot(
        status=accepted("08:58"),
        heard=report(taken_restart=BOUNDARY),
        now=NINE + timedelta(minutes=1),
    )
    assert restart_time(seen, Calendar()).passed is None


def test_an_edit_into_the_past_asks_where_a_late_operator_restarts() -> None:
    now = NINE + timedelta(minutes=5)
    edited = snapshot(status=accepted("12:00"), now=now)
    late = snapshot(status=accepted("09:00"), now=now)
    for seen, stop, overdue in ((edited, None, True), (late, PlannedStop.RESTART, False)):
        week = week_of(seen, Calendar())
        assert planned_stop(seen, week, Calendar()) is stop
        assert restart_overdue(seen, week, Calendar()) is overdue


def test_the_next_look_knows_it_from_the_status_and_says_when_it_goes_by_itself() -> None:
    seen = snapshot(status=accepted("12:00"), now=NINE + timedelta(minutes=5))
    status = status_from(assessment(seen, overdue=True))
    assert status.window.passed == NINE
    assert status.window.restart == NINE + timedelta(weeks=1)
    said = next(c for c in status.conditions if c.type == "OutsideRestartWindow")
    assert (
        "names 2026-11-22T14:00:00Z for this week, which was past when it was set" in said.message
    )
    assert "ibgateway.dev/login-requested-at" in said.message
    assert said.message.endswith("it goes by itself at 2026-11-29T14:00:00Z")
    again = snapshot(status=status.model_dump(mode="json", by_alias=True), now=NINE)
    week = judge(again, Calendar()).week
    assert restart_step(week, Calendar(), NINE) is RestartStep.ASK
