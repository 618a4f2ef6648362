"""A child is made only where nothing has its name, and changed only as long as it is the same one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes.aio import client, config

from ibgateway_api.names import Key
from ibgateway_cluster import Cluster
from ibgateway_operator.errors import ConflictError
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.model.kinds import CONFIG_MAP


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[KubernetesApi]:
    configuration = client.Configuration()
    await config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as connection:
        yield KubernetesApi(connection)


def settings(key: Key, **data: str) -> dict[str, Any]:
    meta = {"name": key.name, "namespace": key.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def onto(manifest: dict[str, Any], uid: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}


async def test_a_name_that_is_taken_is_a_conflict_and_stays_as_it_is(
    api: KubernetesApi, namespace: str
) -> None:
    key = Key(namespace, "taken")
    first = await api.apply_new(settings(key, ours="1"))
    assert first["data"] == {"ours": "1"}
    with pytest.raises(ConflictError):
        await api.apply_new(settings(key, ours="2"))
    stored = await api.get(CONFIG_MAP, key)
    assert stored["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_what_a_new_child_began_with_can_be_taken_back(
    api: KubernetesApi, namespace: str
) -> None:
    """Made by an apply, not by a POST: there is one owner of its fields."""
    key = Key(namespace, "begun")
    first = await api.apply_new(settings(key, stays="1", goes="1"))
    after = await api.apply(onto(settings(key, stays="1"), first["metadata"]["uid"]))
    assert after["data"] == {"stays": "1"}


async def test_one_that_took_the_childs_place_is_not_written_to(
    api: KubernetesApi, namespace: str
) -> None:
    key = Key(namespace, "replaced")
    first = await api.apply_new(settings(key, ours="1"))
    uid = first["metadata"]["uid"]
    await api.delete(CONFIG_MAP, key, uid=uid)
    with pytest.raises(ConflictError):
        await api.apply(onto(settings(key, ours="2"), uid))
    await api.create(settings(key, theirs="1"))
    with pytest.raises(ConflictError):
        await api.apply(onto(settings(key, ours="2"), uid))
    stored = await api.get(CONFIG_MAP, key)
    assert stored["data"] == {"theirs": "1"}
