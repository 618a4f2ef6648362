"""Which Events a change deserves."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ibgateway_api.conditions import ConditionType
from ibgateway_api.login import LoginState
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.status.event_rules import events_for
from operator_fakes import assessment, report, snapshot, status_from


def said(seen: Snapshot) -> list[tuple[str, str]]:
    status = status_from(assessment(seen))
    return [(a.type, a.reason) for a in events_for(seen, status)]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (LoginState.AWAITING_APPROVAL, ("Warning", "ApprovalNeeded")),
        (LoginState.APPROVAL_MISSED, ("Warning", "ApprovalMissed")),
        (LoginState.SESSION_CONFLICT, ("Warning", "SessionConflict")),
        (LoginState.REJECTED, ("Warning", "LoginRejected")),
        (LoginState.LOCKED_OUT, ("Warning", "LockedOut")),
        (LoginState.NEEDS_PERSON, ("Warning", "PersonNeeded")),
        (LoginState.LOGGED_IN, ("Normal", "LoggedIn")),
    ],
)
def test_a_new_login_state_is_told(state: LoginState, expected: tuple[str, str]) -> None:
    seen = snapshot(heard=(report(state)))
    assert expected in said(seen)


@pytest.mark.parametrize("state", [LoginState.STARTING, LoginState.CONNECTION_LOST])
def test_what_passes_by_itself_is_not(state: LoginState) -> None:
    assert said(snapshot(heard=(report(state)))) == []


def test_the_push_is_told_with_its_deadline() -> None:
    deadline = datetime(2026, 11, 18, 15, 3, tzinfo=UTC)
    seen = snapshot(heard=(report(LoginState.AWAITING_APPROVAL, deadline=deadline)))
    status = status_from(assessment(seen))
    assert events_for(seen, status)[0].note == (
        "approve the push on IBKR Mobile until 2026-11-18T15:03:00Z (since 2026-11-15T14:03:00Z)"
    )


def test_what_was_told_before_is_not_told_again() -> None:
    seen = snapshot()
    status = status_from(assessment(seen))
    settled = replace(seen, gateway=replace(seen.gateway, status=status))
    assert said(settled) == []


def test_the_window_is_told_when_it_opens_and_when_the_week_is_authenticated() -> None:
    seen = snapshot()
    status = status_from(assessment(seen))
    sunday = snapshot(now=datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC))
    opened = replace(sunday, gateway=replace(sunday.gateway, status=status))
    assert said(opened) == [("Normal", "RestartWindowOpened")]
    after = status_from(assessment(opened))
    full = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
    renewed = snapshot(
        now=datetime(2026, 11, 22, 14, 3, tzinfo=UTC),
        heard=(report(since=full, full_auth_time=full)),
    )
    closed = replace(renewed, gateway=replace(renewed.gateway, status=after))
    assert said(closed) == [("Normal", "LoggedIn"), ("Normal", "WeekAuthenticated")]
    assert ConditionType.READY in {c.type for c in after.conditions}
