"""Which Events a change deserves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.conditions import ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.status.event_rules import events_for
from operator_fakes import NOW, assessment, report, snapshot, status_from


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
    before = status_from(assessment(snapshot(heard=report(LoginState.STARTING))))
    assert expected in said(replace(seen, gateway=replace(seen.gateway, status=before)))


def test_one_that_is_logged_in_when_it_is_seen_first_has_not_come_back() -> None:
    """It has a status for the first time, which says so; after a restore a thousand would be told of."""
    assert said(snapshot(heard=report())) == []


@pytest.mark.parametrize("state", [LoginState.STARTING, LoginState.CONNECTION_LOST])
def test_what_passes_by_itself_is_not(state: LoginState) -> None:
    assert said(snapshot(heard=report(state, since=NOW))) == []


def test_a_conflict_in_the_last_trading_hour_is_an_event_of_its_own_once() -> None:
    """20:00 UTC is three in the afternoon of New York, on a working day."""
    begun, told = datetime(2026, 11, 25, 19, 0, tzinfo=UTC), []
    status = status_from(assessment(snapshot()))
    for minutes in (0, 59, 60, 61, 90):
        now = begun + timedelta(minutes=minutes)
        seen = snapshot(now=now, heard=report(LoginState.SESSION_CONFLICT, since=begun))
        seen = replace(seen, gateway=replace(seen.gateway, status=status))
        status = status_from(assessment(seen))
        told += [(minutes, a.reason) for a in events_for(seen, status) if "Conflict" in a.reason]
    assert told == [(0, "SessionConflict"), (60, "ConflictBeforeClose")]


def lost_since(since: datetime, now: datetime, before: IBGatewayStatus | None = None) -> Snapshot:
    """A connection that is lost since then, after what was stored before."""
    seen = snapshot(now=now, heard=report(LoginState.CONNECTION_LOST, since=since))
    return replace(seen, gateway=replace(seen.gateway, status=before)) if before else seen


def test_a_connection_that_stays_lost_is_told_once_with_what_a_person_can_do() -> None:
    begun, told = NOW, []
    status = status_from(assessment(snapshot()))
    for minutes in (0, 14, 15, 16, 600):
        seen = lost_since(begun, begun + timedelta(minutes=minutes), status)
        status = status_from(assessment(seen))
        told.append(
            [event for event in events_for(seen, status) if event.reason == "ConnectionLost"]
        )
    assert [len(each) for each in told] == [0, 0, 1, 0, 0]
    note = told[2][0].note
    assert note.startswith(
        "IB Gateway has not reached IBKR since 2026-11-18T15:00:00Z, longer than"
    )
    assert "ibgateway.dev/login-requested-at" in note
    again = lost_since(begun + timedelta(hours=12), begun + timedelta(hours=12, minutes=15), status)
    assert ("Warning", "ConnectionLost") in said(again)


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        (datetime(2026, 11, 21, 3, 55, tzinfo=UTC), datetime(2026, 11, 21, 8, 15, tzinfo=UTC)),
        (datetime(2026, 11, 21, 6, 0, tzinfo=UTC), datetime(2026, 11, 21, 8, 15, tzinfo=UTC)),
        (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), datetime(2026, 11, 21, 8, 15, tzinfo=UTC)),
    ],
    ids=["from before it", "within it", "right after it"],
)
def test_the_outage_of_friday_night_is_no_loss_to_tell_of(begun: datetime, told: datetime) -> None:
    before, at = told - timedelta(seconds=1), told
    assert ("Warning", "ConnectionLost") not in said(lost_since(begun, before))
    assert ("Warning", "ConnectionLost") in said(lost_since(begun, at))


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
