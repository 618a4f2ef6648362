"""The children of a reconciled IBGateway: what is removed, what is foreign, what is refused."""

from ibgateway_operator.errors import InvalidError
from operator_fakes import OperatorWorld, ibgateway_body


async def test_what_is_switched_off_is_removed_and_the_ledger_is_not(
    trading: OperatorWorld,
) -> None:
    trading.edit(novnc={"enabled": False}, executor={"enabled": False})
    deleted = [w for w in await trading.reconcile() if w.startswith("delete")]
    assert sorted(deleted) == [
        "delete ConfigMap paper-executor",
        "delete Deployment paper-executor",
        "delete Deployment paper-novnc",
        "delete NetworkPolicy paper-executor",
        "delete NetworkPolicy paper-novnc",
        "delete Service paper-executor",
        "delete Service paper-executor-intake",
        "delete Service paper-novnc",
        "delete ServiceAccount paper-executor",
        "delete ServiceAccount paper-novnc",
    ]
    assert trading.api_server.has("PersistentVolumeClaim", "paper-executor")


async def test_a_foreign_object_is_left_alone_and_named(world: OperatorWorld) -> None:
    foreign = {"namespace": "trading", "name": "paper-novnc"}
    world.api_server.put({"kind": "Service", "metadata": foreign, "spec": {"mine": True}})
    await world.reconcile()
    assert world.api_server.named("Service", "paper-novnc")["spec"] == {"mine": True}
    assert world.condition("Ready") == "False ForeignObject"
    assert "Service paper-novnc exists and does not belong" in world.message("Ready")


async def test_a_ledger_of_the_other_mode_is_never_adopted(world: OperatorWorld) -> None:
    labels = {
        "ibgateway.dev/gateway": "paper",
        "app.kubernetes.io/managed-by": "ibgateway-operator",
    }
    meta = {"namespace": "trading", "name": "paper-executor", "labels": labels}
    meta["annotations"] = {"ibgateway.dev/trading-mode": "live"}
    world.api_server.put({"kind": "PersistentVolumeClaim", "metadata": meta})
    await world.reconcile()
    assert world.condition("Ready") == "False LedgerOfOtherMode"


async def test_a_ledger_of_an_earlier_gateway_of_the_same_name_and_mode_is_adopted(
    world: OperatorWorld,
) -> None:
    await world.reconcile()
    world.api_server.remove("IBGateway", "paper")
    world.api_server.collect_garbage()
    assert world.children() == {"PersistentVolumeClaim paper-executor"}
    world.api_server.put(ibgateway_body(uid="uid-2"))
    await world.reconcile()
    assert world.condition("Ready") == "False NoNews"


async def test_a_child_the_api_server_refuses_is_named_and_the_rest_is_applied(
    world: OperatorWorld,
) -> None:
    world.api_server.refuse["Deployment paper-executor"] = InvalidError(422, "quota is used up")
    writes = await world.reconcile()
    assert "apply Deployment paper-novnc" in writes
    assert world.condition("Ready") == "False ApplyRefused"
    assert "quota is used up" in world.message("Ready")
