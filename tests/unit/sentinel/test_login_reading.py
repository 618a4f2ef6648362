"""What people are told of a login: what at once, what only when it lasts, in which words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_agent.sentinel.notifications.login_reading import login_reading
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import Concern, Fine, Reading, Severity, Standing, Subject, step
from ibgateway_api.reports import PermitReport, SentinelReport
from ibgateway_api.settings import NotificationSettings
from ibgateway_api.week import Calendar

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday."""
TOLD = NotificationSettings(namespace="trading", gateway="paper")
ASK = (
    "kubectl annotate ibgw paper -n trading"
    " ibgateway.dev/login-requested-at=$(date -u +%Y-%m-%dT%H:%M:%SZ) --overwrite"
)


def report(
    state: LoginState, *, since: datetime = NOW, at: datetime = NOW, **more: Any
) -> SentinelReport:
    return SentinelReport(boot="b", sequence=1, at=at, state=state, since=since, **more)


def reading(said: SentinelReport) -> Reading:
    return login_reading(said, TOLD, Calendar(), "Europe/Berlin")


def concern(said: SentinelReport) -> Concern:
    found = reading(said)
    assert isinstance(found, Concern)
    return found


def test_a_push_is_told_with_its_deadline_on_the_persons_clock_and_what_to_press() -> None:
    deadline = NOW + timedelta(minutes=3)
    push = concern(report(LoginState.AWAITING_APPROVAL, deadline=deadline))
    assert push.title == "Approve IBKR's push until Wednesday 16:03:00 (Europe/Berlin)"
    assert "open IBKR Mobile on your phone, tap the notification and press Approve" in push.text
    assert push.text.endswith(ASK)
    assert push.expires == deadline


def test_each_push_and_each_missed_one_is_news() -> None:
    for state in (LoginState.AWAITING_APPROVAL, LoginState.APPROVAL_MISSED):
        one, other = (concern(report(state, since=NOW + timedelta(minutes=m))) for m in (0, 15))
        assert one.instance != other.instance


@pytest.mark.parametrize(
    ("state", "topic"),
    [
        (LoginState.APPROVAL_MISSED, "PushMissed"),
        (LoginState.REJECTED, "LoginRejected"),
        (LoginState.LOCKED_OUT, "LockedOut"),
        (LoginState.TOKEN_EXPIRED, "TokenExpired"),
        (LoginState.NEEDS_PERSON, "PersonNeeded"),
        (LoginState.SESSION_CONFLICT, "SessionConflict"),
    ],
)
def test_what_waits_for_a_person_is_told_at_once(state: LoginState, topic: str) -> None:
    said = concern(report(state))
    assert (said.topic, said.patience, said.told_from) == (topic, timedelta(0), None)


@pytest.mark.parametrize(
    ("since", "at", "closes", "topic"),
    [
        ("15:00", "19:59", None, "SessionConflict"),
        ("15:00", "20:00", None, "ConflictBeforeClose"),
        ("20:30", "20:30", None, "ConflictBeforeClose"),
        ("15:00", "23:00", None, "ConflictBeforeClose"),
        ("21:00", "23:00", None, "SessionConflict"),
        ("15:00", "16:59", "18:00", "SessionConflict"),
        ("15:00", "17:00", "18:00", "ConflictBeforeClose"),
        ("18:30", "19:00", "18:00", "SessionConflict"),
    ],
)
def test_a_conflict_in_the_last_trading_hour_is_a_message_of_its_own(
    since: str, at: str, closes: str | None, topic: str
) -> None:
    """New York closes at 21:00 UTC, on a half day at 18:00."""

    def time(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-25T{text}:00Z")

    said = concern(
        report(
            LoginState.SESSION_CONFLICT,
            since=time(since),
            at=time(at),
            closes=closes and time(closes),
        )
    )
    assert said.topic == topic
    assert said.text.endswith(ASK) is (topic == "ConflictBeforeClose")


def test_a_conflict_that_reaches_into_the_last_hour_is_told_once_more_and_louder() -> None:
    begun, standing, heard = NOW.replace(hour=14), Standing(), []
    for minutes in range(12 * 60):
        now = begun + timedelta(minutes=minutes)
        said = reading(report(LoginState.SESSION_CONFLICT, since=begun, at=now))
        standing, message = step(Subject.LOGIN, said, standing, now=now, minimum=Severity.INFO)
        if message is not None:
            heard.append((minutes, message.topic, message.severity))
    assert heard == [
        (0, "SessionConflict", Severity.WARNING),
        (360, "ConflictBeforeClose", Severity.CRITICAL),
    ]


@pytest.mark.parametrize("refusal", ["Parked", "LedgerLost"])
def test_a_start_that_waits_for_a_person_is_told_at_once_with_how_to_ask(refusal: str) -> None:
    waits = report(LoginState.WAITING_FOR_PERMIT, waiting=PermitReport(refusal=refusal))
    said = concern(waits)
    assert (said.topic, said.patience) == ("LoginParked", timedelta(0))
    assert said.text.endswith(ASK)


@pytest.mark.parametrize(("seconds", "topic"), [(29, "PushMissed"), (30, "LoginParked")])
def test_that_a_missed_push_was_the_last_one_is_told_after_it(seconds: int, topic: str) -> None:
    parked = PermitReport(refusal="Parked")
    at = NOW + timedelta(seconds=seconds)
    said = concern(report(LoginState.APPROVAL_MISSED, since=NOW, at=at, waiting=parked))
    assert said.topic == topic
    assert "nothing is tried until you" in said.text


def test_a_missed_push_that_is_followed_by_another_one_is_told_as_such() -> None:
    waits, at = PermitReport(refusal="Interval", until=NOW), NOW + timedelta(minutes=5)
    said = concern(report(LoginState.APPROVAL_MISSED, since=NOW, at=at, waiting=waits))
    assert said.topic == "PushMissed"


def test_the_next_attempt_of_a_night_without_login_is_no_news_of_its_own() -> None:
    standing, now = Standing(troubled_since=NOW - timedelta(hours=1)), NOW + timedelta(minutes=4)
    begun = reading(report(LoginState.LOGGING_IN, since=NOW, at=now))
    told = step(Subject.LOGIN, begun, standing, now=now, minimum=Severity.INFO)[1]
    assert told is None


def test_being_logged_in_ends_whatever_there_was() -> None:
    assert isinstance(reading(report(LoginState.LOGGED_IN)), Fine)


def told_after(state: LoginState, since: datetime, **more: Any) -> timedelta | None:
    """After how long the state, that never changes, is told; None where it is not within a day."""
    standing = Standing()
    for minutes in range(24 * 60):
        now = since + timedelta(minutes=minutes)
        said = reading(report(state, since=since, at=now, **more))
        standing, message = step(Subject.LOGIN, said, standing, now=now, minimum=Severity.INFO)
        if message is not None:
            return timedelta(minutes=minutes)
    return None


FRIDAY = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
"""23:00 New York: IBKR is away until 03:00, 08:00 UTC."""


@pytest.mark.parametrize(
    ("state", "since", "minutes"),
    [
        (LoginState.CONNECTION_LOST, NOW, 15),
        (LoginState.API_UNRESPONSIVE, NOW, 5),
        (LoginState.STARTING, NOW, 20),
        (LoginState.LOGGING_IN, NOW, 20),
        (LoginState.RESTARTING, NOW, 20),
        (LoginState.STOPPED, NOW, 20),
        (LoginState.UNKNOWN, NOW, 20),
        (LoginState.WAITING_FOR_PERMIT, NOW, 20),
        (LoginState.CONNECTION_LOST, FRIDAY, 4 * 60 + 15),
        (LoginState.WAITING_FOR_PERMIT, FRIDAY, 4 * 60 + 15),
        (LoginState.WAITING_FOR_PERMIT, FRIDAY + timedelta(hours=4, minutes=5), 20),
    ],
)
def test_what_mostly_passes_is_told_when_it_lasts(
    state: LoginState, since: datetime, minutes: int
) -> None:
    assert told_after(state, since) == timedelta(minutes=minutes)


def test_no_state_is_silent_for_ever() -> None:
    assert [
        s for s in LoginState if s is not LoginState.LOGGED_IN and told_after(s, NOW) is None
    ] == []


def test_why_the_next_attempt_waits_is_told_too() -> None:
    waiting = PermitReport(refusal="DailyBudget", until=NOW + timedelta(hours=3))
    said = concern(report(LoginState.APPROVAL_MISSED, waiting=waiting))
    assert "The next attempt waits: DailyBudget, until 2026-11-25T18:00:00Z" in said.text
