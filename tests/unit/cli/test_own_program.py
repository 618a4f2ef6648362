"""A gateway that runs a program of its own in the executor's place: it is asked nothing, and shown no token."""

import json
from typing import Any

import pytest

from ibgateway_cli.errors import ExitCode
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.report.bundle import secret_values
from ibgateway_cli.status.overview import facts_of
from plugin_fakes import PluginWorld, gateway_object, secret_object
from plugin_fakes.objects import pod_object, trading_status

Json = dict[str, Any]

IMAGE = {"repository": "registry.example.com/my-bot", "tag": "1"}
SAID = "paper runs a program of its own in the executor's place"
WAITS = {**trading_status(), "pendingRevision": "paper-executor-0a1b"}


def world_of(gateway: Json, *pods: Json) -> PluginWorld:
    world = PluginWorld()
    world.kubectl.add(gateway, *pods)
    return world


def program(status: Json | None = None) -> Json:
    return gateway_object(status=status, executor={"image": IMAGE})


def pod(container: str) -> Json:
    return pod_object("paper-executor-abc", "executor", container)


@pytest.mark.parametrize(
    "words",
    [
        "orders",
        "queue",
        "order buy AAPL 10 --yes",
        "cancel 1 --yes",
        "history 1",
        "pause --reason look",
        "pause --end",
        "positions",
        "rebalances",
    ],
)
def test_what_is_the_executors_says_what_runs_in_its_place(words: str) -> None:
    world = world_of(program())
    shown = world.run(*words.split())
    assert shown.code == ExitCode.REFUSED
    assert shown.error.startswith(f"error: {SAID}\nnext: ask that program")
    assert world.executor.requests == []


def test_status_shows_the_login_and_says_so_in_the_place_of_the_queue() -> None:
    world = world_of(program())
    document = json.loads(world.run("status", "-o", "json").out)
    assert document["login"]["state"] == "LoggedIn"
    assert document["queue"] == {"known": False, "why": SAID}
    assert world.executor.requests == []


@pytest.mark.parametrize("command", ["status", "orders"])
def test_an_executor_that_is_to_give_way_is_asked_while_it_runs(command: str) -> None:
    world = world_of(program(WAITS), pod("executor"))
    assert SAID not in world.run(command).golden()
    assert len(world.executor.requests) == 1


@pytest.mark.parametrize("command", ["status", "orders"])
@pytest.mark.parametrize(
    "status", [WAITS, {**trading_status(), "observedGeneration": 0}], ids=["waits", "not seen yet"]
)
def test_a_program_that_is_to_give_way_is_shown_no_token(command: str, status: Json) -> None:
    """Its Services go on too, and it may listen on the very port."""
    world = world_of(gateway_object(status=status), pod("program"))
    assert SAID in world.run(command).golden()
    assert world.executor.requests == []


def test_a_settled_gateway_costs_no_look_at_its_pods() -> None:
    world = world_of(gateway_object())
    world.run("orders")
    assert not [call for call in world.kubectl.calls if "pods" in call]


def test_a_report_looks_for_what_the_program_was_given() -> None:
    secrets = ("by-variable", "by-all", "by-volume", "by-source", "by-driver")
    spec = {
        "image": IMAGE,
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "by-variable", "key": "a"}}}],
        "envFrom": [{"secretRef": {"name": "by-all"}}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "by-volume"}},
            {"name": "b", "projected": {"sources": [{"secret": {"name": "by-source"}}]}},
            {"name": "c", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "by-driver"}}},
        ],
    }
    gateway = gateway_object(executor=spec)
    world = world_of(gateway, *(secret_object(name, a=f"canary-{name}") for name in secrets))
    found, everything = secret_values(
        Cluster(run=world.kubectl), facts_of(gateway), unchecked=False
    )
    assert everything
    for name in secrets:
        assert found[f"a of {name}"] == [f"canary-{name}".encode()]
