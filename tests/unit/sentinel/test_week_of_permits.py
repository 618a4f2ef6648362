"""Sundays: nothing pushes by itself between IBKR's token boundary and the hour that the user chose."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.permits.decide import (
    GivePermit,
    KeepWaiting,
    driver_may_start_over,
    next_step,
)
from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, RequestKind
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.week_ahead import restart_ahead
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import Attempt, Cause, PermitKind, PermitRefusal, Refused
from ibgateway_api.settings import SentinelSettings
from ibgateway_api.week import Calendar, RestartTime

S = LoginState
NO_RESETS = Calendar(resets=())
SUNDAY = datetime(2026, 11, 29, tzinfo=UTC)
"""IBKR's token boundary is 06:00 UTC, the restart of the default settings 14:00 UTC."""


def waits(
    now: datetime,
    login: Login,
    *attempts: Attempt,
    notes: tuple[Note, ...] = (),
    token: bool = False,
) -> SentinelSnapshot:
    """A start that waits for a permit."""
    return SentinelSnapshot(
        now=now,
        login=login,
        records=Records(attempts, notes),
        settings=SentinelSettings(calendar=NO_RESETS),
        waiting=True,
        token_at_hand=token,
    )


@pytest.mark.parametrize(
    ("hour", "minute", "refused"),
    [(5, 56, False), (5, 59, True), (6, 1, True), (8, 30, True), (13, 59, True), (14, 0, False)],
)
def test_nothing_pushes_by_itself_on_a_sunday_before_the_chosen_hour(
    hour: int, minute: int, refused: bool
) -> None:
    """Whatever brings the start: a crash, or the gateway's own restart with the dead token."""
    now = SUNDAY.replace(hour=hour, minute=minute)
    week = Login(S.WAITING_FOR_PERMIT, now, full_auth_time=SUNDAY - timedelta(days=6))
    seen = waits(now, week)
    expected = KeepWaiting(Refused(PermitRefusal.RESTART_AHEAD, SUNDAY.replace(hour=14)))
    given = GivePermit(PermitKind.FULL, Cause.START)
    assert next_step(seen) == (expected if refused else given)
    assert isinstance(driver_may_start_over(seen), Refused) is refused


def test_a_person_may_ask_before_it_and_gets_a_full_login() -> None:
    now = SUNDAY.replace(hour=8)
    request = now.isoformat()
    week = Login(S.WAITING_FOR_PERMIT, now, full_auth_time=SUNDAY - timedelta(days=6))
    notes = (Note(note=NoteKind.ASKED, at=now, kind=RequestKind.LOGIN, request=request),)
    seen = waits(now, week, notes=notes, token=True)
    assert next_step(seen) == GivePermit(PermitKind.FULL, Cause.REQUESTED, request)


@pytest.mark.parametrize(
    ("attempts", "given"),
    [
        ((), True),
        (
            (Attempt(id=1, at=SUNDAY.replace(hour=7), kind=PermitKind.FULL, cause=Cause.START),),
            True,
        ),
        (
            (
                Attempt(
                    id=1, at=SUNDAY - timedelta(days=3), kind=PermitKind.FULL, cause=Cause.START
                ),
            ),
            False,
        ),
    ],
    ids=["made just now", "made this morning", "here since Thursday, with its memory lost"],
)
def test_a_gateway_that_is_new_in_this_week_need_not_wait_for_the_restart(
    attempts: tuple[Attempt, ...], given: bool
) -> None:
    now = SUNDAY.replace(hour=8)
    seen = waits(now, Login(S.WAITING_FOR_PERMIT, now), *attempts)
    assert isinstance(next_step(seen), GivePermit) is given


@pytest.mark.parametrize(
    ("hour", "minute", "until"),
    [
        (5, 56, None),
        (5, 58, (6, 5)),
        (6, 0, (6, 5)),
        (6, 4, (6, 5)),
        (6, 5, None),
    ],
)
def test_a_new_gateway_waits_until_its_login_counts_for_the_week(
    hour: int, minute: int, until: tuple[int, int] | None
) -> None:
    """A push answered before five minutes past the boundary would be asked for again at the restart."""
    now = SUNDAY.replace(hour=hour, minute=minute)
    ahead = restart_ahead(waits(now, Login(S.WAITING_FOR_PERMIT, now)))
    assert ahead == (until and SUNDAY.replace(hour=until[0], minute=until[1]))


def test_a_crash_right_before_the_boundary_waits_for_the_restart() -> None:
    """Three minutes for an answer: at two minutes to it the push is the next week's."""
    week = SUNDAY - timedelta(days=6)
    for minute, ahead in ((56, None), (57, SUNDAY.replace(hour=14))):
        now = SUNDAY.replace(hour=5, minute=minute)
        login = Login(S.WAITING_FOR_PERMIT, now, full_auth_time=week)
        assert restart_ahead(waits(now, login)) == ahead


def test_a_restart_that_was_set_to_a_time_past_is_the_next_weeks() -> None:
    """Else the edit would send the push that has waited for the hour before."""
    now, passed = SUNDAY.replace(hour=14, minute=5), SUNDAY.replace(hour=14)
    login = Login(S.WAITING_FOR_PERMIT, now, full_auth_time=SUNDAY - timedelta(days=6))
    seen = waits(now, login)
    assert restart_ahead(seen) is None
    edited = seen.settings.model_copy(update={"restart": RestartTime(passed=passed)})
    held = replace(seen, settings=edited)
    assert restart_ahead(held) == passed + timedelta(weeks=1)
    assert isinstance(driver_may_start_over(held), Refused)
    new = replace(held, login=Login(S.WAITING_FOR_PERMIT, now))
    assert restart_ahead(new) is None


def test_a_start_in_the_nightly_reset_waits_for_its_end_and_a_person_does_not() -> None:
    now = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
    week = Login(S.WAITING_FOR_PERMIT, now, full_auth_time=SUNDAY - timedelta(days=6))
    settings = SentinelSettings()
    seen = replace(waits(now, week, token=True), settings=settings)
    until = datetime(2026, 11, 25, 6, 45, tzinfo=UTC)
    assert next_step(seen) == KeepWaiting(Refused(PermitRefusal.NIGHTLY_RESET, until))
    note = Note(note=NoteKind.ASKED, at=now, kind=RequestKind.LOGIN, request=now.isoformat())
    asked = replace(seen, records=Records((), (note,)))
    assert next_step(asked) == GivePermit(PermitKind.TOKEN, Cause.REQUESTED, now.isoformat())
