"""Which objects are ours: of this namespace, with these labels, whatever else has the same name."""

from ibgateway_api.names import Key
from operator_fakes import OperatorWorld, ibgateway_body, operator_world, pod

SERVICE = ("Service", "paper-novnc")
MADE_ANEW = ["conflict Service paper-novnc", "apply Service paper-novnc"]
"""First onto the object as the watches show it, then anew."""


def copy_to_another_namespace(world: OperatorWorld) -> None:
    ours = world.api_server.named(*SERVICE)
    meta = {"namespace": "other", "name": "paper-novnc", "labels": ours["metadata"]["labels"]}
    world.api_server.put({**ours, "metadata": meta})


class TestOtherNamespace:
    async def test_an_object_of_the_same_name_is_not_ours(self, lagging: OperatorWorld) -> None:
        copy_to_another_namespace(lagging)
        lagging.deliver()
        lagging.edit(novnc={"enabled": False})
        lagging.deliver()
        assert "delete Service paper-novnc" in await lagging.reconcile()
        assert not lagging.api_server.has(*SERVICE)
        assert lagging.api_server.has(*SERVICE, namespace="other")

    async def test_it_does_not_stand_in_for_ours_at_a_resync(self, lagging: OperatorWorld) -> None:
        copy_to_another_namespace(lagging)
        lagging.api_server.remove(*SERVICE)
        await lagging.resync()
        assert await lagging.reconcile() == MADE_ANEW

    async def test_a_pod_of_another_namespace_is_never_written_to(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.api_server.put(pod("executor", uid="uid-other", namespace="other"))
        lagging.api_server.remove("Pod", "paper-executor-abc")
        lagging.deliver()
        assert await lagging.keep_gate() == []

    async def test_two_gateways_of_one_name_are_two(self, lagging: OperatorWorld) -> None:
        there = Key("other", "paper")
        lagging.api_server.put(ibgateway_body(uid="uid-2", namespace="other"))
        lagging.deliver()
        await lagging.reconcile(there)
        assert lagging.condition("Ready") == "True Trading"
        assert lagging.condition("Ready", there) == "False CredentialsMissing"
        lagging.api_server.remove("IBGateway", "paper", "other")
        lagging.deliver()
        await lagging.reconcile(there)
        assert await lagging.reconcile() == []

    async def test_a_namespace_that_is_not_served_is_not_seen(self) -> None:
        async with operator_world(namespaces=("trading",)) as world:
            world.api_server.put(ibgateway_body(uid="uid-2", namespace="other"))
            assert await world.reconcile(Key("other", "paper")) == []
            assert len(await world.reconcile()) == 23


class TestLostLabels:
    def strip(self, world: OperatorWorld, kind: str, name: str) -> None:
        body = world.api_server.named(kind, name)
        kept = {"ibgateway.dev/gateway": "paper"}
        world.api_server.put({**body, "metadata": {**body["metadata"], "labels": kept}})

    async def test_a_child_gets_them_back(self, lagging: OperatorWorld) -> None:
        self.strip(lagging, *SERVICE)
        assert await lagging.reconcile() == []
        lagging.deliver()
        assert "Service paper-novnc" not in lagging.children()
        assert await lagging.reconcile() == MADE_ANEW
        lagging.deliver()
        assert "Service paper-novnc" in lagging.children()
        assert await lagging.reconcile() == []

    async def test_a_resync_finds_it_although_no_watch_has_shown_it(
        self, lagging: OperatorWorld
    ) -> None:
        self.strip(lagging, *SERVICE)
        lagging.api_server.informer.lose()
        await lagging.resync()
        assert await lagging.reconcile() == ["apply Service paper-novnc"]

    async def test_a_child_that_is_no_longer_wanted_is_not_deleted(
        self, lagging: OperatorWorld
    ) -> None:
        self.strip(lagging, *SERVICE)
        lagging.edit(novnc={"enabled": False})
        lagging.deliver()
        assert "delete Service paper-novnc" not in await lagging.reconcile()

    async def test_a_pod_is_not_ours_any_more(self, lagging: OperatorWorld) -> None:
        self.strip(lagging, "Pod", "paper-gateway-0")
        lagging.deliver()
        assert await lagging.keep_gate() == ["condition False NoNews"]
