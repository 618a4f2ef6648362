"""What `helm test` says: the resource, the Lease and the rights, each where it is wrong and nothing else."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.errors import NotFoundError
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.selfcheck import LOOKS, findings, settings_from
from ibgateway_runtime.errors import SettingsError

LEASE = Key("default", "ibgateway-operator")


@dataclass
class AnsweringServer:
    """An API server that serves the resource, grants all rights but some, and has a Lease."""

    served: bool = True
    refused: tuple[tuple[str, ...], ...] = ()
    renewals: list[str] = field(default_factory=lambda: ["10:00:00", "10:00:00", "10:00:02"])
    holder: str = "operator-1"
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def request(self, method: str, path: str, *, body: Any = None) -> Any:
        self.paths.append(f"{method} {path}")
        if method == "GET":
            if not self.served:
                raise NotFoundError(404, "the server could not find the requested resource")
            return {"resources": [{"name": "ibgateways"}, {"name": "ibgateways/status"}]}
        attributes = body["spec"]["resourceAttributes"]
        self.asked.append(attributes)
        place = (attributes["verb"], attributes["resource"], attributes.get("subresource", ""))
        return {"status": {"allowed": place not in self.refused}}

    async def get(self, _kind: Kind, _key: Key) -> Any:
        if not self.renewals:
            raise NotFoundError(404, "leases not found")
        time = self.renewals.pop(0) if len(self.renewals) > 1 else self.renewals[0]
        return {"spec": {"holderIdentity": self.holder, "renewTime": time}}


async def found(server: AnsweringServer, *namespaces: str) -> list[str]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    texts = await findings(cast("KubernetesApi", server), LEASE, namespaces, pause)
    assert len(pauses) < LOOKS
    return texts


async def test_nothing_is_said_of_what_is_in_order() -> None:
    server = AnsweringServer()
    assert await found(server, "trading") == []
    assert "GET /apis/ibgateway.dev/v1alpha1" in server.paths


async def test_a_cluster_without_the_resource_is_told() -> None:
    assert await found(AnsweringServer(served=False), "trading") == [
        "the cluster does not serve IBGateway of ibgateway.dev/v1alpha1: "
        "apply the CustomResourceDefinition"
    ]


async def test_a_missing_right_is_named_with_its_namespace() -> None:
    server = AnsweringServer(refused=(("create", "secrets", ""), ("patch", "pods", "status")))
    assert await found(server, "desk", "lab") == [
        "the account may not patch pods/status in the namespace desk",
        "the account may not create secrets in the namespace desk",
        "the account may not patch pods/status in the namespace lab",
        "the account may not create secrets in the namespace lab",
    ]


async def test_rights_in_all_namespaces_are_asked_for_without_one() -> None:
    server = AnsweringServer(refused=(("list", "pods", ""),))
    assert await found(server) == ["the account may not list pods in all namespaces"]
    assert not [one for one in server.asked if one.get("namespace") not in {None, "default"}]


async def test_the_lease_is_asked_for_by_its_name() -> None:
    server = AnsweringServer(refused=(("patch", "leases", ""),))
    assert await found(server, "trading") == [
        "the account may not patch the Lease default/ibgateway-operator"
    ]
    assert {"name": "ibgateway-operator"}.items() <= server.asked[-1].items()


@pytest.mark.parametrize("times", [[], ["10:00:00"]], ids=["no lease", "one that stands still"])
async def test_an_operator_that_renews_nothing_is_told(times: list[str]) -> None:
    assert await found(AnsweringServer(renewals=times), "trading") == [
        "no operator renews the Lease default/ibgateway-operator: look at its pod"
    ]


async def test_a_lease_that_nobody_holds_is_no_operator() -> None:
    server = AnsweringServer(holder="", renewals=["1", "2", "3"])
    assert len(await found(server, "trading")) == 1


def test_it_is_told_the_same_as_the_operator() -> None:
    env = {"WATCH_NAMESPACE": "a,b", "POD_NAMESPACE": "ops", "OPERATOR_LEASE": "first"}
    assert settings_from(env) == (Key("ops", "first"), ("a", "b"))
    with pytest.raises(SettingsError, match="WATCH_NAMESPACE"):
        settings_from({})
