"""Five weekly restarts, and in each the operator is killed at another moment. Always one restart of the gateway's container,
one push, and nothing sent to IBKR from the boundary until the approval.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from ibgateway_stage.accidents import (
    kill,
    killed_when,
    lives,
    only_pod,
    operator_pod,
    restarts,
    run_folder,
)
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.readiness_watch import Watch
from ibgateway_stage.stage import OPERATOR, Stage, is_ready
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

Json = dict[str, Any]
TOLD = timedelta(seconds=50)
"""Until everybody knows the new week."""
ORDERS_FATE = [5, 7, 16, 99]
"""What an executor asks to learn what became of an order: reqOpenOrders, reqExecutions, reqAllOpenOrders, reqCompletedOrders."""


class Moment(StrEnum):
    """When the operator is killed."""

    BOUNDARY = "before the boundary, and is away when it comes"
    DRAIN = "while the executor drains"
    PERMIT = "after the restart was permitted, before the push"
    PUSH = "while the push waits"
    APPROVAL = "right after the approval"


@dataclass(frozen=True)
class Scene:
    """Who takes part."""

    stage: Stage
    ibkr: Ibkr
    orders: Orders
    watch: Watch

    def kill_operator(self) -> None:
        kill(self.stage, operator_pod(self.stage), "operator")

    def operator_is_back(self) -> None:
        look = lambda: restarts(operator_pod(self.stage), "operator") == 1  # noqa: E731
        until("the operator runs again", look, seconds=60)
        until("and is Ready", lambda: is_ready(operator_pod(self.stage)), seconds=60)

    def state(self, order: Json) -> str:
        return str(self.orders.get(order["id"])["state"])


@pytest.fixture(scope="module")
def scene(stage: Stage, ibkr: Ibkr, long_ago: Json) -> Iterator[Scene]:
    """A gateway that is logged in by its first push."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    budget = {"maxAttempts": 10, "dailyAttempts": 24, "attemptIntervalSeconds": 30}
    stage.install_gateway({"login": budget})
    until("a push", ibkr.waiting, seconds=240)
    ibkr.approve()
    stage.wait_for("Ready", "True")
    with stage.orders() as orders, Watch(stage).running() as watch:
        yield Scene(stage, ibkr, orders, watch)


def new_week(stage: Stage) -> datetime:
    """A week whose boundary comes soon, and its restart five seconds after it; gives the boundary once it is known."""
    restart = (datetime.now(UTC) + TOLD + timedelta(minutes=1)).replace(second=0, microsecond=0)
    boundary = restart - timedelta(seconds=5)
    spec = {"weeklyRestart": {"restartAt": f"{restart:%H:%M}", "timeZone": "UTC"}}
    stage.kubectl("patch", "ibgw", "paper", "--type=merge", f"-p={json.dumps({'spec': spec})}")
    stage.install_operator(calendar(boundary))
    opens = f"{boundary:%Y-%m-%dT%H:%M:%SZ}"
    until("the new week", lambda: stage.status()["window"]["opens"] == opens, seconds=40)
    return boundary


@pytest.mark.parametrize("moment", Moment)
def test_one_restart_and_one_push_whenever_the_operator_is_killed(
    scene: Scene, moment: Moment
) -> None:
    stage, ibkr = scene.stage, scene.ibkr
    before, pushes, logins = only_pod(stage), len(ibkr.pushes()), len(ibkr.logins())
    boundary = new_week(stage)
    scene.watch.wait(ready=True)
    order = window_up_to_the_push(scene, before, boundary, moment)
    ibkr.approve()
    if moment is Moment.APPROVAL:
        scene.kill_operator()
    stage.wait_for("Ready", "True")
    scene.watch.wait(ready=True)
    until("the order of the window fills", lambda: scene.state(order) == "Filled", seconds=60)
    after = only_pod(stage)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert restarts(after, "gateway") == restarts(before, "gateway") + 1
    assert restarts(after, "sentinel") == 0
    assert (len(ibkr.pushes()), len(ibkr.logins())) == (pushes + 1, logins + 1)
    assert stage.condition("OutsideRestartWindow")["status"] == "True"


def window_up_to_the_push(scene: Scene, before: Json, boundary: datetime, moment: Moment) -> Json:
    """The restart window until its push waits; gives an order that was placed in it and has not reached IBKR."""
    if moment is Moment.DRAIN:
        hold_drain(scene)
    if moment is Moment.BOUNDARY:
        operator_goes(scene, boundary)
    until("the boundary", lambda: datetime.now(UTC) > boundary + timedelta(seconds=1))
    scene.watch.wait(ready=False)
    closed, booked = len(scene.watch.seen), len(scene.ibkr.orders())
    order = scene.orders.place(f"in-the-window-{moment.name}")
    if moment is Moment.BOUNDARY:
        operator_comes(scene, before)
    if moment is Moment.DRAIN:
        killed_in_the_drain(scene, before)
    with killed_between(scene, before, moment):
        [push] = until("the weekly push", scene.ibkr.waiting, seconds=180)
    if moment is Moment.PUSH:
        scene.kill_operator()
        scene.operator_is_back()
        stays("that push waits", lambda: scene.ibkr.waiting() == [push], seconds=10)
    assert (len(scene.ibkr.orders()), scene.state(order)) == (booked, "Waiting")
    assert not any(is_ready(pod) for _, pod in scene.watch.seen[closed:])
    return order


def operator_goes(scene: Scene, boundary: datetime) -> None:
    """Ended at once just before the boundary; first of all nobody starts it again, or it would see the restart's time."""
    until("soon", lambda: datetime.now(UTC) > boundary - timedelta(seconds=5))
    pod = operator_pod(scene.stage)["metadata"]["name"]
    scene.stage.kubectl("scale", f"deployment/{OPERATOR}", "--replicas=0")
    scene.stage.kubectl("delete", "pod", pod, "--force", "--grace-period=0", "--ignore-not-found")


def operator_comes(scene: Scene, before: Json) -> None:
    """Late: the window is open, and the restart's time has come."""
    stays("nobody restarts it", lambda: lives(only_pod(scene.stage)) == lives(before), seconds=10)
    scene.stage.kubectl("scale", f"deployment/{OPERATOR}", "--replicas=1")


def hold_drain(scene: Scene) -> None:
    """An order of which IBKR says nothing: a restart must wait for its fate."""
    scene.ibkr.patch("/v1/faults", {"unacknowledged": True, "silent_requests": ORDERS_FATE})
    order = scene.orders.place("on-its-way", quantity=2)
    until("it is on its way", lambda: scene.state(order) == "Sending")


def killed_in_the_drain(scene: Scene, before: Json) -> None:
    """Due, and nothing is ended as long as the order's fate is open; the next operator goes on with it."""
    scene.kill_operator()
    scene.operator_is_back()
    stays("it drains", lambda: lives(only_pod(scene.stage)) == lives(before), seconds=10)
    assert not scene.ibkr.waiting()
    scene.ibkr.patch("/v1/faults", {"unacknowledged": False, "silent_requests": []})


def killed_between(scene: Scene, before: Json, moment: Moment) -> AbstractContextManager[None]:
    """The operator is killed in the moment in which the process of the old week has ended."""
    if moment is not Moment.PERMIT:
        return nullcontext()
    ended = f"! grep -q state=running {run_folder(before)}/wrapper"
    return killed_when(scene.stage, operator_pod(scene.stage), "operator", ended)
