"""An upgrade from the charts as they were (`earlier/charts.tgz`, commit 78bb9d2) to this checkout's: nobody's login is touched.

The agent's image has another name afterwards, as with a new version: a gateway's new template waits for the restart window.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ibgateway_cluster import images as loading
from ibgateway_cluster.errors import CommandError
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import OPERATOR, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

Json = dict[str, Any]

EARLIER: Final = Path(__file__).parent / "earlier" / "charts.tgz"
AFTER: Final = "upgraded"
"""The agent image's tag after the upgrade: the same image, so that no second one has to be built."""


@pytest.fixture(scope="module")
def earlier(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The stage with the charts as they were."""
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(EARLIER) as archive:
        archive.extractall(folder, filter="data")
    return replace(stage, charts=folder)


@pytest.fixture(scope="module")
def before(stage: Stage) -> dict[str, Json]:
    """What ran before the upgrade; filled in by the first test."""
    return {}


@pytest.fixture(scope="module")
def orders(stage: Stage) -> Iterator[Orders]:
    """The intake Service, which answers at any time."""
    with stage.orders() as client:
        yield client


def running(stage: Stage, component: str) -> Json:
    """The pod of a component: who it is, and how often each of its containers has started."""
    [pod] = stage.pods(component)
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status["containerStatuses"]]
    return {
        "uid": pod["metadata"]["uid"],
        "containers": {c["name"]: (c["containerID"], c["restartCount"]) for c in every},
    }


def test_a_gateway_of_the_earlier_charts_trades(
    earlier: Stage, ibkr: Ibkr, long_ago: Json, before: dict[str, Json]
) -> None:
    earlier.write_credentials()
    earlier.install_operator(long_ago)
    earlier.install_gateway()
    until("a push waits", ibkr.waiting, seconds=240)
    ibkr.approve()
    earlier.wait_for("Ready", "True")
    until("the executor pod is Ready", lambda: earlier.ready("executor"), seconds=120)
    before.update({one: running(earlier, one) for one in ("gateway", "executor")})


def test_the_upgrade_restarts_no_gateway_and_no_executor(
    stage: Stage, ibkr: Ibkr, long_ago: Json, before: dict[str, Json]
) -> None:
    agent = images.repository("agent")
    stage.cluster.docker("tag", images.reference("agent"), f"{agent}:{AFTER}")
    loading.load(stage.cluster, f"{agent}:{AFTER}", report=Reporter())
    pushes = len(ibkr.pushes())
    marks = {"commonLabels": {"team": "desk"}, "commonAnnotations": {"owner": "desk"}}
    stage.install_operator(long_ago, images={"agent": {"tag": AFTER}}, **marks)
    stage.install_gateway(labels={"team": "desk"})
    until("the new template waits", lambda: stage.status().get("pendingRevision"), seconds=120)
    stays("trading", lambda: stage.ready("executor"), seconds=20, every=2)
    stage.wait_for("Ready", "True")
    assert {one: running(stage, one) for one in before} == before
    assert len(ibkr.pushes()) == pushes


def test_an_order_fills_after_it(orders: Orders) -> None:
    order = orders.place("upgrade-1")
    look = lambda: orders.get(order["id"])["state"] == "Filled"  # noqa: E731
    until("the order fills", look, seconds=90)


def test_helm_test_finds_all_in_order(stage: Stage) -> None:
    said = stage.cluster.helm("test", OPERATOR, f"--namespace={stage.namespace}", "--logs")
    assert "all in order" in said


def test_helm_test_names_a_right_that_is_missing(stage: Stage, long_ago: Json) -> None:
    role = json.loads(stage.kubectl("get", "role", OPERATOR, "-o=json"))
    less = [rule for rule in role["rules"] if rule["resources"] != ["secrets"]]
    stage.kubectl("patch", "role", OPERATOR, "--type=merge", f"-p={json.dumps({'rules': less})}")
    with pytest.raises(CommandError):
        stage.cluster.helm("test", OPERATOR, f"--namespace={stage.namespace}")
    said = stage.kubectl("logs", f"{OPERATOR}-test")
    assert f"the account may not create secrets in the namespace {stage.namespace}" in said
    stage.install_operator(long_ago, images={"agent": {"tag": AFTER}})


def test_a_release_of_the_operator_makes_gateways_and_takes_them_away(
    stage: Stage, long_ago: Json, before: dict[str, Json]
) -> None:
    spec = {"credentialsSecretRef": {"name": "second"}, "suspend": True}
    second = {"name": "second", "spec": spec}
    more = {"images": {"agent": {"tag": AFTER}}}
    stage.install_operator(long_ago, gateways=[second], **more)
    beside = replace(stage, gateway="second")
    until("it is served", lambda: beside.status().get("conditions"), seconds=60)
    stage.install_operator(long_ago, **more)
    assert stage.read("ibgw", "second") is None
    assert running(stage, "gateway") == before["gateway"]
