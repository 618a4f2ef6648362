"""How the sentinel's subjects stand, beside the login."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.notifications.readings import ReadingInput, readings
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import (
    SENTINEL_SUBJECTS,
    Concern,
    Fine,
    Reading,
    Subject,
)
from ibgateway_api.reports import HoldReport, PermitReport, SentinelReport
from ibgateway_api.settings import NotificationSettings, SentinelSettings
from ibgateway_api.week import NEW_YORK, RestartTime

LOGIN = datetime(2026, 11, 15, 14, 3, tzinfo=UTC)
"""Sunday 09:03 New York."""
RESTART = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
"""The next Sunday, 09:00 New York."""


def view(now: datetime, *, reminder: int = 3600, full: datetime | None = LOGIN) -> ReadingInput:
    report = SentinelReport(
        boot="b", sequence=1, at=now, state=LoginState.LOGGED_IN, since=LOGIN, full_auth_time=full
    )
    told = NotificationSettings(namespace="trading", gateway="paper", reminder_seconds=reminder)
    return ReadingInput(report, SentinelSettings(notifications=told), told, now, timedelta(0))


def topic(reading: Reading) -> str:
    return str(reading.topic) if isinstance(reading, Concern) else ""


def test_the_sentinel_reads_its_own_subjects_and_no_other() -> None:
    assert readings(view(LOGIN)).keys() == SENTINEL_SUBJECTS


@pytest.mark.parametrize(
    ("now", "reminder", "expected"),
    [
        (RESTART - timedelta(minutes=61), 3600, ""),
        (RESTART - timedelta(minutes=60), 3600, "RestartComing"),
        (RESTART - timedelta(seconds=1), 3600, "RestartComing"),
        (RESTART, 3600, ""),
        (RESTART + timedelta(minutes=14), 3600, ""),
        (RESTART + timedelta(minutes=15), 3600, "RestartOverdue"),
        (RESTART - timedelta(hours=20), 20 * 3600, "RestartComing"),
        (RESTART - timedelta(minutes=1), 0, ""),
    ],
)
def test_the_restart_is_announced_and_a_missed_one_is_told(
    now: datetime, reminder: int, expected: str
) -> None:
    assert topic(readings(view(now, reminder=reminder))[Subject.RESTART]) == expected


def test_a_missed_one_says_when_a_push_may_come_all_the_same() -> None:
    """The nightly restart meets the dead token, and what starts then is permitted by the budget."""
    said = readings(view(RESTART + timedelta(minutes=15)))[Subject.RESTART]
    assert isinstance(said, Concern)
    assert "nothing pushes by itself before the gateway's own nightly restart" in said.text


def test_the_announcement_says_when_on_the_persons_clock() -> None:
    said = readings(view(RESTART - timedelta(minutes=30)))[Subject.RESTART]
    assert isinstance(said, Concern)
    assert said.title == "Weekly restart on Sunday 09:00:00 (America/New_York)"
    assert "press Approve within 180 seconds" in said.text
    assert said.expires == RESTART


@pytest.mark.parametrize(
    ("state", "refusal", "told"),
    [
        (LoginState.LOGGED_IN, "", True),
        (LoginState.WAITING_FOR_PERMIT, "RestartAhead", True),
        (LoginState.TOKEN_EXPIRED, "RestartAhead", True),
        (LoginState.WAITING_FOR_PERMIT, "Interval", False),
        (LoginState.AWAITING_APPROVAL, "", False),
    ],
)
def test_a_restart_that_was_set_to_a_time_past_is_told_while_nothing_else_goes_on(
    state: LoginState, refusal: str, told: bool
) -> None:
    seen = view(RESTART + timedelta(minutes=5))
    waiting = PermitReport(refusal=refusal) if refusal else None
    report = seen.report.model_copy(update={"state": state, "waiting": waiting})
    settings = seen.settings.model_copy(update={"restart": RestartTime(passed=RESTART)})
    said = readings(replace(seen, report=report, settings=settings))[Subject.RESTART]
    assert topic(said) == ("RestartOverdue" if told else "")
    if isinstance(said, Concern):
        assert said.title == "The weekly restart was set to a time that is past"
        assert "kubectl annotate ibgw paper" in said.text
        assert said.instance


def test_a_restart_that_was_done_early_is_not_announced_any_more() -> None:
    early = view(RESTART - timedelta(minutes=30), full=RESTART - timedelta(hours=2))
    assert isinstance(readings(early)[Subject.RESTART], Fine)


def test_a_week_with_its_login_has_no_restart_before_the_next() -> None:
    authenticated = view(RESTART + timedelta(hours=1), full=RESTART)
    assert isinstance(readings(authenticated)[Subject.RESTART], Fine)


def test_ten_years_of_restarts_are_announced_an_hour_before_each() -> None:
    """Over every change of clocks: 09:00 in New York on each Sunday, and each announced as one of its own."""
    instances = set()
    for week in range(522):
        day = datetime(2026, 11, 22) + timedelta(weeks=week)  # noqa: DTZ001 - the zone comes next
        restart = day.replace(hour=9, tzinfo=NEW_YORK).astimezone(UTC)
        seen = [
            readings(view(restart - timedelta(minutes=minutes)))[Subject.RESTART]
            for minutes in (61, 60, 1, 0)
        ]
        assert [topic(each) for each in seen] == ["", "RestartComing", "RestartComing", ""]
        instances.add(getattr(seen[1], "instance", ""))
    assert len(instances) == 522


def test_trouble_with_the_volumes_is_told_when_it_lasts() -> None:
    seen = view(LOGIN)
    full = replace(seen, report=seen.report.model_copy(update={"trouble": "no space left"}))
    said = readings(full)[Subject.VOLUME]
    assert isinstance(said, Concern)
    assert (said.topic, said.text) == ("VolumeTrouble", "no space left.")
    assert isinstance(readings(seen)[Subject.VOLUME], Fine)


def test_a_wrong_clock_is_told() -> None:
    seen = view(LOGIN)
    holds = (HoldReport(reason=GateReason.CLOCK_SKEW),)
    off = replace(seen, report=seen.report.model_copy(update={"holds": holds}))
    assert topic(readings(off)[Subject.CLOCK]) == "ClockSkew"
    assert isinstance(readings(seen)[Subject.CLOCK], Fine)


@pytest.mark.parametrize(("seconds", "expected"), [(299, ""), (300, "OperatorAway")])
def test_an_operator_that_does_not_ask_any_more_is_told(seconds: int, expected: str) -> None:
    silent = replace(view(LOGIN), operator_silent=timedelta(seconds=seconds))
    assert topic(readings(silent)[Subject.OPERATOR]) == expected
