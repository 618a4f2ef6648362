"""What a cluster's people do every week and what must not cost a login: upgrades, edits, restarts of everything else.

One pod of the gateway, none of its containers started again, one login and one push in the whole of it.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ibgateway_stage import images
from ibgateway_stage.accidents import Lives, kill, lives, on_node, only_pod, operator_pod, restarts
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import OPERATOR, Stage, is_ready
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]
OURS = ("operator", "agent", "executor")


@pytest.fixture(scope="module")
def unchanged(stage: Stage, ibkr: Ibkr, long_ago: Json) -> Callable[[], None]:
    """Logged in by one push; then says, once the operator has looked again, that nothing of it was touched."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway()
    until("a push", ibkr.waiting, seconds=240)
    ibkr.approve()
    stage.wait_for("Ready", "True")
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=60)
    before = alive(stage)

    def check() -> None:
        looked_again(stage)
        stays("the login and its pods", lambda: alive(stage) == before, seconds=3)

    return check


def alive(stage: Stage) -> tuple[Lives, Lives, bool, str]:
    """The pods that trade, and whether they may."""
    gateway, executor = only_pod(stage), only_pod(stage, "executor")
    return lives(gateway), lives(executor), is_ready(executor), stage.status()["login"]["since"]


def looked_again(stage: Stage) -> None:
    """An edit that concerns no pod, and the operator has taken it: it has seen what came before it, too."""
    found = stage.read("ibgw", "paper") or {}
    number = int(found["spec"]["executor"]["limits"].get("maxOrdersPerDay") or 100) + 1
    spec = {"executor": {"limits": {"maxOrdersPerDay": number}}}
    stage.kubectl("patch", "ibgw", "paper", "--type=merge", f"-p={json.dumps({'spec': spec})}")
    until("the operator has observed it", lambda: observed(stage), seconds=120)


def observed(stage: Stage) -> bool:
    found = stage.read("ibgw", "paper") or {}
    seen = found["metadata"]["generation"] == found["status"]["observedGeneration"]
    return bool(seen and stage.condition("SpecAccepted")["status"] == "True")


def test_an_operator_of_another_version_replaces_the_console_and_nothing_that_trades(
    stage: Stage, ibkr: Ibkr, unchanged: Callable[[], None], long_ago: Json
) -> None:
    for target in OURS:
        image = f"docker.io/library/{images.reference(target)}"
        on_node(stage, stage.cluster.node, f"ctr -n k8s.io images tag --force {image} {image}-next")
    newer = {target: {"tag": f"{images.tag(target)}-next"} for target in OURS}
    stage.install_operator(
        long_ago,
        images=newer,
        logLevel="DEBUG",
        resources={"requests": {"memory": "144Mi"}},
    )
    until("what trades is held back", lambda: stage.status().get("pendingRevision"), seconds=120)
    until("the console is the new version's", lambda: console_image(stage).endswith("-next"))
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)


def console_image(stage: Stage) -> str:
    pods = stage.pods("novnc")
    return str(pods[0]["spec"]["containers"][0]["image"]) if len(pods) == 1 else ""


def test_the_operator_that_was_there_before_has_nothing_to_hold_back(
    stage: Stage, ibkr: Ibkr, unchanged: Callable[[], None], long_ago: Json
) -> None:
    stage.install_operator(long_ago)
    until("nothing is held back", lambda: not stage.status().get("pendingRevision"), seconds=120)
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)


def test_changed_values_of_the_gateways_chart_reach_it_while_it_runs(
    stage: Stage, ibkr: Ibkr, unchanged: Callable[[], None]
) -> None:
    spec = {
        "login": {"dailyAttempts": 9, "attemptIntervalSeconds": 600},
        "weeklyRestart": {"restartAt": "10:30", "timeZone": "Europe/Berlin"},
        "executor": {"limits": {"maxOrderValue": "100000"}},
        "notifications": {"batchSeconds": 30},
        "networkPolicy": {"executorClients": [{"podSelector": {"app": "trader"}}]},
    }
    stage.install_gateway(spec, labels={"team": "desk"}, annotations={"owner": "desk"})
    until("the operator has observed it", lambda: observed(stage), seconds=120)
    until("the executor is told", lambda: '"100000"' in told(stage, "executor"), seconds=60)
    until("the sentinel is told", lambda: "10:30" in told(stage, "gateway"), seconds=60)
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)


def told(stage: Stage, component: str) -> str:
    found = stage.read("configmap", f"paper-{component}") or {}
    return str(found["data"]["settings.json"])


def test_labels_and_annotations_of_people_and_tools_are_nobodys_business(
    stage: Stage, ibkr: Ibkr, unchanged: Callable[[], None]
) -> None:
    stage.kubectl("label", "--overwrite", "ibgw/paper", "team=other", "example.com/cost-centre=42")
    stage.kubectl("annotate", "ibgw/paper", "argocd.argoproj.io/tracking-id=ib:paper")
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)
    stage.kubectl("label", "ibgw/paper", "team-", "example.com/cost-centre-")
    stage.kubectl("annotate", "ibgw/paper", "argocd.argoproj.io/tracking-id-")
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)


def test_an_operator_that_is_killed_or_restarted_asks_for_nothing_twice(
    stage: Stage, ibkr: Ibkr, unchanged: Callable[[], None]
) -> None:
    pod = operator_pod(stage)
    kill(stage, pod, "operator")
    until("it runs again", lambda: restarts(operator_pod(stage), "operator") == 1, seconds=60)
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)
    stage.kubectl("rollout", "restart", f"deployment/{OPERATOR}")
    stage.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=180s")
    unchanged()
    assert (len(ibkr.logins()), len(ibkr.pushes())) == (1, 1)


def test_and_an_order_fills(stage: Stage) -> None:
    with stage.orders() as orders:
        order = orders.place("left-alone")
        until("it fills", lambda: orders.get(order["id"])["state"] == "Filled", seconds=60)
