"""What people are told of a login that somebody has for themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.notifications.handover_reading import (
    PATIENCE,
    handover_reading,
    push_comes,
)
from ibgateway_agent.sentinel.notifications.readings import ReadingInput, readings
from ibgateway_api.login import LoginState
from ibgateway_api.notifications import (
    Concern,
    Fine,
    Message,
    Reading,
    Severity,
    Standing,
    Subject,
    step,
)
from ibgateway_api.permits import LoginPolicy, QuietHours
from ibgateway_api.reports import HandoverReport, PermitReport, SentinelReport
from ibgateway_api.settings import NotificationSettings, SentinelSettings
from ibgateway_api.week import RestartTime

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday, 10:00 New York."""
LAST_SUNDAY = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
"""The next restart."""
END = NOW + timedelta(hours=3)
TOLD = NotificationSettings(namespace="trading", gateway="paper")
WHY = "the gateway has no login whose token could bring it back"


def report(
    *,
    costs_push: bool | None = None,
    until: datetime = END,
    state: LoginState = LoginState.WAITING_FOR_PERMIT,
    waiting: PermitReport | None = None,
) -> SentinelReport:
    """`costs_push` None: nobody has the login."""
    stands = HandoverReport(
        id="lunch", until=until, costs_push=bool(costs_push), why=WHY if costs_push else ""
    )
    return SentinelReport(
        boot="b",
        sequence=1,
        at=NOW,
        state=state,
        since=NOW,
        full_auth_time=LAST_SUNDAY,
        waiting=waiting,
        handover=None if costs_push is None else stands,
    )


def read(said: SentinelReport, now: datetime = NOW) -> Reading:
    return handover_reading(said, TOLD, SentinelSettings(), now)


class Listener:
    """Gets what is told, reading after reading; the standing outlives a sentinel, as its file does."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.titles: list[str] = []

    def hears(self, said: SentinelReport, *, after: float = 0) -> Message | None:
        """The reading of a moment `after` minutes."""
        now = NOW + timedelta(minutes=after)
        self.standing, message = step(
            Subject.HANDOVER, read(said, now), self.standing, now=now, minimum=Severity.INFO
        )
        self.titles += [message.title] if message else []
        return message


ENDS = "The handover ends on Wednesday 13:00:00 (America/New_York) with a push"


def test_a_push_that_will_end_it_is_told_when_it_begins_again_before_the_end_and_at_it() -> None:
    phone = Listener()
    for minutes in (0, 1, 2, 119, 120, 121, 179):
        phone.hears(report(costs_push=True), after=minutes)
    for minutes in (181, 182):
        phone.hears(report(), after=minutes)
    assert phone.titles == [ENDS, ENDS, "The handover is over"]


def test_a_token_that_dies_in_the_middle_of_it_is_told_at_once() -> None:
    phone = Listener()
    phone.hears(report(costs_push=False))
    phone.hears(report(costs_push=True), after=30)
    assert phone.titles == []
    told = phone.hears(report(costs_push=True), after=30 + PATIENCE.total_seconds() / 60)
    assert told is not None
    assert told.severity is Severity.WARNING
    assert told.expires == END


def test_a_return_without_a_push_is_nobodys_business() -> None:
    phone = Listener()
    for minutes in (0, 1, 120, 179):
        phone.hears(report(costs_push=False), after=minutes)
    phone.hears(report(), after=180)
    assert phone.titles == []


def test_a_moment_without_a_token_between_process_and_volume_is_no_news() -> None:
    phone = Listener()
    phone.hears(report(costs_push=True))
    phone.hears(report(costs_push=False), after=0.1)
    phone.hears(report(), after=200)
    assert phone.titles == []


def test_a_handover_that_is_moved_is_told_with_its_new_end() -> None:
    phone = Listener()
    moved = report(costs_push=True, until=END + timedelta(hours=1))
    for minutes, said in ((0, report(costs_push=True)), (1, report(costs_push=True)), (2, moved)):
        phone.hears(said, after=minutes)
    assert phone.titles == [ENDS, ENDS.replace("13:00:00", "14:00:00")]


def test_it_says_until_when_why_and_how_to_have_it_back() -> None:
    said = read(report(costs_push=True))
    assert isinstance(said, Concern)
    until = "until Wednesday 13:00:00 (America/New_York)"
    assert f"Somebody has the login {until}, and the gateway asks for a push then" in said.text
    assert WHY in said.text
    assert "kubectl annotate ibgw paper -n trading ibgateway.dev/handover-until-" in said.text


def test_a_push_that_waits_for_the_weeks_restart_is_told_with_that_time() -> None:
    said = read(report(costs_push=True, until=SUNDAY - timedelta(hours=2)), SUNDAY)
    assert isinstance(said, Concern)
    assert "asks for a push on Sunday 09:00:00 (America/New_York), as soon as it may" in said.text


QUIET = LoginPolicy(quiet_hours=QuietHours.model_validate({"start": "12:00", "end": "15:30"}))


@pytest.mark.parametrize(
    ("settings", "until", "comes"),
    [
        (SentinelSettings(), "2026-11-25T18:00Z", "2026-11-25T18:00Z"),
        (SentinelSettings(login=QUIET), "2026-11-25T18:00Z", "2026-11-25T20:30Z"),
        (SentinelSettings(), "2026-11-26T05:00Z", "2026-11-26T06:45Z"),
        (SentinelSettings(), "2026-11-28T04:30Z", "2026-11-28T08:00Z"),
        (SentinelSettings(), "2026-11-29T05:58Z", "2026-11-29T14:00Z"),
        (SentinelSettings(restart=RestartTime()), "2026-11-29T15:00Z", "2026-11-29T15:00Z"),
    ],
    ids=["at its end", "quiet hours", "nightly reset", "Friday", "before the restart", "after it"],
)
def test_when_the_push_may_come(settings: SentinelSettings, until: str, comes: str) -> None:
    ends, expected = datetime.fromisoformat(until), datetime.fromisoformat(comes)
    assert push_comes(settings, LAST_SUNDAY, ends) == expected


@pytest.mark.parametrize(
    ("state", "refusal", "words"),
    [
        (LoginState.LOGGED_IN, "", "The login is the gateway's again."),
        (LoginState.STARTING, "", "a push may follow. Have the phone at hand."),
        (LoginState.WAITING_FOR_PERMIT, "HandedOver", "a push may follow. Have the phone at hand."),
        (
            LoginState.WAITING_FOR_PERMIT,
            "QuietHours",
            "its push waits: QuietHours, until 2026-11-25T19",
        ),
    ],
)
def test_its_end_says_what_the_push_waits_for(state: LoginState, refusal: str, words: str) -> None:
    until = END + timedelta(hours=1)
    waiting = PermitReport(refusal=refusal, until=until) if refusal else None
    said = read(report(state=state, waiting=waiting))
    assert isinstance(said, Fine)
    assert words in said.text


@pytest.mark.parametrize(
    ("until", "announced"), [(SUNDAY, True), (END + 10 * (SUNDAY - NOW), False)]
)
def test_no_restart_is_announced_that_the_return_takes_the_place_of(
    until: datetime, announced: bool
) -> None:
    said, now = report(costs_push=True, until=until), SUNDAY - timedelta(minutes=30)
    view = ReadingInput(said, SentinelSettings(), TOLD, now, timedelta())
    assert isinstance(readings(view)[Subject.RESTART], Concern) is announced
    assert readings(view)[Subject.HANDOVER] == read(said, now)
