"""A person's session is left alone: how often a gateway that gave way looks whether they have gone."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records
from ibgateway_agent.sentinel.permits.yielding import conflict_until
from ibgateway_api.permits import Attempt, AttemptOutcome, Cause, LoginPolicy, PermitKind

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
POLICY = LoginPolicy(attempt_interval_seconds=900, daily_attempts=6)


def attempt(minute: int, outcome: AttemptOutcome) -> Attempt:
    at = NOON + timedelta(minutes=minute)
    return Attempt(id=minute, at=at, kind=PermitKind.FULL, cause=Cause.START, outcome=outcome)


def gave_way(*minutes: int) -> Records:
    """Kicked at noon; attempts at these minutes gave way at once."""
    settled = attempt(-100, AttemptOutcome.SETTLED)
    yielded = [attempt(minute, AttemptOutcome.YIELDED) for minute in minutes]
    notes = [Note(note=NoteKind.YIELDED, at=NOON + timedelta(minutes=m)) for m in (0, *minutes)]
    return Records((settled, *yielded), tuple(notes))


def minutes_until(records: Records, policy: LoginPolicy = POLICY, *, now: int = 0) -> float | None:
    until = conflict_until(records, policy, NOON + timedelta(minutes=now))
    return None if until is None else (until - NOON).total_seconds() / 60


@pytest.mark.parametrize(
    ("looks", "next_look"),
    [
        ((), 15),
        ((15,), 45),
        ((15, 45), 105),
        ((15, 45, 105), 225),
        ((15, 45, 105, 225), 465),
    ],
)
def test_each_look_in_vain_doubles_the_pause(looks: tuple[int, ...], next_look: int) -> None:
    assert minutes_until(gave_way(*looks)) == next_look


def test_a_session_of_a_whole_day_costs_no_more_looks_than_a_day_has_attempts() -> None:
    """The sixth look of 24 hours was at 945: the next is a day after the first."""
    assert minutes_until(gave_way(15, 45, 105, 225, 465, 945), now=946) == 15 + 24 * 60


def test_a_login_between_two_sessions_begins_anew() -> None:
    records = gave_way(15, 45)
    back = attempt(105, AttemptOutcome.SETTLED)
    kicked = Note(note=NoteKind.YIELDED, at=NOON + timedelta(minutes=200))
    assert minutes_until(records.plus(back).plus(kicked), now=200) == 215


def test_an_interval_above_eight_hours_stays_as_it_is() -> None:
    rare = LoginPolicy(attempt_interval_seconds=10 * 3600)
    assert minutes_until(gave_way(600), rare, now=600) == 1200


def test_who_never_gave_way_need_not_wait() -> None:
    assert minutes_until(Records((attempt(0, AttemptOutcome.MISSED),))) is None
