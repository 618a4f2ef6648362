"""kubectl's completion of the plugin: one offer a line, and cobra's directive."""

import sys

import pytest

from ibgateway_cli import completion
from ibgateway_cli.app import Plugin
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.terminal.terminal import this_terminal
from plugin_fakes import FakeKubectl, gateway_object


def plugin() -> Plugin:
    kubectl = FakeKubectl()
    kubectl.add(gateway_object("paper"), gateway_object("live"))
    return Plugin(Cluster(run=kubectl), this_terminal())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sus"], ["suspend"]),
        (["status", ""], ["paper", "live"]),
        (["status", "l"], ["live"]),
        (["login", "p"], ["paper"]),
        (["status", "paper", "--wa"], ["--watch"]),
        (["status", "--output", "y"], ["yaml"]),
        (["handover", "--e"], ["--end"]),
        (["status", "--names"], ["--namespace"]),
    ],
)
def test_what_is_offered(words: list[str], offered: list[str]) -> None:
    assert completion.offered(words, plugin()) == offered


def test_every_command_is_offered_at_the_start() -> None:
    found = completion.offered([""], plugin())
    assert {"status", "login", "vnc", "restart", "suspend", "resume", "handover", "pause"} <= set(
        found
    )
    assert {"events", "logs", "doctor", "report"} <= set(found)


def test_kubectl_reads_lines_and_the_directive_for_no_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-ibgateway", "sus"])
    completion.main()
    assert capsys.readouterr().out == "suspend\n:4\n"
