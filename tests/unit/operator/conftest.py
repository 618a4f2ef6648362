"""A paper gateway in every state the tests ask for: plain values, no cluster."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import SentinelReport
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_operator.app import Outside, build
from ibgateway_operator.clock import Clock
from ibgateway_operator.desired.input import DesiredInput, Scripts
from ibgateway_operator.errors import ConflictError, EndpointUnavailableError, NotFoundError
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Credentials, HeardReport, Snapshot, parse
from ibgateway_operator.observe.http import Endpoint, HttpClient
from ibgateway_operator.settings import Images, OperatorSettings

NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
"""A Wednesday."""
THIS_WEEK = datetime(2026, 11, 15, 14, 3, tzinfo=UTC)
"""Sunday 09:03 New York: the week's full login."""

MakePlan = Callable[..., DesiredInput]
MakeSeen = Callable[..., Snapshot]
MakeReport = Callable[..., SentinelReport]
MakePod = Callable[..., Manifest]


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_plan() -> MakePlan:
    def make(spec: dict[str, Any] | None = None, **more: Any) -> DesiredInput:
        raw = {"credentialsSecretRef": {"name": "ib-credentials"}, **(spec or {})}
        values: dict[str, Any] = {
            "key": Key("trading", "paper"),
            "uid": "uid-1",
            "spec": IBGatewaySpec.model_validate(raw),
            "images": Images(agent="agent:1", executor="executor:1"),
            "calendar": Calendar(),
            "scripts": Scripts(wrapper="wrap", prestop="stop", ibc="ibc"),
            "own_namespace": "operators",
        }
        return DesiredInput(**(values | more))

    return make


@pytest.fixture
def make_body() -> Callable[..., Manifest]:
    def make(spec: dict[str, Any] | None = None, **meta: Any) -> Manifest:
        return {
            "apiVersion": "ibgateway.dev/v1alpha1",
            "kind": "IBGateway",
            "metadata": {
                "namespace": "trading",
                "name": "paper",
                "uid": "uid-1",
                "generation": 3,
                "resourceVersion": "100",
                "creationTimestamp": "2026-11-01T00:00:00Z",
                **meta,
            },
            "spec": {"credentialsSecretRef": {"name": "ib-credentials"}, **(spec or {})},
        }

    return make


@pytest.fixture
def make_report() -> MakeReport:
    def make(state: LoginState = LoginState.LOGGED_IN, **more: Any) -> SentinelReport:
        values: dict[str, Any] = {
            "boot": "b1",
            "sequence": 7,
            "at": NOW,
            "state": state,
            "since": THIS_WEEK,
            "accounts": ("DU1234567",),
            "full_auth_time": THIS_WEEK,
            "attempts_today": 1,
        }
        return SentinelReport(**(values | more))

    return make


@pytest.fixture
def make_pod() -> MakePod:
    def make(component: str, *, ready: bool = True, **more: Any) -> Manifest:
        name = "paper-gateway-0" if component == "gateway" else f"paper-{component}-abc"
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": "trading",
                "name": name,
                "uid": f"uid-{component}",
                "resourceVersion": "5",
                "labels": {
                    "app.kubernetes.io/component": component,
                    "app.kubernetes.io/managed-by": "ibgateway-operator",
                    "ibgateway.dev/gateway": "paper",
                },
                **more,
            },
            "status": {
                "podIP": "10.0.0.9",
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "containerStatuses": [{"name": component, "state": {"running": {}}}],
            },
        }

    return make


@pytest.fixture
def make_seen(
    make_body: Callable[..., Manifest], make_report: MakeReport, make_pod: MakePod
) -> MakeSeen:
    """A gateway that is logged in and trades, but for what the test changes."""

    def make(
        spec: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **more: Any
    ) -> Snapshot:
        body = make_body(spec, **(meta or {}))
        body["status"] = more.pop("status", {})
        values: dict[str, Any] = {
            "gateway": parse(body),
            "now": NOW,
            "credentials": Credentials(
                "ib-credentials",
                found=True,
                keys=frozenset({"IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD"}),
                user="hash",
            ),
            "bodies": (make_pod("gateway"), make_pod("executor"), make_pod("novnc")),
            "news": HeardReport(make_report(), 100.0),
            "age_of_news": 0.5,
            "enforced": True,
        }
        return Snapshot(**(values | more))

    return make


class FakeCluster:
    """An API server in memory: versions, uids, preconditions; every write is noted."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Manifest] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.refuse: dict[str, Exception] = {}
        self._version = 1000

    def put(self, body: Manifest) -> Manifest:
        """Store a body as somebody else would."""
        self._version += 1
        meta = {"uid": f"uid-{self._version}", **body["metadata"]}
        meta["resourceVersion"] = str(self._version)
        stored = {**body, "metadata": meta}
        self.objects[body["kind"], meta["namespace"], meta["name"]] = stored
        return deepcopy(stored)

    def named(self, kind: str, name: str, namespace: str = "trading") -> Manifest:
        return self.objects[kind, namespace, name]

    async def get(self, kind: Kind, key: Key) -> Manifest:
        self.reads.append(f"{kind.kind} {key.name}")
        stored = self.objects.get((kind.kind, *key))
        if stored is None:
            raise NotFoundError(404, "not there")
        return deepcopy(stored)

    async def names(self, kind: Kind, namespace: str, selector: str = "") -> set[Key]:
        return {Key(ns, name) for k, ns, name in self.objects if k == kind.kind}

    async def apply(self, manifest: Manifest) -> Manifest:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        self.writes.append(f"apply {name}")
        if error := self.refuse.get(name):
            raise error
        meta = manifest["metadata"]
        before = self.objects.get((manifest["kind"], meta["namespace"], meta["name"]), {})
        uid = {"uid": before["metadata"]["uid"]} if before else {}
        return self.put({**before, **deepcopy(manifest), "metadata": {**meta, **uid}})

    async def apply_status(self, key: Key, status: Manifest) -> Manifest:
        self.writes.append("status")
        stored = self.objects["IBGateway", *key]
        return self.put({**stored, "status": deepcopy(status)})

    async def create(self, manifest: Manifest) -> Manifest:
        what = manifest["reason"] if manifest["kind"] == "Event" else manifest["metadata"]["name"]
        self.writes.append(f"create {manifest['kind']} {what}")
        meta = manifest["metadata"]
        if (manifest["kind"], meta["namespace"], meta["name"]) in self.objects:
            raise ConflictError(409, "exists")
        return self.put(deepcopy(manifest))

    async def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        self.writes.append(f"delete {kind.kind} {key.name}")
        stored = self.objects.get((kind.kind, *key))
        if stored is not None and stored["metadata"]["uid"] != uid:
            raise ConflictError(409, "another uid")
        self.objects.pop((kind.kind, *key), None)

    async def patch_pod_condition(self, key: Key, condition: Manifest) -> Manifest:
        self.writes.append(f"condition {condition['status']} {condition['reason']}")
        pod = deepcopy(self.objects["Pod", *key])
        kept = [c for c in pod["status"]["conditions"] if c["type"] != condition["type"]]
        pod["status"]["conditions"] = [*kept, condition]
        return self.put(pod)

    async def annotate_pod(self, key: Key, annotations: Mapping[str, str]) -> Manifest:
        self.writes.append(f"annotate {key.name}")
        pod = deepcopy(self.objects["Pod", *key])
        pod["metadata"].setdefault("annotations", {}).update(annotations)
        return self.put(pod)

    def gateways(self) -> list[Key]:
        return [Key(ns, name) for kind, ns, name in self.objects if kind == "IBGateway"]

    def gateway(self, key: Key) -> Manifest | None:
        return self.objects.get(("IBGateway", *key))

    def children(self, key: Key) -> list[Manifest]:
        return [
            body
            for (kind, namespace, _), body in self.objects.items()
            if namespace == key.namespace
            and (body["metadata"].get("labels") or {}).get("ibgateway.dev/gateway") == key.name
            and kind not in ("Secret", "Event", "IBGateway")
        ]


class FakePeers(HttpClient):
    """Sentinel, executor and console as a test wants them to answer."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Exception] = {}
        self.posted: list[tuple[str, str]] = []

    async def get(self, peer: Endpoint, path: str) -> bytes:
        answer = self.answers.get(path, EndpointUnavailableError(path))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def post(self, peer: Endpoint, path: str, body: str) -> None:
        if isinstance(answer := self.answers.get(path), Exception):
            raise answer
        self.posted.append((path, body))

    async def lines(self, peer: Endpoint, path: str) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""


class World:
    """A whole operator on an API server in memory; the test moves the clock and tells the news."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.peers = FakePeers()
        self.key = Key("trading", "paper")
        self.time = NOW
        self.seconds = 1000.0
        clock = Clock(now=lambda: self.time, monotonic=lambda: self.seconds)
        settings = OperatorSettings(images=Images(agent="agent:1", executor="executor:1"))
        scripts = Scripts(wrapper="wrap", prestop="stop", ibc="ibc")
        outside = Outside(self.cluster, self.peers, clock)
        self.app = build(settings, scripts, outside, self.cluster)

    def secret(self, name: str = "ib-credentials", **values: str) -> None:
        data = {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}
        meta = {"namespace": "trading", "name": name}
        self.cluster.put({"kind": "Secret", "metadata": meta, "data": data})

    def credentials(self) -> None:
        self.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password", VNC_PASSWORD="hidden")

    def hear(self, report: SentinelReport) -> None:
        """The sentinel says something, now."""
        self.app.reconciler.sentinels._heard(self.key, report)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.time += timedelta(seconds=seconds)

    async def reconcile(self, key: Key | None = None) -> list[str]:
        """One reconcile; gives what it wrote."""
        self.cluster.writes.clear()
        self.again = await self.app.reconciler.reconcile(key or self.key)
        return list(self.cluster.writes)

    async def keep_gate(self) -> list[str]:
        """One look of the fast lane; gives what it wrote."""
        self.cluster.writes.clear()
        self.again = await self.app.gatekeeper.keep(self.key)
        return list(self.cluster.writes)

    def condition(self, kind: str) -> str:
        """A stored condition as `Status Reason`."""
        conditions = self.cluster.named("IBGateway", "paper")["status"]["conditions"]
        return next(f"{c['status']} {c['reason']}" for c in conditions if c["type"] == kind)

    def message(self, kind: str) -> str:
        conditions = self.cluster.named("IBGateway", "paper")["status"]["conditions"]
        return str(next(c["message"] for c in conditions if c["type"] == kind))


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def peers() -> FakePeers:
    return FakePeers()


@pytest.fixture
async def world(make_body: Callable[..., Manifest]) -> AsyncIterator[World]:
    """A paper gateway that was just created, with its credentials."""
    world = World()
    world.cluster.put(make_body())
    world.credentials()
    yield world
    await world.app.stop()
