"""A program of one's own in the executor's place, on a real cluster and in this order: held back while the push waits, let go,
ended on Sunday, started after, and the executor back in its place."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_stage import images
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import ACCOUNT, Ibkr
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import stays, until
from own_program import PROGRAM

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

Json = dict[str, Any]


def program() -> Json:
    """It runs in the executor's image: that has a library of IBKR's API."""
    return {
        "image": {"repository": images.repository("executor"), "tag": images.tag("executor")},
        "command": ["python3", "-c", PROGRAM],
        "accounts": [ACCOUNT],
        "clientId": 21,
        "whenClosed": "stop",
        "terminationGracePeriodSeconds": 10,
    }


def arrivals(ibkr: Ibkr) -> list[datetime]:
    """When orders came to IBKR."""
    return [datetime.fromisoformat(one["at"]) for one in ibkr.audit(ACCOUNT)["arrivals"]]


def words(ibkr: Ibkr) -> list[datetime]:
    """When the gate was said to be open, for each order that came."""
    return [datetime.fromisoformat(one["order_ref"]) for one in ibkr.audit(ACCOUNT)["arrivals"]]


def replicas(stage: Stage) -> int:
    return int((stage.read("deployment", "paper-executor") or {})["spec"]["replicas"])


def container(stage: Stage) -> str:
    """What runs in the executor's place."""
    found = stage.read("deployment", "paper-executor") or {}
    return str(found["spec"]["template"]["spec"]["containers"][0]["name"])


def test_while_the_push_waits_no_pod_of_it_is_there(
    stage: Stage, ibkr: Ibkr, long_ago: Json
) -> None:
    stage.write_credentials()
    stage.install_operator(long_ago)
    login = {"attemptIntervalSeconds": 30, "maxAttempts": 3}
    stage.install_gateway({"executor": program(), "login": login, "novnc": {"enabled": False}})
    until("a push waits", ibkr.waiting, seconds=240)
    stage.wait_for("ExecutorReady", "False", "StoppedWhileClosed")
    stays("nothing of it runs", lambda: stage.pods("executor") == [], seconds=5)
    assert replicas(stage) == 0
    assert arrivals(ibkr) == []


def test_an_approval_lets_it_go(stage: Stage, ibkr: Ibkr) -> None:
    ibkr.approve()
    until("its pod is Ready", lambda: stage.ready("executor"), seconds=120)
    stage.wait_for("Ready", "True")
    until("it trades", lambda: len(arrivals(ibkr)) >= 3, seconds=60)
    assert stage.events("ProgramStarted")
    [pod] = stage.pods("executor")
    assert [c["name"] for c in pod["spec"]["containers"]] == ["program"]
    assert stage.read("persistentvolumeclaim", "paper-executor") is None


def test_a_short_loss_does_not_end_it(stage: Stage, ibkr: Ibkr) -> None:
    before = [pod["metadata"]["uid"] for pod in stage.pods("executor")]
    ibkr.post("/v1/connectivity", {"state": "lost"})
    stage.wait_for("TradingAllowed", "False", "ConnectionLost")
    until("its pod is not Ready", lambda: not stage.ready("executor"), seconds=30)
    stays("it is there", lambda: replicas(stage) == 1, seconds=10)
    ibkr.post("/v1/connectivity", {"state": "restored"})
    until("its pod is Ready", lambda: stage.ready("executor"), seconds=120)
    assert [pod["metadata"]["uid"] for pod in stage.pods("executor")] == before


def test_sunday_ends_it_and_its_push_starts_it_again(stage: Stage, ibkr: Ibkr) -> None:
    boundary = (datetime.now(UTC) + timedelta(seconds=150)).replace(second=10)
    restart = (boundary + timedelta(seconds=60)).strftime("%H:%M")
    week = {"spec": {"weeklyRestart": {"restartAt": restart, "timeZone": "UTC"}}}
    stage.kubectl("patch", "ibgw", "paper", "--type=merge", "-p", json.dumps(week))
    stage.install_operator(calendar(boundary))
    stage.wait_for("ExecutorReady", "False", "StoppedWhileClosed", seconds=240)
    until("its pod is gone", lambda: stage.pods("executor") == [], seconds=60)
    assert any("RestartWindow" in said for said in stage.events("ProgramStopped"))
    until("the weekly push", ibkr.waiting, seconds=300)
    assert replicas(stage) == 0
    approved = datetime.now(UTC)
    ibkr.approve()
    stage.wait_for("Ready", "True", seconds=180)
    until("it trades", lambda: max(arrivals(ibkr)) > approved, seconds=60)
    closed = [at for at in words(ibkr) if boundary <= at < approved]
    assert closed == [], "an order was sent while the gate was closed"
    assert min(at for at in arrivals(ibkr) if at > approved) - approved > timedelta(seconds=10)


def test_on_request_the_executor_takes_its_place_back(stage: Stage, ibkr: Ibkr) -> None:
    pushes = len(ibkr.pushes())
    stage.install_gateway({"executor": {"accounts": [ACCOUNT]}, "novnc": {"enabled": False}})
    stage.wait_for("ChangePending", "True")
    stays("the program goes on", lambda: container(stage) == "program", seconds=5)
    stage.ask_for_login()
    until("the executor is Ready", lambda: _executor_is_back(stage), seconds=180)
    sent = len(arrivals(ibkr))
    with stage.orders() as orders:
        order = orders.place("own-program-1")
        until("it fills", lambda: orders.get(order["id"])["state"] == "Filled", seconds=90)
    assert len(arrivals(ibkr)) == sent + 1
    assert len(ibkr.pushes()) == pushes


def _executor_is_back(stage: Stage) -> bool:
    return container(stage) == "executor" and stage.ready("executor")
