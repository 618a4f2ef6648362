"""`kubectl ibgateway` beside a gateway that trades: in this order, with two pushes in the whole of it.

The first is the gateway's own, the second is the one that `login` asks for.
"""

import json
import signal
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ibgateway_cli.errors import ExitCode
from ibgateway_stage.ibkr import ACCOUNT, PASSWORD, Ibkr
from ibgateway_stage.plugin import CalledPlugin
from ibgateway_stage.stage import VNC_PASSWORD, Stage
from ibgateway_stage.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def plugin(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> CalledPlugin:
    """As kubectl finds it."""
    plugin = CalledPlugin(stage, tmp_path_factory.mktemp("plugin"))
    plugin.install()
    return plugin


@pytest.fixture(scope="module", autouse=True)
def trading(stage: Stage, ibkr: Ibkr, long_ago: Json) -> None:
    """A paper gateway that trades."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway()
    stage.wait_for_login("AwaitingApproval", seconds=240)
    until("its Event", lambda: stage.events("ApprovalNeeded"))
    ibkr.approve()
    stage.wait_for("Ready", "True")


def on_one_line(said: str) -> str:
    """Where a sentence is folded depends on the namespace's name in it."""
    return " ".join(said.split())


def test_status_shows_a_gateway_that_trades_and_its_queue(plugin: CalledPlugin) -> None:
    seen = plugin.run("status", "-o", "json")
    assert (seen.code, seen.error) == (0, "")
    document = seen.json()
    assert document["login"]["state"] == "LoggedIn"
    assert document["gate"]["status"] == "True"
    assert document["queue"]["known"] is True
    assert document["queue"]["active"] == 0
    assert "open: an order sent now goes to IBKR" in plugin.run("status", "paper").out


def test_a_login_beside_an_open_gate_is_refused_and_pushes_nobody(
    plugin: CalledPlugin, ibkr: Ibkr
) -> None:
    seen = plugin.run("login", "--yes")
    assert seen.code == ExitCode.REFUSED
    assert "no push is sent" in seen.error
    assert len(ibkr.pushes()) == 1


def test_nothing_is_asked_for_where_nobody_can_say_yes(plugin: CalledPlugin, stage: Stage) -> None:
    assert plugin.run("restart").code == ExitCode.USAGE
    assert plugin.run("handover", "--for", "30m").code == ExitCode.USAGE
    assert stage.condition("Ready").get("status") == "True"


def test_a_name_that_is_not_there_has_its_exit_code(plugin: CalledPlugin) -> None:
    assert plugin.run("status", "nobody").code == ExitCode.NOT_FOUND


def test_the_doctor_finds_nothing_wrong(plugin: CalledPlugin) -> None:
    seen = plugin.run("doctor", "-o", "json")
    checks = {check["name"]: check for check in seen.json()["checks"]}
    assert seen.code == 0, checks
    doubtful = {"messages", "policies"}  # nobody is to be told here, and not every node enforces
    assert [n for n, c in checks.items() if c["state"] != "ok" and n not in doubtful] == [], checks
    assert checks["messages"]["state"] == "doubt"


def test_trading_is_paused_and_goes_on(plugin: CalledPlugin) -> None:
    assert plugin.run("pause", "--reason", "a look", "--by", "anna").code == 0
    queue = plugin.run("status", "-o", "json").json()["queue"]
    assert "anna has paused trading" in queue["paused"]
    assert plugin.run("pause", "--end", "--by", "anna").code == 0
    assert plugin.run("pause", "-o", "json").json()["paused"] is False


def test_a_watch_shows_each_change_until_ctrl_c(plugin: CalledPlugin) -> None:
    with plugin.started("status", "--watch", "-o", "json") as process:
        read_until(process, '"paused": null')
        assert plugin.run("pause", "--reason", "a watch", "--by", "anna").code == 0
        read_until(process, "anna has paused trading")
        assert plugin.run("pause", "--end", "--by", "anna").code == 0
        read_until(process, '"paused": null')
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """The next line with these words in the answer of a command that goes on."""
    assert process.stdout is not None
    return next(line for line in process.stdout if words in line)


def test_the_window_answers_at_an_address_of_this_machine(plugin: CalledPlugin) -> None:
    with plugin.started("vnc", "--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert httpx.get(address, follow_redirects=True).status_code == 200


def test_logs_of_all_programs_are_merged_by_time(plugin: CalledPlugin) -> None:
    lines = plugin.run("logs", "-o", "json").json()["lines"]
    assert {line["source"] for line in lines} >= {"gateway", "sentinel", "executor", "operator"}
    times = [line["at"][:19] for line in lines]
    assert times == sorted(times)


def test_events_tell_of_the_push_and_the_login(plugin: CalledPlugin) -> None:
    reasons = [event["reason"] for event in plugin.run("events", "-o", "json").json()["events"]]
    assert reasons.index("ApprovalNeeded") < reasons.index("LoggedIn")


def test_a_report_holds_no_secret_and_no_account(
    plugin: CalledPlugin, stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "report.tar.gz"
    seen = plugin.run("report", "--file", str(file))
    assert seen.code == 0, seen.error
    canaries = [PASSWORD, VNC_PASSWORD, ACCOUNT, stage.executor_token()]
    with tarfile.open(file) as archive:
        texts = {m.name: archive.extractfile(m).read().decode() for m in archive.getmembers()}  # type: ignore[union-attr]
    assert any(name.endswith("paper-gateway-0.sentinel.log") for name in texts)
    assert any("[paper-account-1]" in text for text in texts.values())
    found = [(n, c) for n, text in texts.items() for c in canaries if c in text or c in n]
    assert found == []


def test_a_handover_frees_the_login_and_its_end_brings_it_back_without_a_push(
    plugin: CalledPlugin, stage: Stage, ibkr: Ibkr
) -> None:
    given = plugin.run("handover", "--for", "30m", "--yes", "-o", "json")
    assert given.code == 0, given.error
    assert "NO PUSH" in on_one_line(given.error)
    assert given.error.startswith(f"PAPER, gateway {stage.namespace}/paper: ")
    assert given.json()["costsPush"] is False
    assert ibkr.get("/v1/state")["sessions"] == []
    refused = plugin.run("login", "--yes")
    assert refused.code == ExitCode.REFUSED
    assert "a person has the login" in refused.error
    back = plugin.run("handover", "--end", "--yes")
    assert back.code == 0, back.error
    stage.wait_for("Ready", "True")
    assert len(ibkr.pushes()) == 1


def test_a_restart_in_the_week_costs_no_push(
    plugin: CalledPlugin, stage: Stage, ibkr: Ibkr
) -> None:
    [before] = stage.pods("gateway")
    seen = plugin.run("restart", "--yes")
    assert seen.code == 0, seen.error
    assert "NO PUSH" in on_one_line(seen.error)
    [after] = stage.pods("gateway")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    stage.wait_for("Ready", "True")
    assert len(ibkr.pushes()) == 1


def test_a_suspend_and_a_resume_are_watched_and_cost_no_push(
    plugin: CalledPlugin, stage: Stage, ibkr: Ibkr
) -> None:
    with plugin.started("status", "--watch", "-o", "json") as watch:
        assert watch.stdout is not None
        shown = documents(watch.stdout)
        assert next(shown)["login"]["state"] == "LoggedIn"
        gone = plugin.run("suspend", "--yes", "-o", "json")
        assert gone.code == 0, gone.error
        assert "NO PUSH" in on_one_line(gone.error)
        assert (gone.json()["suspend"], gone.json()["state"]) == (True, "Stopped")
        assert "spec.suspend=true into the values" in on_one_line(gone.error)
        assert ibkr.get("/v1/state")["sessions"] == []
        until("its pod has gone", lambda: not stage.pods("gateway"))
        assert any(document["login"]["state"] == "Stopped" for document in shown)
        assert plugin.run("suspend", "--yes").code == ExitCode.REFUSED
        back = plugin.run("resume", "--yes", "-o", "json")
        assert back.code == 0, back.error
        assert (back.json()["suspend"], back.json()["state"]) == (False, "LoggedIn")
        assert any(document["gate"]["status"] == "True" for document in shown)
    stage.wait_for("Ready", "True")
    assert plugin.run("resume", "--yes").code == ExitCode.REFUSED
    assert len(ibkr.pushes()) == 1


def documents(lines: Iterable[str]) -> Iterator[Json]:
    """Those that a command shows one after the other, as they come."""
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}":
            yield json.loads(text)
            text = ""


def test_followed_logs_tell_of_an_order_as_it_fills(plugin: CalledPlugin, stage: Stage) -> None:
    with plugin.started("logs", "--follow", "--since", "5m", "-o", "json") as follow:
        assert follow.stdout is not None
        lines = (json.loads(line) for line in follow.stdout)
        with stage.orders() as orders:
            order = orders.place("followed")["id"]
        told = next(line for line in lines if order in line["text"] and "Filled" in line["text"])
    assert told["source"] == "executor"


def test_a_login_is_asked_for_with_one_push_and_ends_with_its_approval(
    plugin: CalledPlugin, stage: Stage, ibkr: Ibkr
) -> None:
    stage.tell_ibc("STOP")
    stage.wait_for("GatewayLoggedIn", "False")
    until("no attempt by itself", lambda: stage.status()["login"]["state"] == "WaitingForPermit")
    with plugin.started("login", "--yes", "-o", "json") as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Approve the push in IBKR Mobile: until" in line:
                break
        assert "ONE PUSH follows" in on_one_line("".join(said))
        [_] = ibkr.waiting()
        ibkr.approve()
        out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert '"result": "LoggedIn"' in out
    assert "Approve the push" not in error
    assert len(ibkr.pushes()) == 2
