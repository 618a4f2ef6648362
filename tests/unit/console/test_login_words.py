"""What the page is told of its gateway, for every login state."""

import pytest

from ibgateway_agent.console.login_words import WORDS, GatewayIdentity
from ibgateway_agent.console.status_words import document
from ibgateway_api.accounts import TradingMode
from ibgateway_api.console_documents import ConsoleReport
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key

LIVE = GatewayIdentity(Key("trading", "ib-live"), TradingMode.LIVE)


def shown_of(state: LoginState | None, gateway: GatewayIdentity = LIVE) -> dict[str, str]:
    """What the page shows of a sentinel that says a word and no more."""
    shown = document(gateway, ConsoleReport(state=state) if state else None)
    return {name: text for name, text in shown.items() if isinstance(text, str)}


@pytest.mark.parametrize("state", LoginState)
def test_every_state_has_words_and_only_a_login_is_called_one(state: LoginState) -> None:
    shown = shown_of(state)
    assert (shown["name"], shown["mode"], shown["login"]) == ("trading/ib-live", "live", state)
    assert (shown["words"] == "Logged in to IBKR") is (state is LoginState.LOGGED_IN)
    assert shown["noScreen"]


def test_no_two_states_have_the_same_words() -> None:
    assert len(set(WORDS.values())) == len(LoginState)


@pytest.mark.parametrize(
    ("state", "asks"),
    [
        (LoginState.WAITING_FOR_PERMIT, True),
        (LoginState.APPROVAL_MISSED, True),
        (LoginState.REJECTED, False),
        (LoginState.SESSION_CONFLICT, False),
        (LoginState.STOPPED, False),
    ],
)
def test_a_gateway_that_does_not_run_says_what_to_do_instead(state: LoginState, asks: bool) -> None:
    lines = shown_of(state)["noScreen"].splitlines()
    assert "is not running now" in lines[0]
    assert "kubectl --namespace trading describe ibgw ib-live" in lines
    request = (
        "kubectl --namespace trading annotate --overwrite ibgw/ib-live"
        " ibgateway.dev/login-requested-at=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    )
    assert (request in lines) is asks


@pytest.mark.parametrize("state", [LoginState.LOGGED_IN, LoginState.AWAITING_APPROVAL])
def test_a_display_that_is_lost_costs_no_login(state: LoginState) -> None:
    shown = shown_of(state)["noScreen"]
    assert "runs" in shown
    assert "login-requested-at" not in shown


def test_a_pod_that_is_not_heard_is_no_reason_to_ask_for_a_login() -> None:
    shown = shown_of(None)
    assert (shown["login"], shown["words"][:22]) == ("", "The login is not known")
    assert "describe ibgw ib-live" in shown["noScreen"]
    assert "login-requested-at" not in shown["noScreen"]


@pytest.mark.parametrize(
    "state", [LoginState.STARTING, LoginState.LOGGING_IN, LoginState.RESTARTING]
)
def test_a_window_that_comes_by_itself_needs_no_command(state: LoginState) -> None:
    assert "kubectl" not in shown_of(state)["noScreen"]


def test_a_console_that_was_told_no_name_names_none() -> None:
    shown = shown_of(LoginState.STOPPED, GatewayIdentity())
    assert (shown["name"], shown["mode"]) == ("", "")
    assert "kubectl" not in shown["noScreen"]
