"""Users, pushes, lockout, token and sessions at IBKR."""

import datetime as dt
import itertools
from dataclasses import replace

import pytest

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorNotFoundError
from ibgateway_simulator.ibkr.views import user_view
from ibgateway_simulator.model.logins import Logins, last_boundary
from ibgateway_simulator.model.users import (
    LoginAttempt,
    LoginKind,
    LoginMode,
    LoginRules,
    LoginSession,
    PushState,
    User,
)

NOW = dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC)
USER = User("paperuser", "secret", "DU1", (LoginMode.PAPER,), two_factor=True)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def logins() -> Logins:
    numbers = itertools.count(1)
    return Logins([USER], rules=LoginRules(), new_id=lambda: f"id{next(numbers)}")


def attempt(logins: Logins) -> LoginAttempt:
    return logins.begin(LoginAttempt(0, "paperuser", LoginKind.FULL, "paper", "g1", NOW))


def session(gateway: str = "g1", since: dt.datetime = NOW) -> LoginSession:
    return LoginSession("", "paperuser", "DU1", "paper", gateway, False, since)


def test_the_right_password_in_an_allowed_mode_is_let_in(logins: Logins) -> None:
    assert logins.check_password("paperuser", "secret", "paper", NOW) is None
    assert logins.check_password("paperuser", "secret", "live", NOW) == "wrong-mode"
    assert logins.check_password("paperuser", "wrong", "paper", NOW) == "wrong-password"
    assert logins.check_password("nobody", "secret", "paper", NOW) == "wrong-password"


def test_too_many_failures_lock_the_user_for_a_while(logins: Logins) -> None:
    logins.rules = replace(logins.rules, lockout_after=3, lockout_seconds=60)
    for _ in range(3):
        assert logins.check_password("paperuser", "wrong", "paper", NOW) == "wrong-password"
    assert logins.check_password("paperuser", "secret", "paper", after(59)) == "locked"
    assert logins.locked_for("paperuser", after(20)) == 40
    assert logins.check_password("paperuser", "secret", "paper", after(60)) is None


def test_unlocking_forgets_the_lock(logins: Logins) -> None:
    logins.rules = replace(logins.rules, lockout_after=1)
    logins.check_password("paperuser", "wrong", "paper", NOW)
    logins.unlock("paperuser")
    assert logins.check_password("paperuser", "secret", "paper", NOW) is None


def test_a_push_is_answered_once(logins: Logins) -> None:
    push = logins.send_push(attempt(logins).id, NOW)
    assert push.deadline == after(180)
    assert logins.answer(push.id, PushState.APPROVED, after(10)).state == "approved"
    with pytest.raises(SimulatorConflictError, match="push 1 is approved"):
        logins.answer(push.id, PushState.DENIED, after(11))
    with pytest.raises(SimulatorNotFoundError):
        logins.answer(2, PushState.APPROVED, NOW)


def test_a_push_nobody_answers_is_missed_and_counts_as_a_failed_login(logins: Logins) -> None:
    logins.rules = replace(logins.rules, lockout_after=1)
    logins.send_push(attempt(logins).id, NOW)
    assert logins.sweep(after(179.9)) == []
    assert [push.state for push in logins.sweep(after(180))] == ["missed"]
    assert logins.sweep(after(200)) == []
    assert logins.locked_for("paperuser", after(180)) > 0


def test_a_second_push_before_the_first_is_answered_is_noted(logins: Logins) -> None:
    first = logins.send_push(attempt(logins).id, NOW)
    second = logins.send_push(attempt(logins).id, NOW)
    assert (first.stacked, second.stacked) == (False, True)


def test_a_push_can_be_made_to_end_sooner(logins: Logins) -> None:
    push = logins.send_push(attempt(logins).id, NOW)
    logins.miss_soon(push.id, 1, NOW)
    assert len(logins.sweep(after(1))) == 1


def test_the_push_of_a_gateway_that_has_gone_stays_on_the_phone(logins: Logins) -> None:
    push = logins.send_push(attempt(logins).id, NOW)
    logins.orphan(push.id)
    assert logins.push(push.id).orphaned
    assert logins.push(push.id).state == "waiting"


def test_a_full_login_issues_the_weeks_token(logins: Logins) -> None:
    logins.open_session(session(), full=True)
    token = logins.token("paperuser")
    assert logins.check_token("paperuser", token, after(3600)) is None
    assert logins.check_token("paperuser", "other", after(3600)) == "token-expired"
    logins.expire_token("paperuser")
    assert logins.check_token("paperuser", token, after(3600)) == "token-expired"
    assert not logins.has_token("paperuser", NOW)


def test_a_login_by_token_keeps_the_token(logins: Logins) -> None:
    logins.open_session(session(), full=True)
    token = logins.token("paperuser")
    logins.open_session(session(), full=False)
    assert logins.token("paperuser") == token


@pytest.mark.parametrize(
    ("now", "boundary"),
    [
        ("2026-11-22T05:59:59", "2026-11-15T06:00:00"),
        ("2026-11-22T06:00:00", "2026-11-22T06:00:00"),
        ("2026-11-25T12:00:00", "2026-11-22T06:00:00"),
        ("2026-07-05T05:00:00", "2026-07-05T05:00:00"),
        ("2026-07-05T04:59:59", "2026-06-28T05:00:00"),
        ("2026-11-01T05:30:00", "2026-11-01T05:00:00"),
        ("2026-03-08T06:30:00", "2026-03-08T06:00:00"),
    ],
)
def test_tokens_die_on_sunday_at_one_in_new_york(now: str, boundary: str) -> None:
    assert last_boundary(utc(now)) == utc(boundary)


def test_the_boundary_ends_the_token_but_not_the_session(logins: Logins) -> None:
    logins.open_session(session(since=utc("2026-11-21T12:00:00")), full=True)
    token = logins.token("paperuser")
    assert logins.check_token("paperuser", token, utc("2026-11-22T05:59:59")) is None
    assert logins.check_token("paperuser", token, utc("2026-11-22T06:00:00")) == "token-expired"
    assert len(logins.of_user("paperuser")) == 1


def test_one_user_name_has_one_session(logins: Logins) -> None:
    assert logins.existing("paperuser", "g1") is None
    logins.open_session(session("g1"), full=True)
    assert logins.existing("paperuser", "g1") is None
    assert logins.existing("paperuser", "g2") == "gateway"
    logins.persons.add("paperuser")
    assert logins.existing("paperuser", "g1") == "person"


def test_a_users_password_is_never_shown() -> None:
    assert "secret" not in str(user_view(USER))
