"""The lines below the header: what is going on, in words, before and after the password."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.console.login_words import GatewayIdentity
from ibgateway_agent.console.status_words import document
from ibgateway_api.console_documents import ConsoleReport, QueueReport
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=30)
SUNDAY = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)


def told(state: LoginState = LoginState.LOGGED_IN, **more: object) -> ConsoleReport:
    known: dict[str, object] = {"at": NOW, "since": NOW, "restart": SUNDAY, "dailyAttempts": 6}
    return ConsoleReport.model_validate({"state": state, **known, **more})


def lines(report: ConsoleReport) -> dict[str, str]:
    """Each line's text, with its time where it has one."""
    found = document(GatewayIdentity(), report)["lines"]
    assert isinstance(found, list)
    return {line["id"]: line["text"].replace("{at}", line.get("at", "")) for line in found}


def test_a_login_says_who_has_the_session_when_it_restarts_and_what_waits() -> None:
    queue = QueueReport(at=NOW, waiting=3, sent=1)
    assert lines(told(queue=queue, attemptsToday=1)) == {
        "session": "This gateway has the session",
        "restart": "Next weekly restart, with one push: 2026-11-29T14:00:00Z",
        "attempts": "Attempts that may push, in 24 hours: 1 of 6",
        "queue": "Orders: 3 waiting, 1 at IBKR",
    }


def test_a_push_has_its_deadline_and_the_servers_clock() -> None:
    shown = document(GatewayIdentity(), told(LoginState.AWAITING_APPROVAL, deadline=UNTIL))
    assert (shown["at"], shown["since"]) == ("2026-11-25T15:00:00Z", "2026-11-25T15:00:00Z")
    assert shown["deadline"] == "2026-11-25T15:30:00Z"


@pytest.mark.parametrize("refusal", sorted(set(PermitRefusal) - {PermitRefusal.ALREADY_HANDLED}))
def test_every_refusal_has_words_and_its_time(refusal: PermitRefusal) -> None:
    line = lines(told(LoginState.WAITING_FOR_PERMIT, refusal=refusal, refusedUntil=UNTIL))
    assert line["refusal"].endswith(", until 2026-11-25T15:30:00Z")
    assert "is allowed now:" not in line["refusal"]


def test_a_refusal_of_another_version_is_named() -> None:
    line = lines(told(LoginState.WAITING_FOR_PERMIT, refusal="Eclipse"))["refusal"]
    assert line == "No attempt is allowed now: Eclipse"


@pytest.mark.parametrize(("costs", "words"), [(True, "one push"), (False, "no push")])
def test_a_handover_says_until_when_and_what_its_return_costs(costs: bool, words: str) -> None:
    report = told(LoginState.STOPPED, handoverUntil=UNTIL, handoverCostsPush=costs)
    assert lines(report)["session"] == (
        f"A person has the login until 2026-11-25T15:30:00Z; its return costs {words}"
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (LoginState.SESSION_CONFLICT, "Another login with this user name has the session"),
        (LoginState.REJECTED, "Nobody has the session through this gateway"),
        (LoginState.UNKNOWN, "Who has the session is not known"),
    ],
)
def test_who_has_the_session_is_said_of_every_state(state: LoginState, words: str) -> None:
    assert lines(told(state))["session"] == words


def test_a_week_without_its_login_says_that_a_push_is_due() -> None:
    assert lines(told(weekOpen=True))["restart"] == (
        "This week's login is due: a restart and a push, 2026-11-29T14:00:00Z"
    )


def test_a_sentinel_of_an_older_version_has_no_lines() -> None:
    assert document(GatewayIdentity(), ConsoleReport(state=LoginState.LOGGED_IN))["lines"] == []
    assert document(GatewayIdentity(), None)["lines"] == []
