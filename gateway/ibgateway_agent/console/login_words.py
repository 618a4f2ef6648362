"""What the page says of a login state: in a line, and where there is no screen. Pure.

A screen that is connected is no login at IBKR, so the page tells both, each by its name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key

WORDS: Final = {
    LoginState.STARTING: "Not logged in: IB Gateway is starting",
    LoginState.WAITING_FOR_PERMIT: "Not logged in: no login attempt is allowed now",
    LoginState.LOGGING_IN: "Not logged in yet: IB Gateway is logging in",
    LoginState.AWAITING_APPROVAL: "Not logged in yet: approve the push on IBKR Mobile",
    LoginState.APPROVAL_MISSED: "Not logged in: the push was not approved",
    LoginState.LOGGED_IN: "Logged in to IBKR",
    LoginState.CONNECTION_LOST: "The connection to IBKR is lost; it comes back by itself",
    LoginState.SESSION_CONFLICT: "Not logged in: somebody else is, with this user name",
    LoginState.REJECTED: "Not logged in: IBKR refused user name or password",
    LoginState.LOCKED_OUT: "Not logged in: IBKR has locked the user name",
    LoginState.TOKEN_EXPIRED: "Not logged in: the week's token is used up",
    LoginState.NEEDS_PERSON: "Not logged in: the window asks something only a person can answer",
    LoginState.RESTARTING: "Not logged in: IB Gateway restarts",
    LoginState.API_UNRESPONSIVE: "Logged in, but the API does not answer",
    LoginState.STOPPED: "Not logged in: IB Gateway has ended",
    LoginState.UNKNOWN: "The login is not known: the sentinel sees no sign of it now",
}
NOT_HEARD: Final = "The login is not known: nothing is heard from the gateway's pod"
_NO_POD: Final = "Nothing is heard from the gateway's pod: it is suspended, or it can't start yet."
_SOON: Final = "IB Gateway is starting: its window appears here by itself."
_RUNS: Final = "IB Gateway runs, but its display does not answer."
_ENDED: Final = "IB Gateway is not running now, so there is no window."
_FIRST_LINES: Final = {
    None: _NO_POD,
    LoginState.STARTING: _SOON,
    LoginState.LOGGING_IN: _SOON,
    LoginState.RESTARTING: _SOON,
    LoginState.AWAITING_APPROVAL: _RUNS,
    LoginState.LOGGED_IN: _RUNS,
    LoginState.CONNECTION_LOST: _RUNS,
    LoginState.API_UNRESPONSIVE: _RUNS,
}
_A_REQUEST_HELPS: Final = {
    LoginState.WAITING_FOR_PERMIT,
    LoginState.APPROVAL_MISSED,
    LoginState.NEEDS_PERSON,
}


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """Whose window this is; None where nobody said so."""

    key: Key | None = None
    mode: TradingMode | None = None


def no_screen(key: Key | None, state: LoginState | None) -> Iterator[str]:
    """Why there may be no screen and what a person can do; some lines are commands."""
    yield (first := _FIRST_LINES.get(state, _ENDED))
    if key is None or first is _SOON:
        return
    kubectl = f"kubectl --namespace {key.namespace}"
    yield "Why, until when, and what helps:"
    yield f"{kubectl} describe ibgw {key.name}"
    if state in _A_REQUEST_HELPS:
        yield "Where that names nothing to correct first, ask for one attempt, your phone in your hand:"
        yield (
            f"{kubectl} annotate --overwrite ibgw/{key.name}"
            f" {names.ANNOTATION_LOGIN_REQUESTED_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
        )
