"""`events`, `logs`, `vnc`: what others have written down, in its order, and the Gateway's window."""

import json

import pytest

from ibgateway_cli.errors import ExitCode
from ibgateway_cli.logs.lines import LogLine, LogSource, merged
from plugin_fakes import PluginWorld, gateway_object, golden
from plugin_fakes.objects import event_object, pod_object


def with_pods() -> PluginWorld:
    world = PluginWorld()
    operator = {
        "app.kubernetes.io/name": "ibgateway-operator",
        "app.kubernetes.io/component": "operator",
    }
    world.kubectl.add(
        pod_object("paper-gateway-0", "gateway", "gateway", "sentinel"),
        pod_object("paper-executor-abc", "executor", "executor"),
        pod_object("paper-novnc-abc", "novnc", "console"),
        pod_object("ibgateway-operator-abc", "operator", "operator", labels=operator),
    )
    world.kubectl.logs = {
        ("paper-gateway-0", "gateway"): "2026-12-02T07:59:01.5Z IBC: Login attempt: 1\n",
        ("paper-gateway-0", "sentinel"): (
            "2026-12-02T07:59:01.250000001Z a permit is given\n"
            "2026-12-02T07:59:03Z logged in\n  a line without a time\n"
        ),
        ("paper-executor-abc", "executor"): "2026-12-02T07:59:02.123456789Z the gate is open\n",
        ("paper-novnc-abc", "console"): "",
        ("ibgateway-operator-abc", "operator"): (
            "2026-12-02T07:59:02.5Z INFO trading/paper: reconciled\n"
            "2026-12-02T07:59:02.6Z INFO trading/paper-two: reconciled\n"
        ),
    }
    return world


def test_logs_are_merged_by_time_and_the_operators_are_those_about_this_gateway() -> None:
    golden("logs", with_pods().run("logs").golden())


def test_one_program_alone() -> None:
    shown = with_pods().run("logs", "-p", "executor", "-o", "json")
    assert [line["text"] for line in json.loads(shown.out)["lines"]] == ["the gate is open"]


def test_a_program_that_is_not_there_names_those_that_are() -> None:
    shown = with_pods().run("logs", "-p", "sentinal")
    assert shown.code == ExitCode.NOT_FOUND
    assert "console, executor, gateway, operator, sentinel" in shown.error


def test_an_operator_that_may_not_be_read_is_left_out_and_said() -> None:
    world = with_pods()
    del world.kubectl.objects["pod", "ibgateway-operator-abc"]
    shown = world.run("logs")
    assert shown.code == 0
    assert "left out" in shown.error
    assert "the gate is open" in shown.out


def test_followed_logs_come_from_every_container_and_their_processes_are_ended() -> None:
    world = with_pods()
    shown = world.run("logs", "--follow", "--since", "5m")
    assert len(shown.out.splitlines()) == 6
    assert world.kubectl.ended == 5
    assert all(
        {"--since=5m", "--follow"} <= set(call)
        for call in world.kubectl.calls
        if call[-1] == "--follow"
    )


def test_followed_logs_for_programs_are_a_line_of_json_each() -> None:
    shown = with_pods().run("logs", "-p", "executor", "--follow", "-o", "json")
    assert json.loads(shown.out) == {
        "at": "2026-12-02T07:59:02.123456789Z",
        "source": "executor",
        "text": "the gate is open",
    }


def test_times_with_fractions_of_different_lengths_compare() -> None:
    early = LogLine("2026-12-02T07:59:01.25Z", "a", "first")
    late = LogLine("2026-12-02T07:59:01.250000001Z", "b", "second")
    whole = LogLine("2026-12-02T07:59:01Z", "c", "before")
    assert list(merged([[late], [early], [whole]])) == [whole, early, late]


def test_a_line_without_a_time_is_of_the_line_before() -> None:
    source = LogSource("operator", "trading", "pod", "operator", only="trading/paper")
    printed = [
        "2026-12-02T07:59:01Z trading/paper: Traceback",
        "  File a.py",
        "2026-12-02T07:59:02Z other",
        "  File b.py",
    ]
    assert [line.text for line in source.lines(printed)] == [
        "trading/paper: Traceback",
        "  File a.py",
    ]


def test_events_are_those_of_the_gateway_and_what_belongs_to_it_by_time() -> None:
    world = with_pods()
    world.kubectl.add(
        event_object(30, "IBGateway/paper", "LoggedIn", "it is back"),
        event_object(10, "IBGateway/paper", "ApprovalNeeded", "a push waits", type="Warning"),
        event_object(20, "Pod/paper-gateway-0", "Pulled", "image", series={"count": 3}),
        event_object(15, "IBGateway/other", "LoggedIn", "another gateway"),
        event_object(16, "Pod/paper-gateway-01", "Pulled", "another pod"),
    )
    golden("events", world.run("events").golden())


def test_no_events_are_said() -> None:
    assert with_pods().run("events").out == "no Events in the last hour\n"


def test_the_window_stands_at_an_address_until_ctrl_c() -> None:
    world = PluginWorld()
    world.kubectl.interrupted = True
    shown = world.run("vnc")
    golden("vnc", shown.golden())
    assert world.kubectl.calls[-1] == [
        "port-forward",
        "--address=127.0.0.1",
        "--pod-running-timeout=5s",
        "svc/paper-novnc",
        "6080:6080",
    ]
    assert world.kubectl.ended == 1


@pytest.mark.parametrize(
    ("novnc", "words"),
    [
        ({"auth": "token"}, "the key token of the Secret paper-novnc-token, then"),
        ({}, "the key VNC_PASSWORD of the Secret ib-credentials"),
    ],
)
def test_where_the_password_is_and_never_what_it_is(novnc: dict[str, str], words: str) -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(novnc=novnc))
    assert words in " ".join(world.run("vnc").error.split())


def test_the_address_of_the_window_for_programs() -> None:
    shown = PluginWorld().run("vnc", "-o", "json")
    assert json.loads(shown.out)["address"] == "http://localhost:4100"


def test_a_window_whose_pod_is_gone_says_so() -> None:
    shown = PluginWorld().run("vnc")
    assert shown.code == ExitCode.UNREACHABLE
    assert "error: the way to the window has ended" in shown.error


def test_a_gateway_without_a_console_has_no_window() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object(novnc={"enabled": False}))
    assert world.run("vnc").code == ExitCode.REFUSED


def test_logs_of_which_none_can_be_read_are_no_success() -> None:
    world = PluginWorld()
    world.kubectl.add(pod_object("paper-executor-1", "executor", "executor"))
    complaint = 'error: invalid argument "banana" for "--since" flag'
    world.kubectl.refused["logs", "paper-executor-1"] = complaint
    shown = world.run("logs", "--since", "banana")
    assert shown.code == ExitCode.FAILED
    assert 'invalid argument "banana"' in shown.error
