"""The children of a reconciled IBGateway: what is removed, what is foreign, what is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.act import children
from ibgateway_operator.errors import ApiError, ApiUnavailableError, InvalidError
from ibgateway_operator.model.manifests import fingerprint
from operator_fakes import IMAGES, OperatorWorld, ibgateway_body, report

DRAINED = ExecutorReport(open=False, unacknowledged=0).to_json().encode()


async def test_what_is_switched_off_is_removed_and_the_ledger_is_not(
    trading: OperatorWorld,
) -> None:
    trading.edit(novnc={"enabled": False}, executor={"enabled": False})
    deleted = [w for w in await trading.reconcile() if w.startswith("delete")]
    assert not [w for w in deleted if "executor" in w]
    trading.http.answers["/v1/gate"] = DRAINED
    for _ in range(3):
        trading.deliver()
        deleted += [w for w in await trading.reconcile() if w.startswith("delete")]
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


async def test_nothing_is_asked_before_a_new_gateways_children_are_made(
    world: OperatorWorld,
) -> None:
    await world.reconcile()
    asked = [read for read in world.api_server.reads if not read.startswith("get Secret")]
    assert asked == []
    assert len([w for w in world.api_server.writes if w.startswith("apply")]) == 19


async def test_what_is_stored_is_hashed_once_a_version(
    trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def counted(body: Mapping[str, Any]) -> str:
        hashed.append(body["metadata"]["name"])
        return fingerprint(body)

    monkeypatch.setattr(children, "fingerprint", counted)
    await trading.reconcile()
    assert hashed == []
    service = trading.api_server.named(*SERVICE.split())
    trading.api_server.put({**service, "status": {"loadBalancer": {}}})
    assert await trading.reconcile() == []
    assert hashed == ["paper-novnc"]


async def test_a_foreign_object_that_comes_between_is_left_alone(trading: OperatorWorld) -> None:
    """Somebody replaces a child while the watches still show ours, and it has to be applied again."""
    trading.silence_watches()
    trading.use_images(replace(IMAGES, agent="agent:2"))
    trading.api_server.remove("Deployment", "paper-novnc")
    foreign = {"namespace": "trading", "name": "paper-novnc"}
    trading.api_server.put({"kind": "Deployment", "metadata": foreign, "spec": {"mine": True}})
    assert "conflict Deployment paper-novnc" in await trading.reconcile()
    assert trading.api_server.named("Deployment", "paper-novnc")["spec"] == {"mine": True}
    assert trading.condition("Ready") == "False ForeignObject"


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


LEFT_BEHIND = {"ibgateway.dev/gateway": "paper", "app.kubernetes.io/component": "gateway"}
"""The labels of a claim that the StatefulSet has made."""


def data_claim(size: str = "1Gi", mode: str = "") -> dict[str, Any]:
    meta: dict[str, Any] = {"namespace": "trading", "name": "data-paper-gateway-0"}
    notes = {"ibgateway.dev/trading-mode": mode} if mode else {}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    meta |= {"labels": LEFT_BEHIND, "annotations": notes}
    return {"kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


async def test_the_volume_of_a_paper_gateway_is_never_a_live_ones(world: OperatorWorld) -> None:
    """A paper login's week and a paper ledger's budget count for nothing there."""
    world.api_server.put(data_claim(mode="live"))
    await world.reconcile()
    assert world.condition("Ready") == "False LedgerOfOtherMode"
    assert "data-paper-gateway-0 holds the settings and the record of attempts of a live" in (
        world.message("Ready")
    )
    assert not world.api_server.has("StatefulSet", "paper-gateway")
    world.api_server.remove("PersistentVolumeClaim", "data-paper-gateway-0")
    await world.reconcile()
    assert world.api_server.has("StatefulSet", "paper-gateway")


async def test_a_volume_is_stamped_with_its_mode_and_stays_as_large_as_it_is(
    world: OperatorWorld,
) -> None:
    """One that an earlier version left unstamped, and that somebody has expanded."""
    world.api_server.put(data_claim(size="5Gi"))
    await world.reconcile()
    claim = world.api_server.named("PersistentVolumeClaim", "data-paper-gateway-0")
    assert claim["metadata"]["annotations"]["ibgateway.dev/trading-mode"] == "paper"
    assert claim["spec"]["resources"] == {"requests": {"storage": "5Gi"}}
    assert not [w for w in await world.reconcile() if "PersistentVolumeClaim" in w]


async def test_a_ledger_of_an_earlier_gateway_of_the_same_name_and_mode_is_adopted(
    world: OperatorWorld,
) -> None:
    await world.reconcile()
    world.api_server.remove("IBGateway", "paper")
    world.api_server.collect_garbage()
    assert world.children() == {
        "PersistentVolumeClaim data-paper-gateway-0",
        "PersistentVolumeClaim paper-executor",
    }
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


DOWN = ApiUnavailableError('500: failed calling webhook "guard.example": connection refused')
SERVICE = "Service paper-novnc"


class TestFailingChild:
    """One child that can't be applied holds up neither the others nor the truth."""

    async def test_a_new_gateway_gets_the_others_its_status_and_an_event(
        self, world: OperatorWorld
    ) -> None:
        world.api_server.refuse[SERVICE] = DOWN
        writes = await world.reconcile()
        assert "apply Deployment paper-novnc" in writes
        assert writes[-2:] == ["status", "create Event ApplyFailed"]
        assert world.condition("Ready") == "False ApplyFailed"
        assert "Service paper-novnc could not be applied" in world.message("Ready")
        assert "guard.example" in world.message("Ready")

    async def test_a_running_gateways_login_state_goes_on_being_told(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.refuse[SERVICE] = DOWN
        trading.api_server.remove("Service", "paper-novnc")
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        await trading.reconcile()
        assert trading.condition("GatewayLoggedIn") == "False LockedOut"
        assert trading.condition("TradingAllowed") == "False LockedOut"
        assert trading.condition("Ready") == "False ApplyFailed"

    async def test_it_is_tried_again_later_and_later_and_not_with_every_look(
        self, world: OperatorWorld
    ) -> None:
        world.api_server.refuse[SERVICE] = DOWN
        waits = []
        for _ in range(8):
            assert f"apply {SERVICE}" in await world.reconcile()
            assert f"apply {SERVICE}" not in await world.reconcile()
            waits.append(world.next_look())
            world.pass_time(61.0)
        assert waits[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
        assert "status" not in await world.reconcile()

    async def test_once_it_goes_through_nothing_is_left_of_it(self, trading: OperatorWorld) -> None:
        trading.api_server.refuse[SERVICE] = DOWN
        trading.api_server.remove("Service", "paper-novnc")
        await trading.reconcile()
        del trading.api_server.refuse[SERVICE]
        trading.pass_time(1.1)
        trading.hear_again()
        assert await trading.reconcile() == ["apply Service paper-novnc", "status"]
        assert trading.condition("Ready") == "True Trading"

    async def test_a_corrected_manifest_is_tried_at_once(self, trading: OperatorWorld) -> None:
        what = "ConfigMap paper-gateway"
        trading.api_server.refuse[what] = InvalidError(422, "no")
        trading.edit(login={"maxAttempts": 1})
        assert f"apply {what}" in await trading.reconcile()
        trading.edit(login={"maxAttempts": 2})
        assert f"apply {what}" in await trading.reconcile()

    async def test_several_are_counted(self, world: OperatorWorld) -> None:
        world.api_server.refuse |= {SERVICE: DOWN, "Service paper-gateway": DOWN}
        await world.reconcile()
        assert world.message("Ready").endswith("(and 1 more)")

    @pytest.mark.parametrize("need", ["NetworkPolicy", "ConfigMap", "ServiceAccount"])
    async def test_a_pod_is_not_started_without_what_it_needs(
        self, world: OperatorWorld, need: str
    ) -> None:
        world.api_server.refuse[f"{need} paper-gateway"] = DOWN
        await world.reconcile()
        assert not world.api_server.has("StatefulSet", "paper-gateway")
        assert world.api_server.has("Deployment", "paper-executor")

    async def test_a_suspend_stops_the_gateway_all_the_same(self, trading: OperatorWorld) -> None:
        trading.api_server.remove("Pod", "paper-executor-abc")
        trading.api_server.refuse["ConfigMap paper-gateway"] = DOWN
        trading.api_server.remove("ConfigMap", "paper-gateway")
        trading.edit(suspend=True)
        await trading.reconcile()
        assert trading.replicas("StatefulSet", "paper-gateway") == 0

    async def test_what_can_not_be_deleted_is_named(self, trading: OperatorWorld) -> None:
        trading.api_server.refuse[f"delete {SERVICE}"] = DOWN
        trading.edit(novnc={"enabled": False})
        await trading.reconcile()
        assert not trading.api_server.has("Deployment", "paper-novnc")
        assert "Service paper-novnc is no longer wanted" in trading.message("Ready")

    async def test_a_secret_that_can_not_be_read_leaves_what_was_seen(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.refuse["get Secret ib-credentials"] = ApiError(403, "forbidden")
        trading.pass_time(3600)
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        await trading.reconcile()
        assert trading.condition("GatewayLoggedIn") == "False LockedOut"
        assert "could not be looked at: 403: forbidden" in trading.message("Ready")
        assert trading.next_look() >= 1.0

    async def test_our_own_secret_that_can_not_be_made_holds_up_nothing(
        self, world: OperatorWorld
    ) -> None:
        world.api_server.refuse["Secret paper-agent-token"] = DOWN
        writes = await world.reconcile()
        assert "apply Deployment paper-novnc" in writes
        assert world.condition("Ready") == "False ApplyFailed"


async def test_a_status_that_can_not_be_written_is_tried_again(world: OperatorWorld) -> None:
    world.api_server.refuse["status"] = DOWN
    with pytest.raises(ApiUnavailableError):
        await world.reconcile()
    del world.api_server.refuse["status"]
    assert await world.reconcile() == ["status"]
