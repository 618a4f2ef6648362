"""What a row of the page says: the cost of each button, and the command that does the same."""

import pytest

from ibgateway_agent.console.offer_words import rows
from ibgateway_api.console_documents import ActionOffer, ConsoleAction, ConsoleReport
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key

PAPER = Key("trading", "paper")
EVERY = tuple(ActionOffer(action=action) for action in ConsoleAction)


def told(*offers: ActionOffer, week_open: bool = False) -> ConsoleReport:
    return ConsoleReport(state=LoginState.LOGGED_IN, offers=offers, week_open=week_open)


def row(offer: ActionOffer, **more: bool) -> dict[str, str]:
    return rows(PAPER, told(offer, **more))[0]


@pytest.mark.parametrize(
    ("action", "why", "cost"),
    [
        (ConsoleAction.LOGIN, "", "one push"),
        (
            ConsoleAction.RESTART,
            "this week's login is due",
            "one push, because this week's login is due",
        ),
        (
            ConsoleAction.HANDOVER,
            "there is no token",
            "one push when it ends, because there is no token",
        ),
    ],
)
def test_a_push_is_named_before_it_is_sent(action: ConsoleAction, why: str, cost: str) -> None:
    assert row(ActionOffer(action=action, pushes=True, why=why))["cost"] == cost


@pytest.mark.parametrize("action", ConsoleAction)
def test_what_sends_no_push_says_so(action: ConsoleAction) -> None:
    assert row(ActionOffer(action=action))["cost"].startswith("no push")


@pytest.mark.parametrize(
    ("action", "week_open", "command"),
    [
        (ConsoleAction.RESTART, False, "kubectl --namespace trading delete pod paper-gateway-0"),
        (
            ConsoleAction.HANDOVER,
            False,
            "kubectl --namespace trading annotate --overwrite ibgw/paper"
            " ibgateway.dev/handover-until=30m",
        ),
        (
            ConsoleAction.HAND_BACK,
            False,
            "kubectl --namespace trading annotate ibgw/paper ibgateway.dev/handover-until-",
        ),
        (ConsoleAction.PAUSE, False, ""),
    ],
)
def test_the_command_does_the_same(action: ConsoleAction, week_open: bool, command: str) -> None:
    assert row(ActionOffer(action=action), week_open=week_open)["command"] == command


def test_a_handover_says_that_its_command_acts_once_where_there_is_one() -> None:
    told_of = told(*EVERY)
    noted = {one["action"]: one["note"] for one in rows(PAPER, told_of) if one["note"]}
    assert list(noted) == [ConsoleAction.HANDOVER]
    assert "remove the annotation when you are back" in noted[ConsoleAction.HANDOVER]
    assert {one["note"] for one in rows(None, told_of)} == {""}


def test_a_restart_of_the_week_is_the_login_that_is_asked_for() -> None:
    restart = row(ActionOffer(action=ConsoleAction.RESTART), week_open=True)["command"]
    assert restart == row(ActionOffer(action=ConsoleAction.LOGIN))["command"]
    assert "ibgateway.dev/login-requested-at=$(date -u +" in restart


def test_suspending_is_for_the_api_server_alone() -> None:
    last = rows(PAPER, told(*EVERY))[-1]
    assert (last["action"], last["label"]) == ("", "Suspend")
    assert "patch ibgw paper --type merge" in last["command"]


def test_a_console_without_a_name_names_no_command() -> None:
    assert {one["command"] for one in rows(None, told(*EVERY))} == {""}
    assert rows(PAPER, told()) == []


@pytest.mark.parametrize("pushes", [True, False])
def test_a_row_tells_whether_its_cost_is_a_push(pushes: bool) -> None:
    found = row(ActionOffer(action=ConsoleAction.LOGIN, pushes=pushes))
    assert bool(found["pushes"]) is pushes
