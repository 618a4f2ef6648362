"""Draining a node: a gateway that is logged in is not evicted, one that is not is. A real API server decides.

The budget is the operator's own; the pod is made by hand with the gateway's labels and is never scheduled, so
only this test says whether it is Ready.
"""

import json
import time
from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError
from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.settings import Images

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
POD = "paper-gateway-0"
PATIENCE = 60.0


class Node:
    """A namespace with the budget, and somebody who drains."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def kubectl(self, *arguments: str, stdin: Json | None = None) -> str:
        text = None if stdin is None else json.dumps(stdin)
        return self.cluster.kubectl("-n", self.namespace, *arguments, stdin=text)

    def budget(self) -> Json:
        found: Json = json.loads(self.kubectl("get", "pdb", "paper-gateway", "-o", "json"))
        status: Json = found.get("status", {})
        return status

    def ready(self, *, so: bool) -> None:
        """The pod is Ready or not, and the budget's controller has counted it."""
        condition = {"type": "Ready", "status": "True" if so else "False"}
        status = {"status": {"phase": "Running", "conditions": [condition]}}
        self.kubectl(
            *("patch", "pod", POD, "--subresource=status", "--type=merge"),
            f"-p={json.dumps(status)}",
        )
        end = time.monotonic() + PATIENCE
        while self.budget().get("currentHealthy") != int(so):
            assert time.monotonic() < end, self.budget()
            time.sleep(0.2)

    def evict(self) -> None:
        """What `kubectl drain` asks for. Raises CommandError."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": POD}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{POD}/eviction"
        self.kubectl("create", f"--raw={path}", "-f=-", stdin=body)

    def is_there(self) -> bool:
        return POD in self.kubectl("get", "pods", "-o", "name")


@pytest.fixture
def node(cluster: Cluster, namespace: str) -> Node:
    node = Node(cluster, namespace)
    spec = IBGatewaySpec.model_validate({"credentialsSecretRef": {"name": "ib-credentials"}})
    children = desired(
        DesiredInput(
            key=Key(namespace, "paper"),
            uid="",
            spec=spec,
            images=Images("any", "any"),
            calendar=Calendar(),
            scripts=Scripts("", "", ""),
        )
    )
    (budget,) = (child for child in children if child["kind"] == "PodDisruptionBudget")
    (workload,) = (child for child in children if child["kind"] == "StatefulSet")
    budget["metadata"].pop("ownerReferences")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "labels": workload["spec"]["template"]["metadata"]["labels"]},
        "spec": {
            "schedulerName": "nobody",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "gateway", "image": "example.invalid/none:1"}],
        },
    }
    for body in (budget, pod):
        node.kubectl("apply", "-f=-", stdin=body)
    return node


def test_a_gateway_that_is_logged_in_is_not_evicted_and_one_that_is_not_is(node: Node) -> None:
    node.ready(so=True)
    with pytest.raises(CommandError, match="violate the pod's disruption budget"):
        node.evict()
    assert node.is_there()
    node.ready(so=False)
    node.evict()
    assert not node.is_there()
