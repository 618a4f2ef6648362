"""What every command has: where kubectl looks, which gateway is meant, errors with a next step and an exit code."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.kube.kubectl import SECONDS, Answer, KubectlProcess, failure
from plugin_fakes import FakeKubectl, PluginWorld, gateway_object
from plugin_fakes.objects import trading_status


def test_kubectls_own_options_reach_it_before_and_after_the_name() -> None:
    world = PluginWorld()
    world.run("status", "--context=there", "-n", "trading", "paper", "--kubeconfig", "/tmp/kube")
    for place in world.kubectl.places:
        assert place == ["--context=there", "--kubeconfig=/tmp/kube", "--namespace=trading"]


def test_without_options_every_call_is_of_the_context_that_was_current_at_the_start() -> None:
    world = PluginWorld()
    world.run("status")
    assert world.kubectl.calls[0] == ["get", "ibgateways.ibgateway.dev", "--output=json"]
    assert len(world.kubectl.places) > 1
    for place in world.kubectl.places:
        assert place == ["--context=kind", "--namespace=trading"]


@dataclass
class SwitchingPerson(PluginWorld):
    """Makes another context current, in another terminal, before the question is answered."""

    def _typed(self, screen: io.StringIO) -> str:
        self.kubectl.current = ("production", "live")
        return super()._typed(screen)


@pytest.mark.parametrize(
    "words", [["restart"], ["suspend"], ["handover", "--for", "30m"]], ids=" ".join
)
def test_a_context_that_changes_while_a_question_stands_changes_nothing(words: list[str]) -> None:
    world = SwitchingPerson(answers=["y\n"])
    world.run(*words)
    asked = [call[0] for call in world.kubectl.calls]
    assert {"patch", "delete"} & set(asked), asked
    assert set(map(tuple, world.kubectl.places)) == {("--context=kind", "--namespace=trading")}


def test_what_goes_on_stays_in_its_context() -> None:
    world = PluginWorld()

    def switched() -> None:
        world.kubectl.current = ("production", "live")

    world.later = [switched, lambda: None]
    world.run("status", "--watch")
    assert set(map(tuple, world.kubectl.places)) == {("--context=kind", "--namespace=trading")}


def test_a_context_that_is_named_is_asked_for_its_namespace() -> None:
    world = PluginWorld()
    world.run("status", "--context=there")
    assert world.kubectl.places[0] == ["--context=there", "--namespace=trading"]
    world.run("status", "-n", "elsewhere", "paper")
    assert world.kubectl.places[-1] == ["--context=kind", "--namespace=elsewhere"]


@pytest.mark.parametrize(
    ("inside", "place"),
    [(False, ["--context=kind", "--namespace=default"]), (True, ["--context=kind"])],
)
def test_a_context_without_a_namespace_has_that_of_kubectl(inside: bool, place: list[str]) -> None:
    kubectl = FakeKubectl(current=("kind", ""))
    cluster = Cluster(run=kubectl).pinned(inside=inside)
    cluster.list("pods")
    assert kubectl.places == [place]


def test_where_there_is_no_context_kubectl_looks_where_it_does_without_one() -> None:
    world = PluginWorld()
    world.kubectl.current = None
    assert world.run("status").code == 0
    assert world.kubectl.places[0] == []


def test_a_context_that_is_not_there_is_told_before_anything_is_asked() -> None:
    kubectl = KubectlOfOneContext()
    with pytest.raises(PluginError) as caught:
        Cluster(run=kubectl, context="there").pinned(inside=False)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert caught.value.sentence == "cannot locate context there"


class KubectlOfOneContext(FakeKubectl):
    """It knows no context of the name that it is given."""

    def __call__(self, arguments: Sequence[str], stdin: str = "") -> Answer:
        return Answer(1, error="error: cannot locate context there\n")


def test_the_only_gateway_need_not_be_named() -> None:
    assert PluginWorld().run("status").code == 0


def test_of_two_gateways_one_must_be_named() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object("live"))
    shown = world.run("status", "-n", "trading")
    assert shown.code == ExitCode.NOT_FOUND
    assert shown.error == (
        "error: there are 2 IBGateways in the namespace trading: live, paper\n"
        "next: say which one: its name is the argument, or --gateway\n"
    )
    assert world.run("status", "live").code == 0


def test_a_namespace_without_a_gateway_says_so() -> None:
    world = PluginWorld(kubectl=FakeKubectl())
    world.kubectl.objects.clear()
    shown = world.run("status")
    assert shown.code == ExitCode.NOT_FOUND
    assert shown.error.startswith("error: there is no IBGateway in the namespace trading\nnext: ")


def test_a_name_that_is_not_there() -> None:
    shown = PluginWorld().run("status", "other")
    assert shown.code == ExitCode.NOT_FOUND
    assert 'ibgateway "other" not found' in shown.error


@pytest.mark.parametrize(
    "name",
    [
        "--all",
        "-A",
        "paper/status",
        "paper live",
        "$(reboot)",
        "a;b",
        "Paper",
        "",
        "p\n",
        "p\x1b[2J",
    ],
)
def test_what_can_be_no_name_reaches_no_kubectl(name: str) -> None:
    world = PluginWorld()
    shown = world.run("status", "--", name)
    assert shown.code == ExitCode.NOT_FOUND
    assert shown.error.startswith("error: no IBGateway can be called '")
    assert (world.kubectl.calls, "\x1b" in shown.screen) == ([], False)
    world.run("orders", f"--namespace=trading;{name}", "paper")
    assert world.kubectl.places[-1][-1] == f"--namespace=trading;{name}"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('Error from server (NotFound): pods "a" not found', ExitCode.NOT_FOUND),
        ('error: the server doesn\'t have a resource type "ibgateways"', ExitCode.NOT_FOUND),
        (
            'Error from server (Forbidden): secrets is forbidden: User "a" cannot',
            ExitCode.NOT_ALLOWED,
        ),
        (
            "E1130 memcache.go:265\nThe connection to the server localhost:8080 was refused - did you"
            " specify the right host or port?",
            ExitCode.UNREACHABLE,
        ),
        ("Unable to connect to the server: EOF", ExitCode.UNREACHABLE),
        ("error: unexpected EOF", ExitCode.UNREACHABLE),
        ("error: http2: client connection lost", ExitCode.UNREACHABLE),
        ("error: read tcp 10.0.0.2:1->10.0.0.1:2: connection reset by peer", ExitCode.UNREACHABLE),
        ("Error from server: etcdserver: request timed out", ExitCode.UNREACHABLE),
        ("Error from server (ServiceUnavailable): apiserver not ready", ExitCode.UNREACHABLE),
        ("Error from server (Timeout): it takes too long", ExitCode.UNREACHABLE),
        ("Error from server (ServerTimeout): try again", ExitCode.UNREACHABLE),
        ('error: context "there" does not exist', ExitCode.UNREACHABLE),
        ('error: error loading config file "/x": not a directory', ExitCode.UNREACHABLE),
        ("error: something else", ExitCode.FAILED),
        ("", ExitCode.FAILED),
    ],
)
def test_what_kubectl_complains_about_has_a_code_and_a_next_step(said: str, code: ExitCode) -> None:
    error = failure(Answer(1, error=said))
    assert error.exit_code is code
    assert error.sentence
    assert "\n" not in error.sentence
    assert error.next_step


def test_a_command_that_is_not_there_is_wrong_usage() -> None:
    assert PluginWorld().run("nothing").code == ExitCode.USAGE


def test_kubectl_that_is_missing_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PluginError) as caught:
        KubectlProcess()(["version"])
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert caught.value.sentence == "kubectl is not on PATH"


def test_a_kubectl_that_can_not_be_run_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kubectl").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PluginError, match="kubectl can't be run: Exec format error") as caught:
        KubectlProcess()(["version"])
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    logs = KubectlProcess().started(["logs"])
    with pytest.raises(PluginError, match="can't be run"), logs:
        pass


def test_completion_offers_the_gateways_and_stays_silent_where_kubectl_fails() -> None:
    world = PluginWorld()
    world.kubectl.add(gateway_object("live"))
    assert world.complete("kubectl-ibgateway status ") == ["paper", "live"]
    assert world.complete("kubectl-ibgateway status p") == ["paper"]
    world.kubectl.refused["get", "ibgateway"] = "Unable to connect to the server"
    assert world.complete("kubectl-ibgateway status ") == []


def test_a_kubectl_that_goes_on_is_ended_with_its_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "kubectl"
    program.write_text('#!/bin/sh\necho "Forwarding from 127.0.0.1:4321 -> 8080"\nexec sleep 600\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with Cluster().forward("svc/paper", 8080) as url:
        assert url == "http://127.0.0.1:4321"
    program.write_text("#!/bin/sh\necho error: no such pod >&2\nexit 1\n")
    gone = Cluster().forward("svc/paper", 8080)
    with pytest.raises(PluginError, match="no way to svc/paper: no such pod"), gone:
        pass


def test_a_port_forward_that_says_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\nsleep 5 & wait $!\necho 'Forwarding from 127.0.0.1:1 -> 1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with KubectlProcess().started(["port-forward"], patience=0.05) as lines:
        assert list(lines) == []


def test_a_port_forward_has_to_say_something_in_time() -> None:
    world = PluginWorld()
    world.run("status")
    assert world.kubectl.patience == [SECONDS]


def test_a_kubectl_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, late = tmp_path / "kubectl", tmp_path / "late"
    program.write_text(
        f"#!{sys.executable}\nimport signal, time\n"
        f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(3)\nopen('{late}', 'w')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("ibgateway_cli.kube.kubectl.ENDS_WITHIN", 0.05)
    with KubectlProcess().started(["port-forward"]) as lines:
        assert next(lines) == "ready\n"
    assert not late.exists()


def test_a_gateway_of_another_release_is_no_crash() -> None:
    world = PluginWorld()
    newer = {**trading_status(), "login": {"state": "DreamingOfSheep"}}
    world.kubectl.add(gateway_object(status=newer))
    shown = world.run("status")
    assert shown.code == ExitCode.FAILED
    assert "status.login.state" in shown.error
    assert "next: install the plugin of the operator's release" in shown.error


def test_a_short_option_takes_its_value_behind_an_equals_sign_as_kubectls_does() -> None:
    world = PluginWorld()
    shown = world.run("status", "-o=json", "-n=elsewhere", "paper")
    assert (shown.code, json.loads(shown.out)["name"]) == (0, "paper")
    assert world.kubectl.places[0][-1] == "--namespace=elsewhere"
    assert world.run("status", "--", "-o=json").error.startswith(
        "error: no IBGateway can be called"
    )
