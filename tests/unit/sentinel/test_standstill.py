"""How long a login may stand still, by state."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.permits.standstill import dialog_holds_up, stuck
from ibgateway_api.login import Login, LoginState

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
S = LoginState


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
    assert stuck(Login(state, ago(minutes)), NOW) is goes_nowhere


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
    assert dialog_holds_up(login, NOW) is holds_up
