"""kopf in this process, on an emulated API server: events become keys, and kopf itself writes nothing."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kmock
import kopf
import pytest
from kmock._internal import enums
from kubernetes.aio import client

from ibgateway_api.names import Key
from ibgateway_operator.act.leadership import Leadership
from ibgateway_operator.app import App, build
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.handlers import Handlers, IndexedBodies, kopf_settings
from ibgateway_operator.kube.bodies import PackedBodies
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.kube.informer import WATCHED, ChildInformer, parts
from ibgateway_operator.kube.watch_client import KubernetesWatchServer
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.kinds import EVENT, GATEWAY, LEASE, SECRET, Kind
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.settings import Images, OperatorSettings
from ibgateway_runtime.clock import system_clock
from ibgateway_runtime.http_client import HttpClient, client_session
from ibgateway_runtime.notifications.courier import Courier

KEY = Key("trading", "paper")
LEASE_KEY = Key("default", "ibgateway-operator")
NAMESPACE = Kind("", "v1", "Namespace", "namespaces")
"""Without it kopf sees no resource at all."""


class ApplyingEmulator(kmock.KubernetesEmulator):  # type: ignore[misc]
    """The emulator, which knows no server-side apply, uids, versions: an apply creates what is not there."""

    async def _handle(self, request: Any) -> Any:
        content = request.headers.get("Content-Type", "")
        if request.action == enums.action.UPDATE and "apply-patch" in content:
            place = (request.resource, request.namespace, request.name)
            if place not in self.objects:
                identity = {"uid": str(uuid.uuid4()), "resourceVersion": "1"}
                self.objects[place] = {"metadata": identity}
        if request.action == enums.action.CREATE:
            request.data["metadata"]["resourceVersion"] = "1"
        return await super()._handle(request)


@dataclass
class EmulatedOperator:
    """A running operator and the emulated API server it runs on."""

    server: Any
    handlers: Handlers

    @property
    def app(self) -> App:
        assert self.handlers.app is not None
        return self.handlers.app

    def writes(self) -> list[str]:
        methods = ("POST", "PATCH", "PUT", "DELETE")
        return [
            f"{r.method.value} {r.url.path}"
            for r in self.server._requests
            if r.method.value in methods
        ]


async def until(question: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(60):
            while not question():  # noqa: ASYNC110 - what is asked sets no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"never came: {what}")


def kubeconfig(folder: Path, server: str) -> Path:
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {}}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(document))
    return file


def body(name: str = "paper") -> Manifest:
    meta = {"name": name, "namespace": "trading", "uid": f"uid-{name}", "generation": 1}
    spec = {"credentialsSecretRef": {"name": "ib-credentials"}}
    return {
        "apiVersion": GATEWAY.api_version,
        "kind": GATEWAY.kind,
        "metadata": meta,
        "spec": spec,
    }


@asynccontextmanager
async def running(folder: Path, lease: Manifest | None = None) -> AsyncIterator[EmulatedOperator]:
    """No fixture: at its end kopf cancels every task of its loop that was not there at its start.

    `lease` is what another operator holds.
    """
    async with ApplyingEmulator() as emulator, kmock.Server(emulator) as server:
        for kind in (*WATCHED, GATEWAY, SECRET, EVENT, LEASE, NAMESPACE):
            emulator.resources[kind.group, kind.version, kind.plural] = {
                "kind": kind.kind,
                "namespaced": kind is not NAMESPACE,
                "verbs": ["list", "watch", "get", "patch", "create", "delete"],
            }
        url = str(server.url).rstrip("/")
        os.environ["KUBECONFIG"] = str(kubeconfig(folder, url))
        if lease is not None:
            await emulator.post(LEASES, json=lease)
        configuration = client.Configuration(host=url)
        async with client.ApiClient(configuration) as api, client_session() as session:

            async def build_app(gateways: PackedBodies) -> tuple[App, ChildInformer]:
                informer = ChildInformer(KubernetesWatchServer(api), parts(["trading"]))
                app = build(
                    OperatorSettings(images=Images(agent="agent:1", executor="executor:1")),
                    Scripts("wrap", "stop", "ibc"),
                    api_server=KubernetesApi(api),
                    http=HttpClient(session),
                    clock=system_clock(),
                    informer=IndexedBodies(gateways, informer.bodies, informer.programs),
                    courier=Courier(),
                    metrics=OperatorMetrics(),
                    leadership=Leadership(KubernetesApi(api), system_clock(), LEASE_KEY, "one"),
                )
                return app, informer

            async def nothing() -> None:
                return

            registry, stop = kopf.OperatorRegistry(), asyncio.Event()
            handlers = Handlers(build_app, nothing)
            handlers.register(registry)
            task = asyncio.create_task(
                kopf.operator(
                    registry=registry,
                    settings=kopf_settings(),
                    standalone=True,
                    namespaces=["trading"],
                    stop_flag=stop,
                )
            )
            await until(lambda: handlers.app, "the start")
            yield EmulatedOperator(emulator, handlers)
            stop.set()
            async with asyncio.timeout(60):
                await task


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose kubeconfig is forgotten afterwards."""
    monkeypatch.setenv("KUBECONFIG", "")
    return tmp_path


GATEWAYS = "/apis/ibgateway.dev/v1alpha1/namespaces/trading/ibgateways"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


async def test_an_ibgateway_gets_its_children_and_kopf_writes_nothing(folder: Path) -> None:
    async with running(folder) as site:
        await site.server.post(GATEWAYS, json=body())
        await until(lambda: f"PATCH {GATEWAYS}/paper/status" in site.writes(), "the status")
        writes = site.writes()
    assert f"PATCH {GATEWAYS}/paper" not in writes
    mine = [w for w in writes if "/namespaces/trading/" in w]
    patched = {w.split("/namespaces/trading/")[1] for w in mine if w.startswith("PATCH")}
    assert len(patched) == 16  # no credentials: neither executor nor console nor claim
    assert {"statefulsets/paper-gateway", "ibgateways/paper/status"} <= patched
    assert not [
        one for one in patched if one.startswith(("deployments/", "persistentvolumeclaims/"))
    ]
    posted = [w.rsplit("/", 1)[1] for w in writes if w.startswith("POST") and w != f"POST {LEASES}"]
    assert posted[:4] == ["ibgateways", "secrets", "secrets", "secrets"]


async def test_a_deleted_ibgateway_is_forgotten(folder: Path) -> None:
    async with running(folder) as site:
        await site.server.post(GATEWAYS, json=body())
        await until(lambda: site.app.queues.cache.gateway(KEY), "the gateway")
        await site.server.delete(f"{GATEWAYS}/paper")
        await until(lambda: site.app.queues.cache.gateway(KEY) is None, "its end")
        await until(lambda: site.app.memories.get(KEY) is None, "its end in memory")


async def test_a_child_that_somebody_deletes_comes_back(folder: Path) -> None:
    service = "/api/v1/namespaces/trading/services/paper-novnc"
    async with running(folder) as site:
        await site.server.post(GATEWAYS, json=body())
        await until(lambda: f"PATCH {service}" in site.writes(), "the Service")
        await site.server.delete(service)
        await until(lambda: site.writes().count(f"PATCH {service}") >= 2, "the Service again")


async def test_the_probe_fails_once_a_worker_has_ended(folder: Path) -> None:
    async with running(folder) as site:
        assert await site.handlers.probed() == "alive"
        await until(lambda: site.app._workers, "the workers")
        site.app._workers[0].cancel()
        await until(site.app.dead, "the end of the worker")
        with pytest.raises(kopf.PermanentError, match="a worker has ended"):
            await site.handlers.probed()


async def test_an_operator_that_stands_by_sees_everything_lives_and_writes_nothing(
    folder: Path,
) -> None:
    lease = {
        "metadata": {"name": LEASE_KEY.name, "namespace": LEASE_KEY.namespace},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 3600},
    }
    async with running(folder, lease) as site:
        await site.server.post(GATEWAYS, json=body())
        await until(lambda: site.app.queues.cache.gateway(KEY), "the gateway")
        await asyncio.sleep(3)
        assert await site.handlers.probed() == "alive"
        assert site.app.memories.get(KEY) is None
        writes = [w for w in site.writes() if w != f"POST {GATEWAYS}"]
    assert writes == [f"POST {LEASES}"]
