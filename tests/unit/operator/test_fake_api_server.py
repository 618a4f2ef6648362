"""The stand-in answers as an API server does, and its watches show what real ones would."""

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.errors import ConflictError, NotFoundError
from ibgateway_operator.kube.cache import InformerIndex
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import GATEWAY, POD, SERVICE
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import FakeApiServer, ibgateway_body, pod

KEY = Key("trading", "paper")
PLACE = Key("trading", "a")
LABELS = {
    "app.kubernetes.io/managed-by": "ibgateway-operator",
    "ibgateway.dev/gateway": "paper",
}


def service(spec: Manifest, namespace: str = "trading", **labels: str) -> Manifest:
    meta = {"name": "a", "namespace": namespace, "labels": LABELS | labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def version(body: Manifest) -> int:
    return int(body["metadata"]["resourceVersion"])


def test_it_is_what_the_operator_asks_for(api_server: FakeApiServer) -> None:
    stored: ApiServer = api_server
    shown: InformerIndex = api_server.informer
    assert stored is not None
    assert list(shown.gateways()) == []


class TestWrites:
    async def test_a_version_is_new_with_each_change_and_with_nothing_else(
        self, api_server: FakeApiServer
    ) -> None:
        first = await api_server.apply(service({"type": "ClusterIP"}))
        again = await api_server.apply(service({"type": "ClusterIP"}))
        changed = await api_server.apply(service({"type": "NodePort"}))
        assert version(again) == version(first)
        assert version(changed) > version(first)
        assert changed["metadata"]["uid"] == first["metadata"]["uid"]

    async def test_an_apply_keeps_what_others_wrote_and_drops_what_we_no_longer_want(
        self, api_server: FakeApiServer
    ) -> None:
        stored = await api_server.apply(service({"type": "ClusterIP", "sessionAffinity": "None"}))
        stored["spec"]["clusterIP"] = "10.0.0.1"
        stored["metadata"]["annotations"] = {"theirs": "1"}
        api_server.put({**stored, "status": {"loadBalancer": {}}})
        after = await api_server.apply(service({"type": "NodePort"}))
        assert after["spec"] == {"type": "NodePort", "clusterIP": "10.0.0.1"}
        assert after["metadata"]["annotations"] == {"theirs": "1"}
        assert after["status"] == {"loadBalancer": {}}

    async def test_a_generation_moves_with_the_spec_alone(self, api_server: FakeApiServer) -> None:
        first = api_server.put(ibgateway_body())
        after = await api_server.apply_status(
            KEY, {"accounts": ["DU1"]}, version=first["metadata"]["resourceVersion"]
        )
        edited = api_server.put({**after, "spec": {**after["spec"], "suspend": True}})
        generations = [body["metadata"]["generation"] for body in (first, after, edited)]
        assert generations == [3, 3, 4]
        assert edited["status"] == {"accounts": ["DU1"]}

    async def test_a_name_that_is_taken_is_not_created(self, api_server: FakeApiServer) -> None:
        await api_server.create(service({}))
        with pytest.raises(ConflictError):
            await api_server.create(service({}))

    async def test_a_new_object_is_applied_where_nothing_has_its_name(
        self, api_server: FakeApiServer
    ) -> None:
        stored = await api_server.apply_new(service({}))
        with pytest.raises(ConflictError):
            await api_server.apply_new(service({"type": "NodePort"}))
        assert await api_server.get(SERVICE, PLACE) == stored

    async def test_an_apply_with_a_uid_is_of_this_very_object(
        self, api_server: FakeApiServer
    ) -> None:
        stored = await api_server.apply(service({}))
        one, other = service({"type": "NodePort"}), service({"type": "LoadBalancer"})
        one["metadata"]["uid"], other["metadata"]["uid"] = stored["metadata"]["uid"], "another"
        with pytest.raises(ConflictError):
            await api_server.apply(other)
        assert (await api_server.apply(one))["spec"] == {"type": "NodePort"}
        api_server.remove("Service", "a")
        with pytest.raises(ConflictError):
            await api_server.apply(one)

    async def test_a_deletion_is_of_this_very_object(self, api_server: FakeApiServer) -> None:
        stored = api_server.put(service({}))
        with pytest.raises(ConflictError):
            await api_server.delete(SERVICE, PLACE, uid="another")
        await api_server.delete(SERVICE, PLACE, uid=stored["metadata"]["uid"])
        await api_server.delete(SERVICE, PLACE, uid=stored["metadata"]["uid"])
        with pytest.raises(NotFoundError):
            await api_server.get(SERVICE, PLACE)

    async def test_a_pod_is_on_its_way_out_until_it_has_ended(
        self, api_server: FakeApiServer
    ) -> None:
        api_server.put(pod("gateway"))
        place = Key("trading", "paper-gateway-0")
        await api_server.delete(POD, place, uid="uid-gateway")
        assert "deletionTimestamp" in (await api_server.get(POD, place))["metadata"]
        api_server.remove("Pod", "paper-gateway-0")
        assert not api_server.has("Pod", "paper-gateway-0")

    async def test_an_object_that_comes_again_is_another_one(
        self, api_server: FakeApiServer
    ) -> None:
        before = await api_server.apply(service({}))
        api_server.remove("Service", "a")
        after = await api_server.apply(service({}))
        assert after["metadata"]["uid"] != before["metadata"]["uid"]

    async def test_what_is_not_there_has_no_status_and_no_condition(
        self, api_server: FakeApiServer
    ) -> None:
        with pytest.raises(NotFoundError):
            await api_server.apply_status(KEY, {}, version="1")
        with pytest.raises(NotFoundError):
            await api_server.patch_pod_condition(PLACE, {"type": "x", "status": "", "reason": ""})
        with pytest.raises(NotFoundError):
            await api_server.annotate_pod(PLACE, {})


@pytest.mark.parametrize(
    ("namespace", "selector", "found"),
    [
        ("", "", {PLACE, Key("other", "a")}),
        ("trading", "", {PLACE}),
        ("", "team=quant", {Key("other", "a")}),
        ("trading", "team=quant", set()),
        ("", "ibgateway.dev/gateway", {PLACE, Key("other", "a")}),
        ("", "app.kubernetes.io/managed-by=somebody", set()),
    ],
)
async def test_names_are_of_one_namespace_and_one_selector(
    api_server: FakeApiServer, namespace: str, selector: str, found: set[Key]
) -> None:
    api_server.put(service({}))
    api_server.put(service({}, "other", team="quant"))
    assert await api_server.names(SERVICE, namespace, selector) == found
    assert await api_server.names(GATEWAY, namespace, selector) == set()


class TestWatches:
    def test_what_is_stored_is_shown_when_it_is_delivered(self) -> None:
        api_server = FakeApiServer(lag=True)
        api_server.put(ibgateway_body())
        api_server.put(service({}))
        assert list(api_server.informer.gateways()) == []
        assert [event.type for event in api_server.informer.deliver(1)] == ["ADDED"]
        assert list(api_server.informer.gateways()) == [KEY]
        assert list(api_server.informer.children(KEY)) == []
        api_server.informer.deliver()
        assert len(list(api_server.informer.children(KEY))) == 1

    def test_without_lag_it_is_shown_at_once(self, api_server: FakeApiServer) -> None:
        api_server.put(ibgateway_body())
        assert api_server.informer.gateway(KEY) == api_server.named("IBGateway", "paper")

    def test_what_loses_its_labels_is_deleted_for_its_watch_with_the_body_it_had(self) -> None:
        api_server = FakeApiServer(lag=True)
        stored = api_server.put(service({}))
        api_server.informer.deliver()
        meta = {**stored["metadata"], "labels": {}}
        bare = api_server.put({**stored, "metadata": meta})
        (event,) = api_server.informer.deliver()
        assert event.type == "DELETED"
        assert event.body["metadata"]["labels"] == LABELS
        assert version(event.body) == version(bare)
        assert list(api_server.informer.children(KEY)) == []

    def test_secrets_other_namespaces_and_foreign_objects_are_not_watched(self) -> None:
        api_server = FakeApiServer(namespaces=("trading",))
        api_server.put({**service({}), "kind": "Secret"})
        api_server.put(service({}, "other"))
        api_server.put({**service({}), "metadata": {"name": "b", "namespace": "trading"}})
        assert list(api_server.informer.children(KEY)) == []
        assert list(api_server.informer.children(Key("other", "paper"))) == []
