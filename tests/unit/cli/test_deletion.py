"""A gateway that is being deleted: whoever would act is told, and nothing is asked of it that would come to nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from executor_plugin import ScriptedExecutor
from executor_plugin.documents import PLAN, order_json
from ibgateway_cli.errors import ExitCode
from plugin_fakes import PluginWorld, gateway_object, golden
from plugin_fakes.objects import login_status, pod_object, trading_status

Json = dict[str, Any]
SAID = "paper is being deleted since 2026-12-02T07:59:00Z: the operator serves it no more"
ORDER = order_json(1)


def going(status: Json | None = None, **spec: Any) -> Json:
    gateway = gateway_object(status=status, **spec)
    gateway["metadata"]["deletionTimestamp"] = "2026-12-02T07:59:00Z"
    return gateway


def world_of(gateway: Json, executor: ScriptedExecutor | None = None) -> PluginWorld:
    world = PluginWorld(executor=executor or ScriptedExecutor())
    world.kubectl.add(gateway)
    return world


def acts(world: PluginWorld) -> list[list[str]]:
    return [call for call in world.kubectl.calls if call[0] in ("patch", "delete")]


@pytest.mark.parametrize(
    ("words", "gateway"),
    [
        ("login --yes", going(login_status("ApprovalMissed", "missed"))),
        ("login --yes", going(login_status("AwaitingApproval", "approve it"))),
        ("restart --yes", going()),
        ("suspend --yes", going()),
        ("resume --yes", going(suspend=True)),
        ("handover --for 30m --yes", going()),
        ("handover --end --yes", going()),
        ("pause --end", going()),
        ("order buy AAPL 10", going()),
        ("order buy AAPL 10 --key k-1", going()),
    ],
)
def test_nothing_is_asked_of_it(words: str, gateway: Json) -> None:
    world = world_of(gateway)
    shown = world.run(*words.split())
    assert shown.code == ExitCode.REFUSED
    assert shown.error.startswith(f"error: {SAID}\nnext: ")
    assert (acts(world), world.executor.requests) == ([], [])


def test_nothing_is_traded_towards_weights_and_a_dry_run_says_so(tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text("targets:\n  AAPL: 0.6\n")
    executor = ScriptedExecutor()
    executor.will("POST /v1/rebalances", Response(200, json=PLAN))
    world = world_of(going(), executor)
    assert world.run("rebalance", str(file), "--yes").code == ExitCode.REFUSED
    assert executor.requests == []
    dry = world.run("rebalance", str(file), "--dry-run")
    assert (dry.code, SAID in " ".join(dry.error.split())) == (0, True)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (f"cancel {ORDER['id']}", f"DELETE /v1/orders/{ORDER['id']}"),
        (f"resolve {ORDER['id']} give-up --note x", f"POST /v1/orders/{ORDER['id']}/resolve"),
        ("orders", "GET /v1/orders"),
    ],
)
def test_what_ends_orders_or_only_reads_goes_on_with_a_word(words: str, asked: str) -> None:
    executor = ScriptedExecutor()
    executor.will(f"GET /v1/orders/{ORDER['id']}", Response(200, json=ORDER))
    executor.will(asked, Response(200, json=ORDER | {"orders": [], "next": None}))
    shown = world_of(going(), executor).run(*words.split())
    assert shown.code == 0
    assert f"{SAID}, and its executor goes with it." in " ".join(shown.error.split())


def test_trading_can_be_paused_yet() -> None:
    executor = ScriptedExecutor()
    paused: Json = {"paused": True, "by": "a", "reason": "b", "since": None, "unacknowledged": 0}
    executor.will("POST /v1/pause", Response(200, json=paused))
    shown = world_of(going(), executor).run("pause", "--reason", "b", "--by", "a")
    assert (shown.code, SAID in " ".join(shown.error.split())) == (0, True)


def test_status_shows_it_first() -> None:
    world = PluginWorld()
    world.kubectl.add(going())
    golden("status-being-deleted", world.run("status").golden())
    assert json.loads(world.run("status", "-o", "json").out)["deletion"] == SAID


def test_the_doctor_finds_it() -> None:
    world = PluginWorld()
    world.kubectl.add(going())
    checks = {c["name"]: c for c in json.loads(world.run("doctor", "-o", "json").out)["checks"]}
    assert (checks["operator"]["state"], checks["operator"]["sentence"]) == ("wrong", SAID)


@dataclass
class DeletingPerson(PluginWorld):
    """Has the gateway deleted, in another terminal, before the question is answered; `uid`: and made anew."""

    uid: str = ""

    def _typed(self, screen: Any) -> str:
        self.kubectl.add(going() if not self.uid else made_anew(self.uid))
        return super()._typed(screen)


def made_anew(uid: str) -> Json:
    gateway = gateway_object()
    gateway["metadata"]["uid"] = uid
    return gateway


@pytest.mark.parametrize("words", ["restart", "suspend", "handover --for 30m"])
@pytest.mark.parametrize("uid", ["", "another"])
def test_what_ends_while_a_question_stands_is_asked_for_nothing(words: str, uid: str) -> None:
    world = DeletingPerson(answers=["y\n"], uid=uid)
    shown = world.run(*words.split())
    assert shown.code == ExitCode.REFUSED
    assert acts(world) == []


def test_who_waits_for_it_is_not_left_waiting() -> None:
    world = PluginWorld()
    world.kubectl.add(pod_object("paper-gateway-0", "gateway", "gateway"))
    starting = login_status("Starting", "it starts", since="2026-12-02T08:00:33Z")
    world.later = [world.becomes(starting), lambda: world.kubectl.add(going(trading_status()))]
    shown = world.run("restart", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert f"error: {SAID}\n" in shown.error
