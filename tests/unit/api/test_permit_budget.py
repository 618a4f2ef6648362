"""The push budget: which wish gets a permit after which history."""

from datetime import UTC, datetime, time, timedelta

import pytest

from ibgateway_api.permits import (
    Attempt,
    AttemptOutcome,
    Cause,
    Granted,
    LoginPolicy,
    PermitKind,
    PermitRefusal,
    PermitRequest,
    QuietHours,
    Refused,
    decide,
)

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
POLICY = LoginPolicy()
START = PermitRequest(Cause.START)
FULL = Granted(PermitKind.FULL)
TOKEN = Granted(PermitKind.TOKEN)
WRONG_CLOCK = Refused(PermitRefusal.CLOCK_SKEW)
NIGHT = LoginPolicy(
    quiet_hours=QuietHours(start=time(22), end=time(11), time_zone="America/New_York")
)


def tried(
    minutes_ago: float, outcome: AttemptOutcome | None = AttemptOutcome.MISSED, request: str = ""
) -> Attempt:
    at = NOW - timedelta(minutes=minutes_ago)
    return Attempt(
        id=1, at=at, kind=PermitKind.FULL, cause=Cause.START, request=request, outcome=outcome
    )


def until(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


TABLE = [
    ("the first start", [], POLICY, START, FULL),
    ("with a token at hand", [], POLICY, PermitRequest(Cause.START, token_at_hand=True), TOKEN),
    (
        "fourteen minutes after a miss",
        [tried(14)],
        POLICY,
        START,
        Refused(PermitRefusal.INTERVAL, until(1)),
    ),
    ("fifteen minutes after a miss", [tried(15)], POLICY, START, FULL),
    (
        "after three misses",
        [tried(90), tried(60), tried(30)],
        POLICY,
        START,
        Refused(PermitRefusal.PARKED),
    ),
    (
        "a person asks after three misses",
        [tried(90), tried(60), tried(1)],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r1"),
        FULL,
    ),
    (
        "the same wish twice",
        [tried(1, request="r1")],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r1"),
        Refused(PermitRefusal.ALREADY_HANDLED),
    ),
    (
        "after a wrong password",
        [tried(60, AttemptOutcome.REJECTED)],
        POLICY,
        START,
        Refused(PermitRefusal.PARKED),
    ),
    (
        "after a lock-out",
        [tried(600, AttemptOutcome.LOCKED_OUT)],
        POLICY,
        START,
        Refused(PermitRefusal.PARKED),
    ),
    (
        "after a question for a person",
        [tried(600, AttemptOutcome.NEEDS_PERSON)],
        POLICY,
        START,
        Refused(PermitRefusal.PARKED),
    ),
    (
        "misses before a settled login do not count",
        [tried(300), tried(290), tried(280, AttemptOutcome.SETTLED)],
        POLICY,
        START,
        FULL,
    ),
    (
        "a crash soon after a login waits",
        [tried(5, AttemptOutcome.LOGGED_IN)],
        POLICY,
        START,
        Refused(PermitRefusal.INTERVAL, until(10)),
    ),
    (
        "the day's budget",
        [tried(m, AttemptOutcome.SETTLED) for m in (600, 500, 400, 300, 200, 100)],
        POLICY,
        START,
        Refused(PermitRefusal.DAILY_BUDGET, until(840)),
    ),
    (
        "yesterday's attempts are free again",
        [tried(m, AttemptOutcome.SETTLED) for m in (1441, 500, 400, 300, 200, 100)],
        POLICY,
        START,
        FULL,
    ),
    (
        "what a person asked for counts too, for IBKR counts it",
        [tried(90), tried(60, request="r1"), tried(30, request="r2")],
        POLICY,
        START,
        Refused(PermitRefusal.PARKED),
    ),
    (
        "and is never refused for it",
        [tried(90), tried(60, request="r1"), tried(30, request="r2")],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r3"),
        FULL,
    ),
    ("in quiet hours", [], NIGHT, START, Refused(PermitRefusal.QUIET_HOURS, until(60))),
    ("a person asks in quiet hours", [], NIGHT, PermitRequest(Cause.REQUESTED, "r"), FULL),
    (
        "a token start in quiet hours pushes nobody",
        [],
        NIGHT,
        PermitRequest(Cause.START, token_at_hand=True),
        TOKEN,
    ),
    (
        "in IBKR's outage",
        [],
        POLICY,
        PermitRequest(Cause.START, outage_until=until(30)),
        Refused(PermitRefusal.MAINTENANCE, until(30)),
    ),
    (
        "in IBKR's nightly reset, by token neither",
        [],
        POLICY,
        PermitRequest(Cause.START, token_at_hand=True, reset_until=until(30)),
        Refused(PermitRefusal.NIGHTLY_RESET, until(30)),
    ),
    (
        "a person asks in the nightly reset",
        [],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r", reset_until=until(30)),
        FULL,
    ),
    (
        "the weekly restart",
        [tried(9000, AttemptOutcome.SETTLED)],
        POLICY,
        PermitRequest(Cause.WEEKLY, "w1"),
        FULL,
    ),
    (
        "the weekly restart of the same week",
        [tried(9, AttemptOutcome.SETTLED, "w1")],
        POLICY,
        PermitRequest(Cause.WEEKLY, "w1"),
        Refused(PermitRefusal.ALREADY_HANDLED),
    ),
    (
        "the weekly restart soon after a good login",
        [tried(5, AttemptOutcome.LOGGED_IN)],
        POLICY,
        PermitRequest(Cause.WEEKLY, "w1"),
        FULL,
    ),
    (
        "the weekly restart soon after a miss",
        [tried(5)],
        POLICY,
        PermitRequest(Cause.WEEKLY, "w1"),
        Refused(PermitRefusal.INTERVAL, until(10)),
    ),
    (
        "a person has the session",
        [tried(300, AttemptOutcome.SETTLED)],
        POLICY,
        PermitRequest(Cause.START, conflict_until=until(3)),
        Refused(PermitRefusal.SESSION_CONFLICT, until(3)),
    ),
    (
        "a person asks although another session is there",
        [],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r", conflict_until=until(3)),
        FULL,
    ),
    (
        "giving way to a person is no failed try",
        [tried(m, AttemptOutcome.YIELDED) for m in (80, 60, 40, 20)],
        POLICY,
        START,
        FULL,
    ),
    (
        "nor does it use up the day",
        [tried(m, AttemptOutcome.YIELDED) for m in (80, 70, 60, 50, 40, 30, 20)],
        POLICY,
        START,
        FULL,
    ),
    (
        "nothing pushes by itself while the week's restart is ahead",
        [],
        POLICY,
        PermitRequest(Cause.START, restart_at=until(90)),
        Refused(PermitRefusal.RESTART_AHEAD, until(90)),
    ),
    ("the clock is wrong", [], POLICY, PermitRequest(Cause.START, clock_wrong=True), WRONG_CLOCK),
    (
        "the clock is wrong, with a token at hand",
        [],
        POLICY,
        PermitRequest(Cause.START, token_at_hand=True, clock_wrong=True),
        WRONG_CLOCK,
    ),
    (
        "the weekly restart by a wrong clock",
        [],
        POLICY,
        PermitRequest(Cause.WEEKLY, "w1", clock_wrong=True),
        WRONG_CLOCK,
    ),
    (
        "a person asks although the clock is wrong",
        [],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r", clock_wrong=True),
        FULL,
    ),
    (
        "a person may ask before it",
        [],
        POLICY,
        PermitRequest(Cause.REQUESTED, "r", restart_at=until(90)),
        FULL,
    ),
    (
        "the weekly restart goes without its token",
        [],
        POLICY,
        PermitRequest(Cause.WEEKLY, "w1", token_at_hand=True),
        FULL,
    ),
]


@pytest.mark.parametrize(
    ("history", "policy", "asked", "answer"), [t[1:] for t in TABLE], ids=[t[0] for t in TABLE]
)
def test_a_request_is_answered(
    history: list[Attempt], policy: LoginPolicy, asked: PermitRequest, answer: Granted | Refused
) -> None:
    assert answer == decide(history, policy, asked, NOW)
