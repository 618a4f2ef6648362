"""Copies of the ledger on a claim of one's own: one is put back, and one saves the orders after the ledger's volume is lost, in this order.

What was sent since the copy is found at IBKR by its key, and nothing is sent twice.
"""

from collections.abc import Iterator

import pytest

from ibgateway.client import NotFoundError
from ibgateway_stage.accidents import only_pod
from ibgateway_stage.ibkr import ACCOUNT, Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import until
from order_judge import judge

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

COPIES = "/var/lib/ibgateway-backup"
CLAIM: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "paper-copies"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


@pytest.fixture(scope="module")
def trading(stage: Stage, ibkr: Ibkr, long_ago: Json) -> None:
    """Logged in by one push, with a claim for the copies."""
    stage.write_credentials()
    stage.apply(CLAIM)
    stage.install_operator(long_ago)
    backup = {"claimName": "paper-copies", "everyHours": 24, "keep": 3}
    stage.install_gateway({"novnc": {"enabled": False}, "executor": {"backup": backup}})
    until("a push", ibkr.waiting, seconds=240)
    ibkr.approve()
    stage.wait_for("Ready", "True")


@pytest.fixture
def orders(stage: Stage, trading: None) -> Iterator[Orders]:
    """The intake Service, until the executor's pod ends."""
    with stage.orders() as client:
        yield client


def tool(stage: Stage, *words: str) -> str:
    """`python3 -m ibgateway_executor` beside the executor, as docs/executor.md has it; what it says."""
    argv = ["python3", "-m", "ibgateway_executor", *words]
    return stage.kubectl("exec", "deploy/paper-executor", "--", *argv)


def copies(stage: Stage) -> list[str]:
    """Names of the copies, oldest first."""
    said = stage.kubectl("exec", "deploy/paper-executor", "--", "ls", COPIES)
    return sorted(name for name in said.split() if name.endswith(".db"))


def filled(orders: Orders, key: str) -> Json:
    """The order of a key, once it is filled."""
    order = orders.place(key)
    return until(f"the order {key}", lambda: _filled(orders, order["id"]), seconds=60)


def _filled(orders: Orders, order: str) -> Json | None:
    found = orders.get(order)
    return found if found["state"] == "Filled" else None


def restarted(stage: Stage, *command: str) -> None:
    """Another executor is Ready after this command of kubectl."""
    before = only_pod(stage, "executor")["metadata"]["uid"]
    stage.kubectl(*command)
    until(
        "another executor is Ready",
        lambda: (
            stage.ready("executor") and only_pod(stage, "executor")["metadata"]["uid"] != before
        ),
        seconds=240,
    )
    stage.wait_for("Ready", "True")


def put_back(stage: Stage, copy: str) -> None:
    """The copy is the ledger, the person who put it back has looked, and the executor is Ready again."""
    tool(stage, "restore", f"{COPIES}/{copy}")
    stage.kubectl("rollout", "restart", "deploy/paper-executor")
    until("the copy is the ledger", lambda: _paused_by_the_restore(stage), seconds=240)
    with stage.orders() as looked:
        looked.resume(by="the person on call")
    until("the executor is Ready", lambda: stage.ready("executor"), seconds=240)
    stage.wait_for("Ready", "True")


def _paused_by_the_restore(stage: Stage) -> bool:
    return "a restore has paused trading" in stage.condition("TradingAllowed").get("message", "")


def test_a_first_copy_is_taken_by_itself_and_another_one_by_hand(
    stage: Stage, orders: Orders
) -> None:
    [first] = until("a copy", lambda: copies(stage), seconds=90)
    filled(orders, "in-the-copy")
    tool(stage, "backup")
    assert [name == first for name in copies(stage)] == [True, False]


def test_what_was_sent_after_the_copy_that_is_put_back_is_not_sent_again(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    later = filled(orders, "after-the-copy")
    put_back(stage, copies(stage)[-1])
    with stage.orders() as again:
        assert filled(again, "in-the-copy")["filledQuantity"] in (1, "1")
        with pytest.raises(NotFoundError):
            again.get(later["id"])
        assert filled(again, "after-the-copy")["id"] == later["id"]
        clean(ibkr, again, number=2)


def test_the_volume_is_lost_and_the_newest_copy_has_the_orders(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    tool(stage, "backup")
    kept, before = copies(stage), orders.all()["orders"]
    stage.kubectl("delete", "pvc", "paper-executor", "--wait=false")
    restarted(stage, "delete", "pod", only_pod(stage, "executor")["metadata"]["name"])
    assert copies(stage) == kept
    with stage.orders() as empty:
        assert empty.all()["orders"] == []
        empty.pause(by="the person on call", reason="the ledger's volume is lost")
    put_back(stage, kept[-1])
    with stage.orders() as again:
        assert [order["id"] for order in again.all()["orders"]] == [order["id"] for order in before]
        filled(again, "after-the-loss")
        clean(ibkr, again, number=3)
    assert len(ibkr.pushes()) == len(ibkr.logins()) == 1


def clean(ibkr: Ibkr, orders: Orders, *, number: int) -> None:
    """So many orders, and IBKR has each once, as the ledger has it."""
    verdict = judge(ibkr.audit(ACCOUNT), orders.all()["orders"], acknowledged=())
    assert verdict.violations == []
    assert (verdict.arrived, verdict.booked, verdict.states) == (number, number, {"Filled": number})
