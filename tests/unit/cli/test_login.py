"""`login` and `restart`: what a push costs is said before, no push is asked for in vain, and the outcome is the exit code."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, SupportsIndex

import pytest

from ibgateway_cli.errors import ExitCode
from ibgateway_cli.status.attempt import RequestedAttempt, words
from ibgateway_cli.status.overview import facts_of
from plugin_fakes import PluginWorld, gateway_object, golden
from plugin_fakes.objects import condition, event_object, login_status, trading_status

REQUEST = "2026-12-02T08:00:00Z"
Json = dict[str, Any]


def missed() -> Json:
    return login_status("ApprovalMissed", "ask for another one", attemptsToday=2)


def awaiting() -> Json:
    return login_status(
        "AwaitingApproval",
        "approve the push on IBKR Mobile until 2026-12-02T08:03:00Z",
        since="2026-12-02T08:00:02Z",
        deadline="2026-12-02T08:03:00Z",
        handledRequest=REQUEST,
        attemptsToday=3,
    )


def back(request: str = REQUEST) -> Json:
    status = trading_status()
    status["login"] |= {"since": "2026-12-02T08:00:40Z", "handledRequest": request}
    return status


def world_of(status: Json, **spec: Any) -> PluginWorld:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=status, **spec))
    return world


def asked(world: PluginWorld) -> list[list[str]]:
    """Every write that reached the cluster."""
    return [call for call in world.kubectl.calls if call[0] in ("patch", "delete")]


def test_a_push_is_asked_for_counted_down_and_approved() -> None:
    world = world_of(missed())
    world.answers = ["y\n"]
    world.later = [lambda: None, world.becomes(awaiting()), lambda: None, world.becomes(back())]
    shown = world.run("login")
    golden("login-approved", shown.golden())
    [patch] = asked(world)
    assert json.loads(patch[4].removeprefix("--patch=")) == {
        "metadata": {"annotations": {"ibgateway.dev/login-requested-at": REQUEST}}
    }


def test_who_says_no_is_sent_no_push() -> None:
    world = world_of(missed())
    world.answers = ["n\n"]
    shown = world.run("login")
    assert shown.code == ExitCode.FAILED
    assert "ONE PUSH" in shown.error
    assert asked(world) == []


def test_without_a_terminal_and_without_yes_nothing_is_asked_for() -> None:
    world = world_of(missed())
    world.person = False
    golden("login-nobody-there", world.run("login").golden())
    assert asked(world) == []


def test_a_script_says_yes_and_reads_each_change_once() -> None:
    world = world_of(missed())
    world.person = False
    world.later = [world.becomes(awaiting()), lambda: None, lambda: None, world.becomes(back())]
    shown = world.run("login", "--yes", "-o", "json")
    assert shown.code == 0
    assert json.loads(shown.out)["result"] == "LoggedIn"
    assert shown.error.count("Approve the push") == 1


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("ApprovalMissed", ExitCode.MISSED, "error: the push was not approved"),
        ("Rejected", ExitCode.FAILED, "error: the login has come to Rejected"),
        ("LockedOut", ExitCode.FAILED, "error: the login has come to LockedOut"),
        ("NeedsPerson", ExitCode.FAILED, "error: the login has come to NeedsPerson"),
        ("SessionConflict", ExitCode.FAILED, "error: the login has come to SessionConflict"),
    ],
)
def test_what_comes_of_it_is_the_exit_code(state: str, code: ExitCode, words: str) -> None:
    world = world_of(missed())
    ended = login_status(state, "why", since="2026-12-02T08:03:01Z", handledRequest=REQUEST)
    world.later = [world.becomes(awaiting()), world.becomes(ended)]
    shown = world.run("login", "--yes")
    assert shown.code == code
    assert words in shown.error
    assert "next: " in shown.error


def test_the_state_from_before_the_request_is_no_outcome() -> None:
    world = world_of(missed())
    still = missed()
    still["login"]["handledRequest"] = REQUEST
    world.later = [world.becomes(still), world.becomes(still), world.becomes(back())]
    assert world.run("login", "--yes").code == 0


def test_a_request_that_the_operator_ignores_is_refused_in_its_words() -> None:
    world = world_of(missed())
    note = f"ibgateway.dev/login-requested-at={REQUEST} is ignored: it lies in the future"
    world.kubectl.add(event_object(1, "IBGateway/paper", "LoginRequestIgnored", note))
    ignored = missed()
    ignored["login"]["ignoredRequest"] = REQUEST
    world.later = [world.becomes(ignored)]
    shown = world.run("login", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert f"error: {note}" in shown.error


def test_a_request_that_is_ignored_is_refused_where_events_cannot_be_read_too() -> None:
    world = world_of(missed())
    world.kubectl.refused["get", "event"] = "Error from server (Forbidden): no"
    ignored = missed()
    ignored["login"]["ignoredRequest"] = REQUEST
    world.later = [world.becomes(ignored)]
    shown = world.run("login", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert "error: the operator has ignored the request" in shown.error


AWAY = "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host?"


def goes_away(world: PluginWorld) -> Callable[[], None]:
    """For `later`: no answer of the API server from now on."""

    def change() -> None:
        world.kubectl.refused["get", "ibgateway"] = AWAY

    return change


def is_back(world: PluginWorld) -> Callable[[], None]:
    return world.kubectl.refused.clear


def test_an_api_server_that_is_away_while_a_push_waits_is_waited_for() -> None:
    world = world_of(missed())
    world.later = [
        world.becomes(awaiting()),
        *(goes_away(world), lambda: None, is_back(world)),
        world.becomes(back()),
    ]
    shown = world.run("login", "--yes")
    assert shown.code == 0, shown.error
    assert " ".join(shown.error.split()).count(f"{AWAY}: looking again.") == 1
    assert len(asked(world)) == 1


def test_an_api_server_that_stays_away_is_an_unknown_outcome() -> None:
    world = world_of(missed())
    world.later = [goes_away(world), *([lambda: None] * 1000)]
    shown = world.run("login", "--yes")
    assert shown.code == ExitCode.UNANSWERED
    assert "error: it has not ended by 2026-12-02 08:15:00Z" in shown.error


@pytest.mark.parametrize(
    ("words", "verb", "status", "spec"),
    [
        ("login", "patch ibgateway", missed(), {}),
        ("restart", "delete pod", trading_status(), {}),
        ("suspend", "patch ibgateway", trading_status(), {}),
        ("resume", "patch ibgateway", login_status("Stopped", "suspended"), {"suspend": True}),
        ("handover --for 30m", "patch ibgateway", trading_status(), {}),
    ],
)
def test_a_write_whose_answer_is_lost_may_have_been_asked_for(
    words: str, verb: str, status: Json, spec: Json
) -> None:
    world = world_of(status, **spec)
    write, _, kind = verb.partition(" ")
    world.kubectl.refused[write, kind] = "error: unexpected EOF"
    shown = world.run(*words.split(), "--yes")
    assert shown.code == ExitCode.UNANSWERED
    assert shown.error.endswith(
        "error: nobody knows whether it is asked for: unexpected EOF\n"
        "next: look at kubectl ibgateway status paper before you ask again\n"
    )


def test_a_write_that_is_not_allowed_has_asked_for_nothing() -> None:
    world = world_of(missed())
    world.kubectl.refused["patch", "ibgateway"] = "Error from server (Forbidden): no"
    assert world.run("login", "--yes").code == ExitCode.NOT_ALLOWED


def test_nobody_who_tells_how_it_ended_is_an_unknown_outcome() -> None:
    world = world_of(missed())
    world.later = [lambda: None] * 1000
    shown = world.run("login", "--yes")
    assert shown.code == ExitCode.UNANSWERED
    # ten minutes for the request, three for the push, two for what comes of it
    assert "error: it has not ended by 2026-12-02 08:15:00Z" in shown.error


def test_a_stop_that_looked_like_a_login_is_followed_by_one_that_is_asked_for() -> None:
    stopping = login_status("Restarting", "it stops", since="2026-12-02T07:59:59Z")
    waits = login_status(
        "WaitingForPermit",
        "no login attempt is allowed now: Interval, until 2026-12-02T08:15:00Z: spaced",
        since="2026-12-02T08:00:01Z",
    )
    world = world_of(stopping)
    later = awaiting()
    later["login"]["handledRequest"] = "2026-12-02T08:00:02Z"
    world.later = [
        *(lambda: None, world.becomes(waits)),
        *(world.becomes(later), world.becomes(back("2026-12-02T08:00:02Z"))),
    ]
    shown = world.run("login", "--yes")
    assert shown.code == 0, shown.error
    assert "under way already" in shown.error
    assert "ONE PUSH" in shown.error
    [patch] = asked(world)
    assert "2026-12-02T08:00:02Z" in patch[4]


@pytest.mark.parametrize("command", ["login", "restart"])
@pytest.mark.parametrize("state", ["Starting", "LoggingIn", "Restarting", "AwaitingApproval"])
def test_a_login_that_is_under_way_is_followed_and_no_second_one_asked_for(
    command: str, state: str
) -> None:
    world = world_of(login_status(state, "it goes on"))
    world.later = [lambda: None, world.becomes(back())]
    shown = world.run(command)
    assert shown.code == 0
    assert "no second one is asked for" in shown.error
    assert asked(world) == []


def handed_over() -> Json:
    status = login_status("WaitingForPermit", "HandedOver, until 2026-12-02T08:30:00Z: it is yours")
    closed = condition("TradingAllowed", "False", "HandedOver", "a person has the login")
    status["conditions"] = [
        closed if c["type"] == "TradingAllowed" else c for c in status["conditions"]
    ]
    status["handover"] = {"request": "30m", "until": "2026-12-02T08:30:00Z", "costsPush": False}
    return status


def blocked() -> Json:
    status = login_status("Unknown", "nothing is heard")
    missing = condition("Ready", "False", "CredentialsMissing", "the Secret x does not exist")
    status["conditions"] = [missing if c["type"] == "Ready" else c for c in status["conditions"]]
    return status


MAINTENANCE = login_status(
    "WaitingForPermit",
    "no login attempt is allowed now: Maintenance, until 2026-12-02T11:00:00Z: IBKR answers no login now,"
    " whoever asks: it goes on by itself then",
)


@pytest.mark.parametrize(
    ("status", "spec", "sentence"),
    [
        (trading_status(), {}, "it is logged in and the week is authenticated"),
        (missed(), {"suspend": True}, "the gateway is suspended: nothing logs in"),
        (handed_over(), {}, "a person has the login until 2026-12-02 08:30:00Z"),
        (blocked(), {}, "no attempt would begin: CredentialsMissing"),
        (login_status("Unknown", "nothing is heard"), {}, "nothing is known of its login yet"),
        (
            MAINTENANCE,
            {},
            "no attempt is allowed now, whoever asks: Maintenance, next attempt at 2026-12-02 11:00:00Z",
        ),
    ],
)
def test_what_would_come_to_nothing_is_refused_before_it_is_asked_for(
    status: Json, spec: Json, sentence: str
) -> None:
    world = world_of(status, **spec)
    shown = world.run("login", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert shown.error.startswith(f"error: {sentence}")
    assert "\nnext: " in shown.error
    assert asked(world) == []


def in_window() -> Json:
    status = trading_status()
    status["window"]["open"] = True
    return status


def with_change(pending: str) -> Json:
    status = trading_status()
    waits = condition("ChangePending", "True", "ChangeWaits", "a change waits")
    status["conditions"] = [
        waits if c["type"] == "ChangePending" else c for c in status["conditions"]
    ]
    status["pendingRevision"] = pending
    return status


@pytest.mark.parametrize(
    ("status", "cost"),
    [
        (missed(), "ONE PUSH follows, or none where the week's token is still there"),
        (in_window(), "The week's restart: orders drain, the login ends, and ONE PUSH follows"),
        (with_change("paper-gateway-7c9f"), "the gateway's pod is replaced, and A PUSH MAY follow"),
        (
            with_change("paper-executor-1a2b"),
            "takes the change that waits: orders drain first, and NO PUSH follows. It counts as no attempt.",
        ),
        (
            with_change("paper-gateway-7c9f, paper-executor-1a2b"),
            "the gateway's pod is replaced, and A PUSH MAY follow",
        ),
    ],
)
def test_the_cost_is_said_before_anything_is_asked_for(status: Json, cost: str) -> None:
    world = world_of(status)
    world.answers = ["\n"]
    shown = world.run("login")
    assert cost in " ".join(shown.error.split())
    assert asked(world) == []


@pytest.mark.parametrize("mode", ["paper", "live"])
@pytest.mark.parametrize(
    ("words", "status", "spec"),
    [
        ("login", missed(), {}),
        ("restart", trading_status(), {}),
        ("suspend", trading_status(), {}),
        ("resume", login_status("Stopped", "suspended"), {"suspend": True}),
        ("handover --for 30m", trading_status(), {}),
        ("handover --end", handed_over(), {}),
    ],
)
def test_a_question_says_whose_gateway_it_is_and_whether_it_is_live(
    words: str, status: Json, spec: Json, mode: str
) -> None:
    world = world_of(status, **spec, tradingMode=mode)
    world.answers = ["\n"]
    shown = world.run(*words.split())
    assert shown.error.startswith(f"{mode.upper()}, gateway trading/paper: ")
    assert asked(world) == []


def test_nobody_is_told_to_have_the_phone_in_hand_where_no_push_follows() -> None:
    world = world_of(with_change("paper-executor-1a2b"))
    world.answers = ["\n"]
    shown = world.run("login")
    assert "phone" not in shown.error
    assert "counts and is not refused" not in " ".join(shown.error.split())


def test_an_executors_change_is_applied_without_a_login() -> None:
    world = world_of(with_change("paper-executor-1a2b"))
    after = trading_status()
    after["login"]["handledRequest"] = REQUEST
    world.later = [lambda: None, world.becomes(after)]
    shown = world.run("login", "--yes", "-o", "json")
    assert shown.code == 0
    assert json.loads(shown.out)["result"] == "Applied"


def test_a_restart_in_the_week_replaces_the_pod_and_costs_no_push() -> None:
    world = world_of(trading_status())
    world.kubectl.add({"kind": "Pod", "metadata": {"name": "paper-gateway-0"}})
    restarting = login_status("Restarting", "it restarts", since="2026-12-02T08:00:20Z")
    world.answers = ["y\n"]
    world.later = [lambda: None, world.becomes(restarting), world.becomes(back(""))]
    shown = world.run("restart")
    golden("restart-by-token", shown.golden())
    assert asked(world) == [["delete", "pod", "paper-gateway-0", "--wait=false"]]


def test_a_restart_that_needs_a_push_is_a_login_and_says_so() -> None:
    world = world_of(in_window())
    world.answers = ["\n"]
    shown = world.run("restart")
    assert "ONE PUSH follows" in " ".join(shown.error.split())
    assert asked(world) == []


def test_right_before_the_weeks_end_no_restart_counts_on_the_token() -> None:
    status = trading_status()
    status["window"]["opens"] = "2026-12-02T08:04:00Z"
    world = world_of(status)
    shown = world.run("restart", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert asked(world) == []


def test_the_countdown_of_a_push_counts_on_a_line_that_is_written_again() -> None:
    before, now = (
        facts_of(gateway_object(status=missed())),
        facts_of(gateway_object(status=awaiting())),
    )
    at = datetime(2026, 12, 2, 8, 0, tzinfo=UTC)
    asked_for = RequestedAttempt(REQUEST, at, before)
    seen = [words(now, asked_for, at + timedelta(seconds=s), counting=True) for s in (0, 59, 175)]
    assert seen == [
        "Approve the push in IBKR Mobile: 3 min left, until 2026-12-02 08:03:00Z",
        "Approve the push in IBKR Mobile: 2 min 1 s left, until 2026-12-02 08:03:00Z",
        "Approve the push in IBKR Mobile: 5 s left, until 2026-12-02 08:03:00Z",
    ]
    assert words(before, asked_for, at, counting=True).startswith("Asked for")


class ChangingAnswers(list[str]):
    """The cluster changes while the person thinks."""

    def __init__(self, change: Callable[[], None]) -> None:
        super().__init__(["y\n"])
        self._change = change

    def pop(self, index: SupportsIndex = -1) -> str:
        self._change()
        return super().pop(index)


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [
        ("restart", trading_status(), in_window()),
        ("login", missed(), awaiting()),
        ("login", with_change("paper-executor-1a2b"), in_window()),
    ],
)
def test_what_costs_something_else_after_the_question_is_not_asked_for(
    command: str, before: Json, after: Json
) -> None:
    world = world_of(before)
    world.answers = ChangingAnswers(world.becomes(after))
    shown = world.run(command)
    assert shown.code == ExitCode.REFUSED
    assert "has changed since you were asked" in shown.error
    assert asked(world) == []
    assert not any("delete" in call for call in world.kubectl.calls)
