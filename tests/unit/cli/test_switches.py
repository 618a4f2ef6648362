"""`suspend`, `resume`, `handover`, `pause`: what is held, what coming back costs, and how it ended."""

import json
from typing import Any

import pytest

from ibgateway_cli.errors import ExitCode
from ibgateway_cli.executor.connection import ATTEMPTS
from plugin_fakes import PluginWorld, gateway_object, golden
from plugin_fakes.objects import condition, login_status, trading_status

Json = dict[str, Any]
HANDED = "2026-12-02T08:30:00Z"


def patches(world: PluginWorld) -> list[Json]:
    calls = [call for call in world.kubectl.calls if call[0] == "patch"]
    return [json.loads(call[4].removeprefix("--patch=")) for call in calls]


def stopped() -> Json:
    return login_status("Stopped", "the gateway is suspended", since="2026-12-02T08:00:30Z")


def handed_over(*, costs_push: bool = False, until: str = HANDED) -> Json:
    message = f"no login attempt is allowed now: HandedOver, until {until}: a person has the login"
    status = login_status("WaitingForPermit", message, since="2026-12-02T08:00:50Z")
    closed = condition("TradingAllowed", "False", "HandedOver", "a person has the login")
    status["conditions"] = [
        closed if c["type"] == "TradingAllowed" else c for c in status["conditions"]
    ]
    status["handover"] = {"request": until, "until": until, "costsPush": costs_push}
    return status


def test_suspend_says_what_coming_back_costs_and_waits_for_the_logout() -> None:
    world = PluginWorld()
    world.answers = ["yes\n"]
    world.later = [lambda: None, world.becomes(stopped(), suspend=True)]
    golden("suspend", world.run("suspend").golden())
    assert patches(world) == [{"spec": {"suspend": True}}]


def test_who_made_it_with_helm_is_told_to_change_the_release() -> None:
    world = PluginWorld()
    gateway = gateway_object()
    gateway["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    world.kubectl.add(gateway)
    world.later = [world.becomes(stopped(), suspend=True)]
    assert "spec.suspend=true into the values" in " ".join(
        world.run("suspend", "--yes").error.split()
    )


def test_resume_follows_to_the_login() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=stopped(), suspend=True))
    world.answers = ["y\n"]
    starting = login_status("Starting", "it starts", since="2026-12-02T08:00:33Z")
    world.later = [world.becomes(starting), world.becomes(trading_status())]
    golden("resume", world.run("resume").golden())
    assert patches(world) == [{"spec": {"suspend": False}}]


def test_resume_without_a_permit_says_when_the_next_attempt_is() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=stopped(), suspend=True))
    waits = login_status(
        "WaitingForPermit",
        "no login attempt is allowed now: QuietHours, until 2026-12-02T12:00:00Z: nothing pushes in"
        " spec.login.quietHours: it goes on by itself then",
    )
    world.later = [world.becomes(waits)]
    shown = world.run("resume", "--yes")
    assert shown.code == 0
    assert "WaitingForPermit (QuietHours, next attempt at 2026-12-02 12:00:00Z)" in " ".join(
        shown.out.split()
    )


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        (
            "ApprovalMissed",
            ExitCode.MISSED,
            "error: the push was not approved\nnext: kubectl ibgateway login paper asks for another",
        ),
        ("Rejected", ExitCode.FAILED, "error: the login has come to Rejected\nnext: "),
        ("NeedsPerson", ExitCode.FAILED, "error: the login has come to NeedsPerson\nnext: "),
    ],
)
def test_a_resume_that_comes_to_no_login_says_so(state: str, code: ExitCode, said: str) -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=stopped(), suspend=True))
    ended = login_status(state, "why", since="2026-12-02T08:03:01Z")
    world.later = [world.becomes(ended, suspend=False)]
    shown = world.run("resume", "--yes", "-o", "json")
    assert shown.code == code
    assert said in shown.error
    assert json.loads(shown.out)["state"] == state


@pytest.mark.parametrize(("command", "suspend"), [("suspend", True), ("resume", False)])
def test_a_switch_that_is_there_already_is_refused(command: str, suspend: bool) -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(suspend=suspend))
    assert world.run(command, "--yes").code == ExitCode.REFUSED
    assert patches(world) == []


def test_a_handover_says_its_price_and_waits_until_the_login_is_free() -> None:
    world = PluginWorld()
    world.answers = ["y\n"]
    world.later = [lambda: None, world.becomes(handed_over())]
    golden("handover", world.run("handover", "--for", "30m").golden())
    assert patches(world) == [
        {"metadata": {"annotations": {"ibgateway.dev/handover-until": HANDED}}}
    ]


def test_over_the_weeks_end_it_costs_a_push_and_says_so_before() -> None:
    status = trading_status()
    status["window"]["opens"] = "2026-12-02T08:20:00Z"
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=status))
    world.answers = ["no\n"]
    shown = world.run("handover", "--for", "30m")
    assert "Its return COSTS A PUSH" in " ".join(shown.error.split())
    assert patches(world) == []


def test_the_login_comes_back_when_it_is_ended() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=handed_over()))
    world.answers = ["y\n"]
    world.later = [lambda: None, world.becomes(trading_status())]
    golden("handover-end", world.run("handover", "--end").golden())
    assert patches(world) == [{"metadata": {"annotations": {"ibgateway.dev/handover-until": None}}}]


LATER = "2026-12-02T09:00:00Z"


def test_a_handover_that_moves_is_given_once_the_gateway_waits_until_then() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=handed_over()))
    half = handed_over(costs_push=True) | {"handover": handed_over(until=LATER)["handover"]}
    half["handover"]["costsPush"] = True  # the operator's guess, before the sentinel has said
    world.later = [lambda: None, world.becomes(half), world.becomes(handed_over(until=LATER))]
    shown = world.run("handover", "--for", "1h", "--yes", "-o", "json")
    assert (shown.code, world.later) == (0, [])
    assert json.loads(shown.out)["costsPush"] is False
    assert json.loads(shown.out)["until"] == LATER
    said = " ".join(shown.error.split())
    assert "until 2026-12-02 09:00:00Z. It comes back by the week's token: NO PUSH follows" in said


def test_a_handover_that_moves_and_is_ignored_is_refused_although_one_stands() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=handed_over()))
    ignored = handed_over()
    ignored["handover"]["ignored"] = LATER
    world.later = [world.becomes(ignored)]
    assert world.run("handover", "--for", "1h", "--yes").code == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("status", "opens", "cost"),
    [
        (handed_over(costs_push=True), "2026-12-06T06:00:00Z", "Its return COSTS A PUSH"),
        (handed_over(), "2026-12-02T08:45:00Z", "Its return COSTS A PUSH"),
        (handed_over() | {"handover": {}}, "2026-12-06T06:00:00Z", "MAY COST A PUSH"),
    ],
)
def test_what_a_handover_that_moves_costs_is_said_by_the_one_that_stands(
    status: Json, opens: str, cost: str
) -> None:
    world = PluginWorld()
    window = status["window"] | {"opens": opens}
    world.kubectl.add(gateway_object(status=status | {"window": window}))
    world.answers = ["n\n"]
    assert cost in " ".join(world.run("handover", "--for", "1h").error.split())
    assert patches(world) == []


def at_console(kept: Json) -> Json:
    """A person has taken the login at the console; `kept` is what the operator remembers of an annotation."""
    status = handed_over()
    status["handover"] = kept
    return status


OVER: Json = {"request": "2026-12-01T09:00:00Z", "until": "2026-12-01T09:00:00Z"}


@pytest.mark.parametrize("kept", [{}, OVER])
def test_a_login_that_was_taken_at_the_console_is_given_back_there(kept: Json) -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=at_console(kept)))
    shown = world.run("handover", "--end", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert shown.error == (
        "error: the login was taken at the console, and is given back there\n"
        "next: kubectl ibgateway vnc paper\n"
    )
    assert patches(world) == []
    assert "next: kubectl ibgateway vnc paper: it was taken at" in world.run("login", "--yes").error
    assert json.loads(world.run("status", "-o", "json").out)["next"] == [
        "kubectl ibgateway vnc paper -n trading"
    ]


def test_what_is_over_in_the_status_and_drains_yet_is_not_given_back_by_the_annotation() -> None:
    status = trading_status() | {"handover": OVER}
    status["conditions"] = handed_over()["conditions"]
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=status))
    assert world.run("handover", "--end", "--yes").code == ExitCode.REFUSED
    assert patches(world) == []


def test_a_handover_that_was_asked_for_here_is_ended_here() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=handed_over()))
    assert "handover paper --end" in world.run("login", "--yes").error
    assert json.loads(world.run("status", "-o", "json").out)["next"] == [
        "kubectl ibgateway handover paper -n trading --end"
    ]


def test_a_handover_that_the_operator_ignores_is_refused() -> None:
    world = PluginWorld()
    ignored = trading_status()
    ignored["handover"]["ignored"] = HANDED
    world.later = [world.becomes(ignored)]
    assert world.run("handover", "--for", "30m", "--yes").code == ExitCode.REFUSED


@pytest.mark.parametrize(
    "words", [["--for", "soon"], ["--for", "0s"], ["--for", "4d"], [], ["--for", "1h", "--end"]]
)
def test_what_is_no_duration_is_wrong_usage(words: list[str]) -> None:
    world = PluginWorld()
    shown = world.run("handover", *words, "--yes")
    assert shown.code == ExitCode.USAGE
    assert patches(world) == []


PAUSED: Json = {
    "paused": True,
    "by": "anna",
    "reason": "a look",
    "since": "2026-12-02T08:00:00Z",
    "unacknowledged": 1,
}
RUNNING: Json = {"paused": False, "by": None, "reason": None, "since": None, "unacknowledged": 0}


def test_trading_is_paused_with_who_and_why() -> None:
    world = PluginWorld()
    world.executor.answers["POST", "/v1/pause"] = PAUSED
    golden("pause", world.run("pause", "--reason", "a look", "--by", "anna").golden())
    [request] = world.executor.requests
    assert json.loads(request.content) == {"by": "anna", "reason": "a look"}
    assert request.headers["Authorization"] == "Bearer client-token-canary-22"
    assert "canary" not in str(world.kubectl.calls)


def test_a_persons_words_are_shown_as_they_are() -> None:
    world = PluginWorld()
    world.executor.answers["POST", "/v1/pause"] = {**PAUSED, "reason": "see [red]ticket[/red] [1]"}
    assert "see [red]ticket[/red] [1]" in world.run("pause", "--reason", "x").out


def test_a_pause_ends() -> None:
    world = PluginWorld()
    world.executor.answers["POST", "/v1/resume"] = RUNNING
    shown = world.run("pause", "--end", "--by", "anna")
    assert (shown.code, shown.out) == (0, "Trading of trading/paper is not paused\n")
    assert shown.error == "PAPER, gateway trading/paper: what waits goes to IBKR again.\n"
    assert json.loads(world.executor.requests[0].content) == {"by": "anna"}


def test_without_a_reason_it_only_looks() -> None:
    world = PluginWorld()
    world.executor.answers["GET", "/v1/pause"] = PAUSED
    shown = world.run("pause", "-o", "yaml")
    assert "paused: true" in shown.out
    assert [request.method for request in world.executor.requests] == ["GET"]


def test_a_gateway_without_an_executor_has_nothing_to_pause() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(executor={"enabled": False}))
    assert world.run("pause", "--reason", "x").code == ExitCode.REFUSED


def test_an_executor_that_says_no_says_so_in_its_own_words() -> None:
    world = PluginWorld()
    shown = world.run("pause", "--reason", "x")
    assert shown.code == ExitCode.NOT_FOUND
    assert shown.error.endswith(
        "error: none\nnext: upgrade the executor: it knows less than this plugin\n"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--reason", "x"), ExitCode.UNANSWERED),
        (("--end",), ExitCode.UNANSWERED),
        ((), ExitCode.UNREACHABLE),
    ],
)
def test_a_lost_answer_of_a_pause_may_have_happened_and_a_look_has_not(
    words: tuple[str, ...], code: ExitCode
) -> None:
    world = PluginWorld(later=[lambda: None] * 9)
    world.executor.down = True
    shown = world.run("pause", *words)
    assert shown.code == code
    assert ("nobody knows whether" in shown.error) is (code is ExitCode.UNANSWERED)
    assert len(world.executor.requests) == ATTEMPTS


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("no name")])
def test_a_user_without_a_name_pauses_too(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nobody)
    world = PluginWorld()
    paused = {"paused": True, "by": "kubectl ibgateway", "reason": "r", "since": None}
    world.executor.answers["POST", "/v1/pause"] = {**paused, "unacknowledged": 0}
    assert world.run("pause", "--reason", "r").code == 0
    [request] = [r for r in world.executor.requests if r.method == "POST"]
    assert json.loads(request.content)["by"] == "kubectl ibgateway"
