"""A status goes to the very resource it was made from: a real API server refuses all others."""

import json

import pytest
from kubernetes.aio import client, config

from ibgateway_api.names import Key
from ibgateway_cluster import Cluster
from ibgateway_operator.errors import ConflictError
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.model.kinds import GATEWAY

STATUS = {"accounts": ["DU1234567"]}


async def test_a_status_is_refused_by_another_resource_of_the_same_name(
    cluster: Cluster, namespace: str
) -> None:
    document = {
        "apiVersion": "ibgateway.dev/v1alpha1",
        "kind": "IBGateway",
        "metadata": {"name": "paper", "namespace": namespace},
        "spec": {"credentialsSecretRef": {"name": "ib-credentials"}},
    }
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(document))
    key = Key(namespace, "paper")
    configuration = client.Configuration()
    await config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as connection:
        api = KubernetesApi(connection)
        old = (await api.get(GATEWAY, key))["metadata"]["resourceVersion"]
        cluster.kubectl("delete", "ibgw", "paper", f"--namespace={namespace}")
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(document))
        with pytest.raises(ConflictError):
            await api.apply_status(key, STATUS, version=old)
        again = await api.get(GATEWAY, key)
        assert "status" not in again
        stored = await api.apply_status(key, STATUS, version=again["metadata"]["resourceVersion"])
        assert stored["status"]["accounts"] == ["DU1234567"]
