"""`status`: one screen, in all forms, and what it says where something can't be asked."""

import json
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from ibgateway_cli.errors import ExitCode
from ibgateway_cli.main import app
from plugin_fakes import PluginWorld, gateway_object, golden
from plugin_fakes.objects import (
    event_object,
    login_status,
    pod_object,
    program_object,
    trading_status,
)

AWAITING = login_status(
    "AwaitingApproval",
    "approve the push on IBKR Mobile until 2026-12-02T08:02:20Z",
    deadline="2026-12-02T08:02:20Z",
    attemptsToday=2,
)
INTERVAL = login_status(
    "WaitingForPermit",
    "no login attempt is allowed now: Interval, until 2026-12-02T08:11:00Z: attempts are spaced by"
    " spec.login.attemptIntervalSeconds: it goes on by itself then",
    attemptsToday=3,
)


def test_a_gateway_that_trades() -> None:
    golden("status-trading", PluginWorld().run("status").golden())


def test_a_push_that_waits_has_its_countdown() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=AWAITING))
    golden("status-awaiting-approval", world.run("status", "paper").golden())


def test_an_attempt_that_is_not_allowed_says_when_the_next_one_is() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status=INTERVAL))
    golden("status-waiting-for-permit", world.run("status").golden())


def test_orders_in_doubt_and_a_pause_are_seen() -> None:
    world = PluginWorld()
    pause = {"by": "anna", "reason": "a look", "since": "2026-12-02T07:30:00Z"}
    report = {"open": False, "openOrders": 4, "unacknowledged": 1, "inDoubt": 1, "paused": pause}
    world.executor.answers["GET", "/v1/gate"] = report
    golden("status-in-doubt", world.run("status").golden())


def test_a_pause_from_the_console_is_ended_by_its_annotation() -> None:
    world = PluginWorld()
    pause = {"request": "2026-12-02T07:30:00Z", "since": "2026-12-02T07:30:00Z"}
    world.kubectl.add(gateway_object(status={**trading_status(), "pause": pause}))
    shown = " ".join(world.run("status").out.split())
    assert (
        "Next kubectl annotate --overwrite ibgw/paper -n trading"
        " ibgateway.dev/resume-requested-at=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    ) in shown
    assert "pause paper" not in shown


def test_a_gateway_without_a_status_yet() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(status={}))
    world.executor.down = True
    golden("status-new", world.run("status").golden())


def test_json_and_yaml_say_the_same() -> None:
    world = PluginWorld()
    document = json.loads(world.run("status", "-o", "json").out)
    assert document == yaml.safe_load(world.run("status", "--output", "yaml").out)
    assert document["login"]["state"] == "LoggedIn"
    assert document["gate"]["status"] == "True"
    assert document["queue"] == {
        "known": True,
        "active": 0,
        "unacknowledged": 0,
        "inDoubt": 0,
        "paused": None,
        "rebalances": [],
        "backupProblem": None,
    }


def test_the_executor_is_asked_with_the_agents_token_which_is_shown_nowhere() -> None:
    world = PluginWorld()
    shown = world.run("status", "-o", "json")
    [request] = world.executor.requests
    assert request.headers["Authorization"] == "Bearer agent-token-canary-11"
    assert "canary" not in shown.golden()
    assert "canary" not in str(world.kubectl.calls)
    assert world.kubectl.ended == 1


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (
            {("get", "secret"): "Error from server (Forbidden): secrets is forbidden"},
            "not known: Error from server (Forbidden): secrets is forbidden",
        ),
        ({}, "not known: no way to svc/paper-executor-intake: lost connection to pod"),
    ],
)
def test_a_queue_that_cannot_be_asked_leaves_the_rest(
    refused: dict[tuple[str, str], str], why: str
) -> None:
    world = PluginWorld()
    world.kubectl.refused |= refused
    world.kubectl.unreachable["svc/paper-executor-intake"] = "error: lost connection to pod"
    shown = world.run("status")
    assert shown.code == 0
    assert why in shown.out
    assert "trading/paper" in shown.out


def test_watch_shows_each_change_once_until_ctrl_c() -> None:
    world = PluginWorld()
    waiting = gateway_object(status=AWAITING)
    world.later = [lambda: None, lambda: world.kubectl.add(waiting), lambda: None]
    shown = world.run("status", "--watch", "-o", "json")
    assert shown.code == 130
    states = [line.strip() for line in shown.out.splitlines() if '"state"' in line]
    assert states == ['"state": "LoggedIn",', '"state": "AwaitingApproval",']


class TestPrograms:
    """Pods of others that follow the gate are counted where they are."""

    def test_they_are_a_line_where_there_are_any(self) -> None:
        world = PluginWorld()
        world.kubectl.add(
            program_object("bot-1", ready=True),
            program_object("bot-2", ready=False),
            program_object("ended", ready=False, phase="Succeeded"),
            program_object("ungated", ready=True, gated=False),
            pod_object("paper-executor-abc", "executor", "executor"),
        )
        assert "Programs  2 pods follow this gate, 1 of them Ready" in world.run("status").out
        document = json.loads(world.run("status", "-o", "json").out)
        assert document["programs"] == {"following": 2, "ready": 1}

    def test_pods_that_may_not_be_read_leave_the_rest(self) -> None:
        world = PluginWorld()
        world.kubectl.refused["get", "pod"] = "Error from server (Forbidden): pods is forbidden"
        shown = world.run("status", "-o", "json")
        assert shown.code == 0
        assert json.loads(shown.out)["programs"] is None

    def test_their_events_and_logs_are_not_the_gateways(self) -> None:
        world = PluginWorld()
        world.kubectl.add(
            program_object("bot-1", ready=True),
            event_object(1, "Pod/bot-1", "Pulled", "the bot's image"),
        )
        assert "the bot's image" not in world.run("events").out
        assert "bot-1" not in str([c for c in world.kubectl.calls if "logs" in c])


def test_a_watch_waits_for_an_api_server_that_is_away_and_ends_where_the_gateway_is_gone() -> None:
    world = PluginWorld()
    gone = "Unable to connect to the server: EOF"
    waiting = gateway_object(status=AWAITING)

    def back() -> None:
        world.kubectl.refused.clear()
        world.kubectl.add(waiting)

    world.later = [
        lambda: world.kubectl.refused.update({("get", "ibgateway"): gone}),
        back,
        lambda: world.kubectl.objects.pop(("ibgateway", "paper")),
    ]
    shown = world.run("status", "paper", "--watch", "-o", "json")
    assert shown.code == ExitCode.NOT_FOUND
    assert f"{gone}: looking again." in shown.error
    states = [line.strip() for line in shown.out.splitlines() if '"state"' in line]
    assert states == ['"state": "LoggedIn",', '"state": "AwaitingApproval",']


def test_a_watch_of_what_does_not_answer_at_all_ends() -> None:
    world = PluginWorld()
    world.kubectl.refused["get", "ibgateway"] = "Unable to connect to the server: EOF"
    assert world.run("status", "--watch").code == ExitCode.UNREACHABLE


IN_DOUBT = {"open": False, "openOrders": 4, "unacknowledged": 1, "inDoubt": 1}


@pytest.mark.parametrize(
    ("gateway", "report"),
    [
        (gateway_object(), IN_DOUBT),
        (gateway_object(suspend=True), {}),
        (gateway_object(status=login_status("ApprovalMissed", "missed")), {}),
        (gateway_object(status=login_status("NeedsPerson", "a window asks")), {}),
    ],
)
def test_what_it_says_to_do_next_is_a_command_line_that_is_taken(
    gateway: dict[str, Any], report: dict[str, Any]
) -> None:
    world = PluginWorld()
    world.kubectl.add(gateway)
    world.executor.answers["GET", "/v1/gate"] |= report
    steps = json.loads(world.run("status", "-o", "json").out)["next"]
    assert steps
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    for step in steps:
        program, plugin, name, *words = step.split()
        assert (program, plugin) == ("kubectl", "ibgateway")
        group.commands[name].make_context(name, words)


def test_of_a_context_that_was_named_the_next_command_is_of_the_same() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(suspend=True))
    words = ("--context=my prod", "--kubeconfig=/k", "-n", "trading", "-o", "json")
    [step] = json.loads(world.run("status", *words).out)["next"]
    place = "'--context=my prod' --kubeconfig=/k"
    assert step == f"kubectl ibgateway resume paper -n trading {place}"
