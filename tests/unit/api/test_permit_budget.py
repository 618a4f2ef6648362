"""The push budget: which wish gets a permit after which history."""

from datetime import UTC, datetime, time, timedelta

import pytest

from ibgateway_api.permits import (
    Attempt,
    Cause,
    Granted,
    LoginPolicy,
    Outcome,
    PermitKind,
    QuietHours,
    Refusal,
    Refused,
    Wish,
    decide,
)

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
POLICY = LoginPolicy()
START = Wish(Cause.START)
FULL = Granted(PermitKind.FULL)
TOKEN = Granted(PermitKind.TOKEN)
NIGHT = LoginPolicy(
    quiet_hours=QuietHours(start=time(22), end=time(11), time_zone="America/New_York")
)


def tried(
    minutes_ago: float, outcome: Outcome | None = Outcome.MISSED, request: str = ""
) -> Attempt:
    at = NOW - timedelta(minutes=minutes_ago)
    return Attempt(
        id=1, at=at, kind=PermitKind.FULL, cause=Cause.START, request=request, outcome=outcome
    )


def until(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


TABLE = [
    ("the first start", [], POLICY, START, FULL),
    ("with a token at hand", [], POLICY, Wish(Cause.START, token_at_hand=True), TOKEN),
    (
        "fourteen minutes after a miss",
        [tried(14)],
        POLICY,
        START,
        Refused(Refusal.INTERVAL, until(1)),
    ),
    ("fifteen minutes after a miss", [tried(15)], POLICY, START, FULL),
    (
        "after three misses",
        [tried(90), tried(60), tried(30)],
        POLICY,
        START,
        Refused(Refusal.PARKED),
    ),
    (
        "a person asks after three misses",
        [tried(90), tried(60), tried(1)],
        POLICY,
        Wish(Cause.REQUESTED, "r1"),
        FULL,
    ),
    (
        "the same wish twice",
        [tried(1, request="r1")],
        POLICY,
        Wish(Cause.REQUESTED, "r1"),
        Refused(Refusal.ALREADY_HANDLED),
    ),
    (
        "after a wrong password",
        [tried(60, Outcome.REJECTED)],
        POLICY,
        START,
        Refused(Refusal.PARKED),
    ),
    ("after a lock-out", [tried(600, Outcome.LOCKED_OUT)], POLICY, START, Refused(Refusal.PARKED)),
    (
        "misses before a settled login do not count",
        [tried(300), tried(290), tried(280, Outcome.SETTLED)],
        POLICY,
        START,
        FULL,
    ),
    (
        "a crash soon after a login waits",
        [tried(5, Outcome.LOGGED_IN)],
        POLICY,
        START,
        Refused(Refusal.INTERVAL, until(10)),
    ),
    (
        "the day's budget",
        [tried(m, Outcome.SETTLED) for m in (600, 500, 400, 300, 200, 100)],
        POLICY,
        START,
        Refused(Refusal.DAILY_BUDGET, until(840)),
    ),
    (
        "yesterday's attempts are free again",
        [tried(m, Outcome.SETTLED) for m in (1441, 500, 400, 300, 200, 100)],
        POLICY,
        START,
        FULL,
    ),
    ("in quiet hours", [], NIGHT, START, Refused(Refusal.QUIET_HOURS, until(60))),
    ("a person asks in quiet hours", [], NIGHT, Wish(Cause.REQUESTED, "r"), FULL),
    (
        "a token start in quiet hours pushes nobody",
        [],
        NIGHT,
        Wish(Cause.START, token_at_hand=True),
        TOKEN,
    ),
    (
        "in IBKR's outage",
        [],
        POLICY,
        Wish(Cause.START, outage_until=until(30)),
        Refused(Refusal.MAINTENANCE, until(30)),
    ),
    ("the weekly restart", [tried(9000, Outcome.SETTLED)], POLICY, Wish(Cause.WEEKLY, "w1"), FULL),
    (
        "the weekly restart of the same week",
        [tried(9, Outcome.SETTLED, "w1")],
        POLICY,
        Wish(Cause.WEEKLY, "w1"),
        Refused(Refusal.ALREADY_HANDLED),
    ),
    (
        "the weekly restart soon after a good login",
        [tried(5, Outcome.LOGGED_IN)],
        POLICY,
        Wish(Cause.WEEKLY, "w1"),
        FULL,
    ),
    (
        "the weekly restart soon after a miss",
        [tried(5)],
        POLICY,
        Wish(Cause.WEEKLY, "w1"),
        Refused(Refusal.INTERVAL, until(10)),
    ),
    (
        "a person has the session",
        [tried(300, Outcome.SETTLED)],
        POLICY,
        Wish(Cause.START, conflict_until=until(3)),
        Refused(Refusal.SESSION_CONFLICT, until(3)),
    ),
    (
        "a person asks although another session is there",
        [],
        POLICY,
        Wish(Cause.REQUESTED, "r", conflict_until=until(3)),
        FULL,
    ),
    (
        "giving way to a person is no failed try",
        [tried(m, Outcome.YIELDED) for m in (80, 60, 40, 20)],
        POLICY,
        START,
        FULL,
    ),
    (
        "the weekly restart goes without its token",
        [],
        POLICY,
        Wish(Cause.WEEKLY, "w1", token_at_hand=True),
        FULL,
    ),
]


@pytest.mark.parametrize(
    ("history", "policy", "wish", "answer"), [t[1:] for t in TABLE], ids=[t[0] for t in TABLE]
)
def test_a_wish_is_answered(
    history: list[Attempt], policy: LoginPolicy, wish: Wish, answer: Granted | Refused
) -> None:
    assert answer == decide(history, policy, wish, NOW)
