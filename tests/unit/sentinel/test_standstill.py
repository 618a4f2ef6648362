"""How long a login may stand still, by state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.permits.records import Records
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.standstill import (
    dialog_holds_up,
    port_stays_closed,
    stuck,
    token_is_dead,
)
from ibgateway_api.login import Login, LoginState
from ibgateway_api.settings import SentinelSettings

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
S = LoginState


def seen(login: Login, looked_since: datetime | None = None) -> SentinelSnapshot:
    return SentinelSnapshot(
        now=NOW,
        login=login,
        records=Records(),
        settings=SentinelSettings(),
        looked_since=looked_since,
    )


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("state", "minutes", "goes_nowhere"),
    [
        (S.SESSION_CONFLICT, 5, False),
        (S.SESSION_CONFLICT, 5.1, True),
        (S.LOGGING_IN, 5.1, True),
        (S.CONNECTION_LOST, 600, False),
        (S.NEEDS_PERSON, 600, False),
    ],
)
def test_a_login_stands_still_only_so_long(
    state: LoginState, minutes: float, goes_nowhere: bool
) -> None:
    assert stuck(seen(Login(state, ago(minutes)))) is goes_nowhere


@pytest.mark.parametrize(
    ("state", "by_token", "minutes", "holds_up"),
    [
        (S.LOGGING_IN, False, 1, False),
        (S.LOGGING_IN, False, 1.1, True),
        (S.STARTING, False, 1.1, True),
        (S.LOGGED_IN, False, 600, False),
        (S.AWAITING_APPROVAL, False, 2, False),
        (S.STARTING, True, 1.1, False),
    ],
)
def test_a_dialog_that_stays_waits_for_a_person(
    state: LoginState, by_token: bool, minutes: float, holds_up: bool
) -> None:
    login = Login(state, ago(9), by_token=by_token, dialogs=("Q",), dialog_since=ago(minutes))
    assert dialog_holds_up(seen(login)) is holds_up


@pytest.mark.parametrize(
    ("state", "minutes", "closed", "stays"),
    [
        (S.LOGGING_IN, 1.1, True, True),
        (S.RESTARTING, 1.1, True, True),
        (S.LOGGING_IN, 1, True, False),
        (S.LOGGING_IN, 9, False, False),
        (S.NEEDS_PERSON, 9, True, False),
        (S.CONNECTION_LOST, 9, True, False),
    ],
)
def test_a_complete_login_without_an_api_is_no_login_that_is_tried_again(
    state: LoginState, minutes: float, closed: bool, stays: bool
) -> None:
    login = Login(state, ago(9), completed=ago(minutes))
    assert port_stays_closed(replace(seen(login), port_closed=closed)) is stays
    assert not port_stays_closed(replace(seen(replace(login, proven=True)), port_closed=True))
    assert not port_stays_closed(replace(seen(replace(login, completed=None)), port_closed=True))


def test_what_stood_before_this_sentinel_looked_is_given_its_time_again() -> None:
    """The log shows the start; whether it has logged in since then only the API can say."""
    by_token = Login(S.RESTARTING, ago(60), by_token=True)
    assert not token_is_dead(seen(by_token, looked_since=ago(3)))
    assert token_is_dead(seen(by_token, looked_since=ago(3.1)))
    full = Login(S.LOGGING_IN, ago(60), dialogs=("Q",), dialog_since=ago(59))
    assert not stuck(seen(full, looked_since=ago(5)))
    assert stuck(seen(full, looked_since=ago(5.1)))
    assert not dialog_holds_up(seen(full, looked_since=ago(1)))
    assert dialog_holds_up(seen(full, looked_since=ago(1.1)))
