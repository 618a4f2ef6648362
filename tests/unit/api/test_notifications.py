"""What people are told: once an episode, again a day later, and that it is over."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.notifications import (
    OPERATOR_SUBJECTS,
    SENTINEL_SUBJECTS,
    SEVERITY,
    Concern,
    Fine,
    Message,
    Reading,
    Severity,
    Standing,
    Subject,
    Topic,
    letter,
    local_time,
    step,
    without_accounts,
)

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PUSH = Concern(Topic.PUSH_WAITS, "Approve the push", "until 14:03", instance="14:00")
MISSED = Concern(Topic.PUSH_MISSED, "The push was missed", "ask for another", instance="14:03")
LOST = Concern(
    Topic.CONNECTION_LOST, "The connection is lost", "look", told_from=NOW + timedelta(minutes=15)
)
SOON = Concern(Topic.RESTART_COMING, "The restart is coming", "at 09:00", instance="w1")
BACK = Fine("Logged in", "it trades")


def told(
    *readings: tuple[int, Reading],
    minimum: Severity = Severity.INFO,
    standing: Standing | None = None,
) -> list[str]:
    """Titles of what is told, reading by reading, with their minutes after NOW."""
    known, titles = standing or Standing(), []
    for minutes, reading in readings:
        now = NOW + timedelta(minutes=minutes)
        known, message = step(Subject.LOGIN, reading, known, now=now, minimum=minimum)
        if message is not None:
            titles.append(f"{minutes} {message.title}")
    return titles


DAY = 24 * 60


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([(0, BACK), (1, BACK)], [], id="nothing of what was always fine"),
        pytest.param([(0, PUSH), (1, PUSH), (2, None)], ["0 Approve the push"], id="once"),
        pytest.param(
            [(0, PUSH), (3, MISSED), (4, None), (9, BACK), (10, BACK)],
            ["0 Approve the push", "3 The push was missed", "9 Logged in"],
            id="each step, and one end for all",
        ),
        pytest.param(
            [(0, MISSED), (DAY - 1, MISSED), (DAY, MISSED), (DAY + 1, MISSED), (2 * DAY, MISSED)],
            [
                "0 The push was missed",
                f"{DAY} The push was missed (still)",
                f"{2 * DAY} The push was missed (still)",
            ],
            id="again each day",
        ),
        pytest.param(
            [(0, MISSED), (1, PUSH), (DAY, MISSED), (DAY + 1, MISSED)],
            [
                "0 The push was missed",
                "1 Approve the push",
                f"{DAY + 1} The push was missed (still)",
            ],
            id="a day after the last word, not after the first",
        ),
        pytest.param([(0, LOST), (14, LOST), (14, BACK)], [], id="nothing of what passes in time"),
        pytest.param(
            [(0, LOST), (15, LOST), (16, BACK)],
            ["15 The connection is lost", "16 Logged in"],
            id="what lasts too long",
        ),
        pytest.param(
            [(0, SOON), (1, SOON), (DAY, SOON), (DAY + 1, BACK)],
            ["0 The restart is coming"],
            id="an announcement neither repeats nor resolves",
        ),
        pytest.param(
            [(0, MISSED), (5, BACK), (6, MISSED)],
            ["0 The push was missed", "5 Logged in", "6 The push was missed"],
            id="another episode is told anew",
        ),
    ],
)
def test_what_is_told(readings: list[tuple[int, Reading]], expected: list[str]) -> None:
    assert told(*readings) == expected


def test_another_push_is_another_message() -> None:
    second = Concern(Topic.PUSH_WAITS, "Approve the push", "until 14:18", instance="14:15")
    assert told((0, PUSH), (15, second), (16, PUSH)) == [
        "0 Approve the push",
        "15 Approve the push",
    ]


def test_patience_counts_from_when_the_subject_was_fine_last_whatever_came_between() -> None:
    waits = Concern(Topic.NOT_LOGGED_IN, "Not logged in", "", patience=timedelta(minutes=20))
    assert told((0, None), (10, waits), (19, waits), (20, waits)) == ["20 Not logged in"]
    assert told((0, None), (10, BACK), (11, waits), (30, waits), (31, waits)) == [
        "31 Not logged in"
    ]


def test_what_matters_less_than_asked_for_is_not_told_and_its_end_neither() -> None:
    lost = Concern(Topic.CONNECTION_LOST, "The connection is lost", "look")
    assert told((0, lost), (1, BACK), minimum=Severity.CRITICAL) == []
    assert told((0, PUSH), (1, BACK), minimum=Severity.CRITICAL) == [
        "0 Approve the push",
        "1 Logged in",
    ]


def test_a_program_that_starts_again_knows_what_was_told() -> None:
    standing, message = step(Subject.LOGIN, MISSED, Standing(), now=NOW, minimum=Severity.INFO)
    assert message is not None
    again = Standing(message.episode)
    assert standing.episode == message.episode
    assert told((1, MISSED), standing=again) == []
    assert told((1, BACK), standing=again) == ["1 Logged in"]


def test_every_subject_has_one_program_and_every_topic_a_severity() -> None:
    assert SENTINEL_SUBJECTS & OPERATOR_SUBJECTS == frozenset()
    assert frozenset(Subject) == SENTINEL_SUBJECTS | OPERATOR_SUBJECTS
    assert set(SEVERITY) == set(Topic)


def message(topic: Topic, title: str, text: str) -> Message:
    return Message(Subject.LOGIN, topic, SEVERITY[topic], title, text, NOW, episode=None)


def test_one_message_is_a_letter_and_several_are_one_too() -> None:
    lost = message(Topic.CONNECTION_LOST, "The connection is lost", "Look at the node.")
    push = message(Topic.PUSH_WAITS, "Approve the push", "Until 14:03.")
    one = letter([lost], "trading/paper")
    assert (one.title, one.body) == (
        "trading/paper: The connection is lost",
        "Look at the node.",
    )
    both = letter([lost, push], "trading/paper")
    assert both.severity is Severity.CRITICAL
    assert both.title == "trading/paper: Approve the push (and 1 more)"
    assert both.body == (
        "The connection is lost\nLook at the node.\n\nApprove the push\nUntil 14:03."
    )


def test_no_letter_is_too_long_to_be_taken() -> None:
    long = letter([message(Topic.SETUP_TROUBLE, "t" * 500, "x" * 5000)], "trading/paper")
    assert (len(long.title), len(long.body)) == (120, 1500)
    assert long.body.endswith(" ...")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "expected DU1234567, but the login has U7654321",
            "expected DU..., but the login has U...",
        ),
        ("account_DF123", "account_DF..."),
        ("(U123456)", "(U...)"),
        (
            "at 2026-11-22T14:00:00Z in ib001 with 4002",
            "at 2026-11-22T14:00:00Z in ib001 with 4002",
        ),
    ],
)
def test_no_account_id_leaves_the_cluster(text: str, expected: str) -> None:
    assert without_accounts(text) == expected
    sent = letter([message(Topic.SETUP_TROUBLE, text, text)], "trading/paper")
    assert expected in sent.title
    assert sent.body == expected


def test_times_are_those_of_the_persons_clock() -> None:
    at = datetime(2026, 11, 22, 14, 3, 20, tzinfo=UTC)
    assert local_time(at, "Europe/Berlin") == "Sunday 15:03:20 (Europe/Berlin)"
    assert local_time(at, "America/New_York") == "Sunday 09:03:20 (America/New_York)"
