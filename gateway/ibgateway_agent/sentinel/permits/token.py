"""Which token is of no use any more, by what the ledger and the login say. Pure."""

from typing import Final

from ibgateway_agent.sentinel.permits.records import NoteKind, Records
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import AttemptOutcome, PermitKind


def token_failed(records: Records, login: Login) -> bool:
    """A token that did not log in is not tried twice, whoever began that start."""
    return _attempt_failed(records) or _noted_dead(records, login)


def no_token_follows(login: Login) -> bool:
    """Whether a process that ends now is followed by a full login: a token's file would mislead IBC."""
    return login.state in _FULL_LOGIN_FOLLOWS


def _attempt_failed(records: Records) -> bool:
    last = records.last_used()
    if last is None or last.kind is not PermitKind.TOKEN:
        return False
    return last.outcome not in (AttemptOutcome.LOGGED_IN, AttemptOutcome.SETTLED)


def _noted_dead(records: Records, login: Login) -> bool:
    """A full login after it brings a new token."""
    dead, full = records.last_noted(NoteKind.TOKEN_DEAD), login.full_auth_time
    return dead is not None and (full is None or full <= dead)


_FULL_LOGIN_FOLLOWS: Final = frozenset(
    {
        LoginState.LOGGING_IN,
        LoginState.AWAITING_APPROVAL,
        LoginState.APPROVAL_MISSED,
        LoginState.LOGGED_IN,
        LoginState.REJECTED,
        LoginState.LOCKED_OUT,
        LoginState.TOKEN_EXPIRED,
        LoginState.NEEDS_PERSON,
    }
)
"""Not a nightly shutdown that hangs, nor a session that was lost: their token may be good."""
