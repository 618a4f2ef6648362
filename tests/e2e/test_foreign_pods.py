"""Pods of a Deployment, a StatefulSet and a Job of somebody's own are Ready while an order would reach the market, and not else.

With the real kubelet, which makes Ready of our condition, and the real controllers.
"""

from pathlib import Path
from typing import Final

import pytest

from ibgateway_stage import images
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.plugin import CalledPlugin
from ibgateway_stage.stage import Json, Stage, is_ready
from ibgateway_stage.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

GATE: Final = "ibgateway.dev/trading-allowed"
OWNERS: Final = {"fleet", "pair", "once"}
"""Label `app` of the pods of the Deployment, the StatefulSet and the Job."""


def template(app: str, *, restart: str = "Always") -> Json:
    """A pod as somebody writes it who wants to follow the gate."""
    image = f"{images.repository('simulator')}:{images.tag('simulator')}"
    container = {
        "name": "program",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c", "until [[ -e /tmp/done ]]; do sleep 0.2; done"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "metadata": {"labels": {"app": app, "ibgateway.dev/gateway": "paper"}},
        "spec": {
            "readinessGates": [{"conditionType": GATE}],
            "restartPolicy": restart,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def workload(kind: str, app: str, **more: object) -> Json:
    """A Deployment or StatefulSet of one pod."""
    spec = {"selector": {"matchLabels": {"app": app}}, "template": template(app), **more}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": app}, "spec": spec}


JOB: Final[Json] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "once"},
    "spec": {"template": template("once", restart="Never")},
}


def pods(stage: Stage) -> dict[str, Json]:
    """The pod of each owner."""
    found = stage.read("pods", "-l=app in (fleet,pair,once)") or {"items": []}
    return {pod["metadata"]["labels"]["app"]: pod for pod in found["items"]}


def said(pod: Json) -> str:
    """The gate's words on a pod."""
    conditions = pod["status"].get("conditions", [])
    gate: Json = next((c for c in conditions if c["type"] == GATE), {})
    return f"{gate.get('status', '')} {gate.get('reason', '')}".strip()


def all_say(stage: Stage, words: str, *, ready: bool) -> bool:
    """Whether each of the three has these words, and is Ready or not."""
    found = pods(stage)
    return set(found) == OWNERS and all(
        said(pod) == words and is_ready(pod) is ready for pod in found.values()
    )


@pytest.fixture(scope="module")
def following(stage: Stage, ibkr: Ibkr, long_ago: Json) -> None:
    """They are there before the gateway is; then it is logged in by one push."""
    stage.apply(
        workload("Deployment", "fleet"), workload("StatefulSet", "pair", serviceName="pair")
    )
    stage.apply(JOB)
    stage.write_credentials()
    stage.install_operator(long_ago)
    until(
        "everyone misses the gateway",
        lambda: all_say(stage, "False GatewayMissing", ready=False),
        seconds=120,
    )
    stage.install_gateway({"novnc": {"enabled": False}})
    until("a push", ibkr.waiting, seconds=240)
    ibkr.approve()
    stage.wait_for("Ready", "True")


def test_they_are_ready_while_the_gate_is_open(stage: Stage, following: None) -> None:
    until("they are Ready", lambda: all_say(stage, "True GateOpen", ready=True), seconds=60)
    assert stage.ready("executor")


def test_they_are_not_while_it_is_closed(stage: Stage, ibkr: Ibkr, following: None) -> None:
    ibkr.post("/v1/connectivity", {"state": "lost"})
    closed = lambda: all_say(stage, "False ConnectionLost", ready=False)  # noqa: E731
    until("none of them is Ready", closed, seconds=120)
    until("nor is the executor", lambda: not stage.ready("executor"), seconds=30)
    ibkr.post("/v1/connectivity", {"state": "restored", "code": 1102})
    until("they are Ready again", lambda: all_say(stage, "True GateOpen", ready=True), seconds=240)


def test_without_the_label_a_pod_has_no_gate_and_is_not_ready(
    stage: Stage, following: None
) -> None:
    pod = pods(stage)["pair"]["metadata"]["name"]
    stage.kubectl("label", "pod", pod, "ibgateway.dev/gateway-")
    until("it has no condition", lambda: not said(pods(stage)["pair"]), seconds=60)
    until("it is not Ready", lambda: not is_ready(pods(stage)["pair"]), seconds=60)
    stage.kubectl("label", "pod", pod, "ibgateway.dev/gateway=paper")
    until("it is Ready again", lambda: is_ready(pods(stage)["pair"]), seconds=60)


def test_a_job_that_has_ended_keeps_its_last_word(stage: Stage, following: None) -> None:
    stage.kubectl("exec", pods(stage)["once"]["metadata"]["name"], "--", "touch", "/tmp/done")
    until("it has ended", lambda: pods(stage)["once"]["status"]["phase"] == "Succeeded", seconds=60)
    assert said(pods(stage)["once"]) == "True GateOpen"


def test_the_plugin_counts_those_that_are_left(
    stage: Stage, following: None, tmp_path: Path
) -> None:
    plugin = CalledPlugin(stage, tmp_path)
    plugin.install()
    assert plugin.run("status", "-o", "json").json()["programs"] == {"following": 2, "ready": 2}
