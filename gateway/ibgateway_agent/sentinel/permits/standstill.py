"""How long a login may stand still before something is done about it. Pure."""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.sentinel.permits.outcome import approval_overdue
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.login import LoginState

STALLED_AFTER: Final = timedelta(minutes=5)
"""A start or a login without any further sign for this long goes nowhere by itself."""
TOKEN_LOGIN_WITHIN: Final = timedelta(minutes=3)
"""A start by token that has not logged in by then has a dead token: nothing on the screen says so."""
PORT_OPENS_WITHIN: Final = timedelta(minutes=1)
"""The API's port opens with the login, within a second."""
LATE_ANSWER_WITHIN: Final = timedelta(seconds=30)
"""IBC takes a push that was answered after three minutes for missed: its login goes on, and is there by then."""
DIALOG_WAITS_FOR: Final = timedelta(minutes=1)
"""The driver answers the dialogs it knows at once: one that stays this long waits for a person."""


def stuck(now: SentinelSnapshot) -> bool:
    """Whether this process will not log in unless a person does something."""
    login = now.login
    if login.state in (LoginState.APPROVAL_MISSED, LoginState.TOKEN_EXPIRED):
        return True
    if login.state is LoginState.AWAITING_APPROVAL:
        return approval_overdue(login, now.now)
    return login.state in _MAY_STALL and _stood(now, login.since) > STALLED_AFTER


def may_be_answered_late(now: SentinelSnapshot) -> bool:
    """Whether a login that IBC takes for missed may be going on, because somebody has just approved it."""
    missed = now.login.state is LoginState.APPROVAL_MISSED
    return missed and now.now - now.login.since <= LATE_ANSWER_WITHIN


def starts_over(now: SentinelSnapshot) -> bool:
    """Whether the driver is about to begin anew by itself: its start is counted, not cut off."""
    if now.starts_over is None or now.login.state is not LoginState.TOKEN_EXPIRED:
        return False
    return now.now - now.starts_over <= STALLED_AFTER


def token_is_dead(now: SentinelSnapshot) -> bool:
    """Whether a start by token has had its time and is still not logged in."""
    login = now.login
    waits = login.by_token and login.state is LoginState.RESTARTING
    return waits and _stood(now, login.since) > TOKEN_LOGIN_WITHIN


def dialog_holds_up(now: SentinelSnapshot) -> bool:
    """Whether a login stands still behind a dialog that the driver does not answer.

    A start by token has a limit of its own: its dead token may show in a dialog that says nothing.
    """
    login = now.login
    stands = login.state in (LoginState.STARTING, LoginState.LOGGING_IN) and not login.by_token
    return (
        stands
        and login.dialog_since is not None
        and _stood(now, login.dialog_since) > DIALOG_WAITS_FOR
    )


def port_stays_closed(now: SentinelSnapshot) -> bool:
    """Whether a complete login shows nothing of its API: it listens elsewhere, and another login would too."""
    login = now.login
    if login.completed is None or login.proven or login.state not in _MAY_STALL:
        return False
    return now.port_closed and _stood(now, login.completed) > PORT_OPENS_WITHIN


def _stood(now: SentinelSnapshot, since: datetime) -> timedelta:
    """For how long this sentinel has seen it stand: what the log tells of before, the API may have overtaken."""
    return now.now - max(since, now.looked_since or since)


_MAY_STALL: Final = frozenset(
    {
        LoginState.STARTING,
        LoginState.LOGGING_IN,
        LoginState.RESTARTING,
        LoginState.SESSION_CONFLICT,
    }
)
