"""A cluster with workers: what kind is told of them, and the ways between their pods."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ibgateway_cluster import kindconfig, record, routes
from ibgateway_cluster.cli import cli
from ibgateway_cluster.paths import SOURCES
from ibgateway_cluster.plan import Node

Json = dict[str, Any]
TWO = kindconfig.Workers(Path("/s"), (Path("/b/bridge-1.conflist"),))


def document(node: Node, workers: kindconfig.Workers | None) -> Json:
    settings = kindconfig.Settings(node, True, Path("/p"), Path("/a"), workers)
    found: Json = json.loads(kindconfig.render(settings))
    return found


def mounts(node: Json) -> dict[str, str]:
    return {mount["containerPath"]: mount["hostPath"] for mount in node["extraMounts"]}


@pytest.mark.parametrize("node", Node)
def test_a_cluster_without_workers_is_one_node_that_shares_nothing(node: Node) -> None:
    found = document(node, None)
    [only] = found["nodes"]
    assert only["role"] == "control-plane"
    assert mounts(only) == {"/etc/kubernetes/audit": "/p", "/var/log/kubernetes/audit": "/a"}
    assert "InitConfiguration" not in json.dumps(found)


@pytest.mark.parametrize("node", Node)
def test_every_node_has_the_same_folder(node: Node) -> None:
    first, second = document(node, TWO)["nodes"]
    assert (first["role"], second["role"]) == ("control-plane", "worker")
    assert mounts(first)["/shared"] == mounts(second)["/shared"] == "/s"


def test_pods_may_move_to_the_control_plane_too() -> None:
    patches = [json.loads(patch) for patch in document(Node.BUILT, TWO)["kubeadmConfigPatches"]]
    [init] = [patch for patch in patches if patch["kind"] == "InitConfiguration"]
    assert init["nodeRegistration"] == {"taints": []}


def test_a_built_worker_has_a_bridge_of_its_own_and_an_official_one_its_network() -> None:
    place = "/kind/10-bridge.conflist"
    assert mounts(document(Node.BUILT, TWO)["nodes"][1])[place] == "/b/bridge-1.conflist"
    assert place not in mounts(document(Node.BUILT, TWO)["nodes"][0])
    assert place not in mounts(document(Node.OFFICIAL, TWO)["nodes"][1])


def test_no_two_built_nodes_give_their_pods_the_same_addresses() -> None:
    first = (SOURCES / "node" / "10-bridge.conflist").read_text()
    second = kindconfig.bridge(first, 1)
    ranges = [json.loads(text)["plugins"][0]["ipam"]["ranges"] for text in (first, second)]
    assert ranges == [[[{"subnet": "10.244.0.0/24"}]], [[{"subnet": "10.244.1.0/24"}]]]


def test_each_node_knows_the_way_to_the_pods_of_every_other() -> None:
    assert list(routes.ways(["plane", "worker"], ["172.18.0.2", "172.18.0.3"])) == [
        ("plane", "10.244.1.0/24", "172.18.0.3"),
        ("worker", "10.244.0.0/24", "172.18.0.2"),
    ]


def test_a_record_of_before_there_were_workers_has_none(tmp_path: Path) -> None:
    old = {"name": "ibgateway", "engine": "own", "docker_host": "", "node_image": "n:1"}
    (tmp_path / "cluster.json").write_text(json.dumps(old))
    found = record.read(tmp_path)
    assert found is not None
    assert found.workers == 0


def test_more_nodes_than_a_machine_can_take_are_refused() -> None:
    outcome = CliRunner().invoke(cli, ["up", "--workers", "9"])
    assert outcome.exit_code == 2
    assert "0<=x<=3" in outcome.output
