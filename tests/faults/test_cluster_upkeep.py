"""The upkeep of a cluster, on one of two nodes that this story makes and takes away again: its API server is started again, and nodes
are drained: as docs/install.md says, without a handover, and with a volume that waits for its node's reboot. One push a gateway in the
whole of it, and never two sessions.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError
from ibgateway_cluster.kindconfig import SHARED_FOLDER
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images
from ibgateway_stage.accidents import lives, on_node, only_pod
from ibgateway_stage.fixtures import long_ago
from ibgateway_stage.ibkr import USER
from ibgateway_stage.stage import Stage, is_ready
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster_tool, pytest.mark.timeout(900)]

__all__ = ["long_ago"]

Json = dict[str, Any]
NAME = "ibgateway-upkeep"
OTHER_USER = "seconduser"


def tool(*arguments: str) -> None:
    """A command of the cluster tool, for the cluster of this story. Raises CalledProcessError."""
    subprocess.run(
        [sys.executable, "-m", "ibgateway_cluster", "--name", NAME, *arguments], check=True
    )


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Cluster]:
    """A control plane and a worker, both of which take pods."""
    try:
        tool("up", "--workers", "1")
        cluster = Cluster.attach(NAME)
        images.provide(cluster, Reporter())
        yield cluster
    finally:
        tool("down")


@pytest.fixture(scope="module")
def stage(two_nodes: Cluster, long_ago: Json) -> Stage:
    """IBKR and the operator on the control plane, where they stay, and two volumes that move."""
    stage = Stage(two_nodes, "upkeep")
    stage.prepare()
    stage.start_ibkr(here(two_nodes.node))
    stage.write_credentials()
    stage.install_operator(long_ago, nodeSelector=here(two_nodes.node))
    for claim in ("data-paper-gateway-0", "paper-executor"):
        on_node(stage, two_nodes.node, f"mkdir -m 0777 {SHARED_FOLDER}/{claim}")
        stage.apply(moving_volume(stage, claim))
    return stage


def here(node: str) -> Json:
    return {"kubernetes.io/hostname": node}


def moving_volume(stage: Stage, claim: str) -> Json:
    """A volume that every node has, bound to a claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "moving",
            "claimRef": {"namespace": stage.namespace, "name": claim},
            "hostPath": {"path": f"{SHARED_FOLDER}/{claim}"},
        },
    }


def rather_on(node: str) -> Json:
    """Affinity to a node, for as long as it takes pods."""
    wanted = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    preference = {"weight": 100, "preference": {"matchExpressions": [wanted]}}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}}


def worker(stage: Stage) -> str:
    return f"{stage.cluster.name}-worker"


def node_of(stage: Stage) -> str:
    """The node of the gateway's pod; empty while it has none."""
    pods = stage.pods("gateway")
    return str(pods[0]["spec"].get("nodeName", "")) if len(pods) == 1 else ""


def logins_and_pushes(stage: Stage, user: str = USER) -> tuple[list[str], int, int]:
    """What IBKR has seen of a user: kinds of logins, all of which succeeded, pushes, sessions now."""
    with stage.ibkr() as ibkr:
        logins = [attempt for attempt in ibkr.logins() if attempt["user"] == user]
        pushes = [push for push in ibkr.pushes() if push["user"] == user]
        sessions = [each for each in ibkr.get("/v1/state")["sessions"] if each["user"] == user]
    assert {attempt["result"] for attempt in logins} <= {"logged-in", "pending"}
    return [attempt["kind"] for attempt in logins], len(pushes), len(sessions)


@contextmanager
def draining(stage: Stage, node: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`kubectl drain` of a node, which goes on while the block does; the block ends with the drain."""
    argv = ["kubectl", f"--context=kind-{stage.cluster.name}", "drain", node]
    argv += ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s", *options]
    with subprocess.Popen(argv, env=dict(stage.cluster.environ)) as drain:
        yield drain
        assert drain.wait(timeout=320) == 0


def approved(stage: Stage) -> None:
    """The push that comes is approved on the phone."""
    with stage.ibkr() as ibkr:
        until("a push", ibkr.waiting, seconds=240)
        ibkr.approve()


def back(stage: Stage, node: str) -> None:
    """Logged in on this node, and trading."""
    until(f"its pod is on {node}", lambda: node_of(stage) == node, seconds=180)
    stage.wait_for("Ready", "True")
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=120)


@pytest.fixture(scope="module")
def paper(stage: Stage) -> Stage:
    """A gateway on the worker, logged in by its push."""
    moving = {"storage": {"storageClassName": "moving"}}
    stage.install_gateway(
        {"gateway": {**moving, "affinity": rather_on(worker(stage))}, "executor": moving}
    )
    approved(stage)
    back(stage, worker(stage))
    return stage


def test_a_restart_of_the_api_server_is_seen_through(paper: Stage) -> None:
    pod, before = only_pod(paper), api_server(paper)
    on_node(paper, paper.cluster.node, "pkill -KILL -x kube-apiserver")
    until("another API server", lambda: api_server(paper) not in ("", before), seconds=120)
    until("it answers", lambda: answers(paper), seconds=120)
    limits = {"spec": {"executor": {"limits": {"maxOrdersPerDay": 100}}}}
    paper.kubectl("patch", "ibgw", "paper", "--type=merge", f"-p={json.dumps(limits)}")
    until("the operator has seen an edit", lambda: observed(paper), seconds=120)
    back(paper, worker(paper))
    assert lives(only_pod(paper)) == lives(pod)
    assert logins_and_pushes(paper) == (["full"], 1, 1)


def api_server(stage: Stage) -> str:
    return on_node(stage, stage.cluster.node, "pgrep -x kube-apiserver || true").strip()


def answers(stage: Stage) -> bool:
    try:
        stage.cluster.kubectl("get", "--raw=/readyz", timeout=15)
    except CommandError:
        return False
    return True


def observed(stage: Stage) -> bool:
    found = stage.read("ibgw", stage.gateway) or {}
    return bool(found["metadata"]["generation"] == found["status"]["observedGeneration"])


def test_a_drain_waits_for_a_gateway_that_is_logged_in_and_goes_on_once_it_is_handed_over(
    paper: Stage,
) -> None:
    before, node = only_pod(paper), worker(paper)
    with draining(paper, node) as drain:
        until("the node takes no pods", lambda: cordoned(paper, node), seconds=60)
        stays("the drain waits", lambda: waits(paper, before, drain), seconds=20)
        paper.kubectl("annotate", "ibgw/paper", "ibgateway.dev/handover-until=1h")
    until("the next pod", lambda: node_of(paper) == paper.cluster.node, seconds=120)
    paper.wait_for("TradingAllowed", "False", "HandedOver")
    stays("it waits", lambda: logins_and_pushes(paper) == (["full"], 1, 0), seconds=10)


def cordoned(stage: Stage, node: str) -> bool:
    found = stage.read("node", node) or {}
    return bool(found["spec"].get("unschedulable"))


def waits(stage: Stage, before: Json, drain: "subprocess.Popen[bytes]") -> bool:
    now = only_pod(stage)
    return lives(now) == lives(before) and is_ready(now) and drain.poll() is None


def test_taken_back_it_logs_in_on_the_other_node_by_its_token(paper: Stage) -> None:
    paper.kubectl("annotate", "ibgw/paper", "ibgateway.dev/handover-until-")
    back(paper, paper.cluster.node)
    assert logins_and_pushes(paper) == (["full", "token"], 1, 1)


def test_a_drain_that_asks_no_budget_costs_no_push_either(paper: Stage) -> None:
    node = paper.cluster.node
    paper.kubectl("uncordon", worker(paper))
    with draining(paper, node, "--disable-eviction", "--pod-selector=ibgateway.dev/gateway=paper"):
        pass
    back(paper, worker(paper))
    assert logins_and_pushes(paper) == (["full", "token", "token"], 1, 1)
    paper.kubectl("uncordon", node)


def test_an_order_finds_the_ledger_that_came_along(paper: Stage) -> None:
    with paper.orders() as orders:
        order = orders.place("moved")
        until("it fills", lambda: orders.get(order["id"])["state"] == "Filled", seconds=60)
    paper.kubectl("delete", "ibgw/paper", "--timeout=30s")
    until("it is gone", lambda: paper.pods("gateway") == [], seconds=240)


@pytest.fixture
def bound(stage: Stage) -> Stage:
    """Another user's gateway on the worker, whose volumes stay there."""
    user = {"password": "canary", "account": "DU7654321", "modes": ["paper"], "two_factor": True}
    with stage.ibkr() as ibkr:
        ibkr.put(f"/v1/users/{OTHER_USER}", user)
    stage.write_credentials("other", IB_USERNAME=OTHER_USER, IB_PASSWORD="canary")
    bound = Stage(stage.cluster, stage.namespace, "bound")
    affinity = {"affinity": rather_on(worker(stage))}
    bound.install_gateway({"credentialsSecretRef": {"name": "other"}, "gateway": affinity})
    approved(stage)
    back(bound, worker(stage))
    return bound


def test_a_volume_that_stays_waits_with_its_token_for_the_reboot_of_its_node(
    bound: Stage,
) -> None:
    node = worker(bound)
    with draining(bound, node, "--disable-eviction", "--pod-selector=ibgateway.dev/gateway=bound"):
        pass
    until("the next pod waits for its node", lambda: unplaced(bound), seconds=120)
    assert logins_and_pushes(bound, OTHER_USER) == (["full"], 1, 0)
    bound.cluster.docker("restart", node)
    tool("up", "--workers", "1")
    bound.kubectl("uncordon", node)
    back(bound, node)
    assert logins_and_pushes(bound, OTHER_USER) == (["full", "token"], 1, 1)


def unplaced(stage: Stage) -> bool:
    pods = stage.pods("gateway")
    found = [each for pod in pods for each in pod["status"].get("conditions", [])]
    return any(c["type"] == "PodScheduled" and c.get("reason") == "Unschedulable" for c in found)
