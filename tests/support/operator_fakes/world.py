"""A whole operator on an API server in memory; the only place where tests put one together."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ibgateway_api.names import Key
from ibgateway_api.notifications import Letter
from ibgateway_api.reports import SentinelReport
from ibgateway_operator.act.leadership import Leadership
from ibgateway_operator.app import App, build
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.manifests import Manifest, uid_of
from ibgateway_operator.model.programs import program_of
from ibgateway_operator.observe.sentinel import SentinelListener
from ibgateway_operator.settings import DEFAULT_LEASE, Images, OperatorSettings
from ibgateway_operator.workqueue import After
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.notifications.notifier import Sending
from operator_fakes.api_server import FakeApiServer
from operator_fakes.http_client import FakeHttpClient
from operator_fakes.informer import WatchEvent
from operator_fakes.objects import IMAGES, NOW, SCRIPTS, ibgateway_body, pod, report


class OperatorWorld:
    """The test moves the clock, tells the news, runs the lanes by hand and delivers what watches show."""

    def __init__(
        self,
        *,
        lag: bool = False,
        namespaces: tuple[str, ...] = (),
        http: FakeHttpClient | None = None,
        courier: Sending | None = None,
        patience: float = 0.0,
    ) -> None:
        self.api_server = FakeApiServer(lag=lag, namespaces=namespaces, on_event=self._shown)
        self.http = http or FakeHttpClient()
        self.key = Key("trading", "paper")
        self.time = NOW
        self.seconds = 1000.0
        self.again: After | None = None
        """What the last run of a lane asked for."""
        self._patience = patience
        """Seconds for which a new gateway may come up before anything is said of it."""
        self._settings = OperatorSettings(images=IMAGES, watch_namespaces=namespaces)
        self.letters: list[str] = []
        """Titles of what was sent to people, each with its address."""
        self.refuses = ""
        """Why no address takes anything."""
        self._courier = courier or self
        self.app = self._build()

    async def send(self, address: str, letter: Letter) -> str:
        """An address takes a letter, or does not."""
        if not self.refuses:
            self.letters.append(f"{address} {letter.title}")
        return self.refuses

    async def check(self, address: str) -> str:
        """Every address can be one."""
        return ""

    def _build(self) -> App:
        clock = Clock(now=lambda: self.time, monotonic=lambda: self.seconds)
        return build(
            self._settings,
            SCRIPTS,
            api_server=self.api_server,
            http=self.http,
            courier=self._courier,
            metrics=OperatorMetrics(),
            clock=clock,
            informer=self.api_server.informer,
            patience=self._patience,
            leadership=Leadership(
                self.api_server, clock, Key("default", DEFAULT_LEASE), self._settings.instance
            ),
        )

    def start_again(self) -> None:
        """Another operator takes the place of this one, and remembers nothing."""
        self.app.memories.clear()
        self.app = self._build()

    def _shown(self, event: WatchEvent) -> None:
        """As the handlers do; keys are not queued, because the test runs the lanes itself."""
        if event.of_program:
            if event.type == "DELETED" and (left := program_of(event.body)):
                self.app.programs.left(left)
            return
        if event.type == "DELETED":
            self.app.gone(event.body)
        else:
            self.app.shown(event.body)

    async def stop(self) -> None:
        """End the listeners."""
        await self.app.stop()

    def edit(self, **spec: Any) -> None:
        """The user changes fields of the spec."""
        body = self.stored()
        self.api_server.put({**body, "spec": {**body["spec"], **spec}})

    def request_login(self, text: str) -> None:
        """The user asks for a login attempt."""
        self.annotate("login-requested-at", text)

    def annotate(self, name: str, text: str) -> None:
        """The user sets one of our annotations, or removes it."""
        body = self.stored()
        notes = {f"ibgateway.dev/{name}": text} if text else {}
        self.api_server.put({**body, "metadata": {**body["metadata"], "annotations": notes}})

    def secret(self, name: str = "ib-credentials", **values: str) -> None:
        """The user writes a Secret."""
        data = {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}
        meta = {"namespace": self.key.namespace, "name": name}
        self.api_server.put({"kind": "Secret", "metadata": meta, "data": data})

    def credentials(self) -> None:
        """The user writes complete credentials."""
        self.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password", VNC_PASSWORD="hidden")

    def use_images(self, images: Images) -> None:
        """The operator is told to run other images."""
        settings = replace(self.app.reconciler.settings, images=images)
        self.app.reconciler = replace(self.app.reconciler, settings=settings)

    def hear(self, said: SentinelReport) -> None:
        """The sentinel says something, now."""
        self._listener().follower.hear(said)

    def hear_again(self) -> None:
        """The sentinel is heard, and nothing is new."""
        self._listener().follower.hear(None)

    def pass_time(self, seconds: float) -> None:
        """Both clocks go on."""
        self.seconds += seconds
        self.time += timedelta(seconds=seconds)

    def set_time(self, time: datetime) -> None:
        """The wall clock alone jumps: news is as fresh as before."""
        self.time = time

    def deliver(self, count: int | None = None, *, kind: str = "") -> list[WatchEvent]:
        """The watches show what waits."""
        return self.api_server.informer.deliver(count, kind=kind)

    def silence_watches(self) -> None:
        """From now on the watches show nothing by themselves."""
        self.api_server.informer.lag = True

    async def log_in(self, said: SentinelReport | None = None) -> None:
        """All pods run, the gateway is logged in, and nothing is left to be written.

        `said` is what its sentinel reports, where it is something else.
        """
        await self.reconcile()
        for component in ("gateway", "executor", "novnc"):
            self.api_server.put(pod(component))
        self.deliver()
        self.hear(said or report())
        await self.keep_gate()
        for _ in range(3):
            await self.reconcile()
            self.deliver()

    async def reconcile(self, key: Key | None = None) -> list[str]:
        """One reconcile; gives what it wrote."""
        self.api_server.writes.clear()
        self.again = await self.app.reconciler.reconcile(key or self.key)
        return list(self.api_server.writes)

    async def keep_gate(self, key: Key | None = None) -> list[str]:
        """One look of the fast lane; gives what it wrote."""
        self.api_server.writes.clear()
        self.again = await self.app.gates.keep(key or self.key)
        return list(self.api_server.writes)

    async def tell_programs(self, key: Key | None = None) -> list[str]:
        """The same, and what its programs are told until nothing is due; gives what was written."""
        self.api_server.writes.clear()
        self.again = await self.app.gates.keep(key or self.key)
        lane = self.app.queues.programs
        while len(lane):
            place = await lane.take()
            lane.done(place, again=await self.app.programs.keep(place))
        return list(self.api_server.writes)

    async def resync(self) -> None:
        """The operator asks the API server itself what there is."""
        await self.app.resync.compare()

    async def drain_queue(self) -> None:
        """Take every reconcile that is due, and run none."""
        while len(self.app.queues.slow):
            self.app.queues.slow.done(await self.app.queues.slow.take())

    def stored(self) -> Manifest:
        """The IBGateway as the API server has it."""
        return self.api_server.named("IBGateway", self.key.name, self.key.namespace)

    def replicas(self, kind: str, name: str) -> int:
        """What is asked of a workload."""
        return int(self.api_server.named(kind, name)["spec"]["replicas"])

    def condition(self, kind: str, key: Key | None = None) -> str:
        """A stored condition as `Status Reason`."""
        condition = self._condition(kind, key)
        return f"{condition['status']} {condition['reason']}"

    def message(self, kind: str) -> str:
        """A stored condition's sentence."""
        return str(self._condition(kind, None)["message"])

    def _condition(self, kind: str, key: Key | None) -> Manifest:
        place = key or self.key
        status = self.api_server.named("IBGateway", place.name, place.namespace)["status"]
        return next(dict(c) for c in status["conditions"] if c["type"] == kind)

    def next_look(self) -> float:
        """In how many seconds the last run wants to look again."""
        assert self.again is not None
        return self.again.seconds

    def reconciles_due(self) -> int:
        """How many keys the slow lane has to work on now."""
        return len(self.app.queues.slow)

    def heard(self) -> SentinelReport | None:
        """What the operator has heard last."""
        memory = self.app.memories.get(self.key)
        return memory.listening.report if memory and memory.listening else None

    def is_listening(self) -> bool:
        """Whether the operator listens to the gateway's sentinel."""
        return self._listener().task is not None

    def agent_token(self) -> str:
        """The token the operator knows; empty where none."""
        memory = self.app.memories.get(self.key)
        return memory.secrets.agent_token if memory else ""

    def _listener(self) -> SentinelListener:
        memory = self.app.reconciler.observer.memory(self.key)
        assert memory is not None
        return self.app.reconciler.sentinels.listener(self.key, memory)

    def gateway_uid(self) -> str:
        """Which IBGateway the operator sees; empty where none."""
        return uid_of(self.app.queues.cache.gateway(self.key) or {})

    def children(self, key: Key | None = None) -> set[str]:
        """Children and pods as the operator sees them, as `Kind name`."""
        bodies = self.app.queues.cache.children(key or self.key)
        return {f"{body['kind']} {body['metadata']['name']}" for body in bodies}

    def remembered_owners(self) -> set[str]:
        """uids of the IBGateways that the operator remembers anything of."""
        return {memory.uid for _, memory in self.app.memories.items()}


@asynccontextmanager
async def operator_world(
    *,
    lag: bool = False,
    namespaces: tuple[str, ...] = (),
    patience: float = 0.0,
    courier: Sending | None = None,
) -> AsyncIterator[OperatorWorld]:
    """A paper gateway that was just created, with its credentials; the watches have shown it."""
    world = OperatorWorld(lag=lag, namespaces=namespaces, patience=patience, courier=courier)
    world.api_server.put(ibgateway_body())
    world.credentials()
    world.deliver()
    try:
        yield world
    finally:
        await world.stop()
