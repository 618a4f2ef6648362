"""The running operator: queues, their workers, and the parts they work with, put together once.

The fast lane judges gates, another one tells them to programs, the slow one reconciles. Watch events, news and times put keys on both.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.act.children import ChildWriter
from ibgateway_operator.act.event_recorder import EventRecorder
from ibgateway_operator.act.leadership import Leadership
from ibgateway_operator.act.lifecycle import Lifecycle
from ibgateway_operator.act.programs import ProgramGates
from ibgateway_operator.act.readiness_gate import ReadinessGates
from ibgateway_operator.act.settings_stamp import SettingsStamp
from ibgateway_operator.act.telling import OperatorNotifications
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.figures import OperatorView
from ibgateway_operator.kube.cache import Cache, WatchedIndex
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.kinds import GATEWAY
from ibgateway_operator.model.manifests import Manifest, labels_of, name_of, uid_of
from ibgateway_operator.model.memory import Memories
from ibgateway_operator.model.programs import ProgramPod
from ibgateway_operator.observe.console import Consoles
from ibgateway_operator.observe.drain import Drains
from ibgateway_operator.observe.executor import Executors
from ibgateway_operator.observe.observer import AddressOf, Observer, by_address
from ibgateway_operator.observe.patience import BEGINNING_SECONDS
from ibgateway_operator.observe.people import People
from ibgateway_operator.observe.secrets import Secrets
from ibgateway_operator.observe.sentinel import Sentinels
from ibgateway_operator.queues import Queues
from ibgateway_operator.reconcile import Reconciler
from ibgateway_operator.resync import Resync
from ibgateway_operator.settings import OperatorSettings
from ibgateway_operator.workqueue import Pace, Workqueue
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_client import HttpClient
from ibgateway_runtime.notifications.notifier import Sending

FLIGHT: Final = 32
"""Keys of each queue in work at once: gateways whose API calls hang must not hold up the others."""
PACE: Final = Pace(burst=20, seconds=1.0)
"""Reconciles of one gateway, and writes of one program's pod that no news of the gate asks for: more than a start takes, and
a noisy one, or one whose condition somebody else writes as well, costs no more than this."""
LISTENING_SECONDS: Final = 20.0
"""For how long the first reconcile waits until everybody is listened to: less than gates wait for news."""
STUCK_SECONDS: Final = 300.0
"""A reconcile that runs longer than this is taken for dead."""

logger = logging.getLogger(__name__)


@dataclass
class App:
    """The operator's parts. `start` and `stop` belong to the loop that kopf runs in."""

    settings: OperatorSettings
    api_server: ApiServer
    memories: Memories
    queues: Queues
    gates: ReadinessGates
    programs: ProgramGates
    reconciler: Reconciler
    resync: Resync
    leadership: Leadership
    _standing_by: asyncio.Task[None] | None = None
    _workers: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, listed: Callable[[], Awaitable[None]]) -> None:
        """Stand by once everything was listed; work while this operator holds the Lease."""
        self._standing_by = asyncio.create_task(self._serve(listed))

    async def _serve(self, listed: Callable[[], Awaitable[None]]) -> None:
        """Only its holder writes; one that lost the Lease begins anew, with an empty memory."""
        early = asyncio.create_task(self._listen_early())
        try:
            await listed()
        finally:
            await _ended(early)
        if not await self.leadership.attempt():
            self.memories.clear()  # somebody else has begun to work meanwhile, and listens
        while True:
            await self.leadership.campaign()
            logger.info("this operator holds the Lease and works")
            self.queues.metrics.leading = True
            try:
                self._start_workers()
                await self.leadership.keep(lambda: not self._standstill())
                logger.error("the Lease is lost: this operator stands by")
            finally:
                self.queues.metrics.leading = False
                await self._stop_workers()

    async def _listen_early(self) -> None:
        """Listen while the rest is being listed; where another one works, nobody is listened to twice."""
        if await self.leadership.vacant():
            await self._keep_listening()

    async def _keep_listening(self) -> None:
        """For ever, to each gateway as soon as its pod has an address: a reconcile may be long in coming."""
        await self.queues.listening.work(self.reconciler.listen, flight=FLIGHT)

    def _start_workers(self) -> None:
        self.memories.begin()
        for key in self.programs.pods.gateways():
            self.queues.fast.add(key)
        fast = self.queues.fast.work(self.gates.keep, still=self.gates.still, flight=FLIGHT)
        told = self.programs.work(self.settings.watch_namespaces)
        loops = (fast, told, self._keep_listening(), self._reconcile_all(), self.resync.work())
        self._workers = [asyncio.create_task(loop) for loop in loops]

    async def _reconcile_all(self) -> None:
        """Listen to everybody before anything is applied to anybody, then reconcile for ever."""
        reconciler, queue = self.reconciler, self.queues.slow
        keys = self.queues.cache.gateways()
        await self._listen_to(keys)
        for key in keys:
            self.add(key)
        await queue.work(reconciler.reconcile, still=reconciler.still, flight=FLIGHT)

    async def _listen_to(self, keys: list[Key]) -> None:
        """Whoever can't be listened to yet is so with its reconcile, and holds up nobody."""
        free = asyncio.Semaphore(FLIGHT)  # a thousand at once would hold up the Lease

        async def listen(key: Key) -> None:
            async with free:
                await self.reconciler.listen(key)

        try:
            async with asyncio.timeout(LISTENING_SECONDS):
                said = await asyncio.gather(*map(listen, keys), return_exceptions=True)
        except TimeoutError:
            logger.warning(
                "not every gateway could be listened to within %.0f s", LISTENING_SECONDS
            )
            return
        for key, error in zip(keys, said, strict=True):
            if isinstance(error, Exception):
                logger.error("%s can't be listened to: %r", key, error)

    async def _stop_workers(self) -> None:
        for task in self._workers:
            await _ended(task)
        self._workers = []
        self.programs.clear()
        self.memories.clear()
        self.queues.metrics.gateways.clear()

    async def stop(self) -> None:
        """Stop the workers and the listeners, and let another operator work."""
        if self._standing_by is not None:
            self._standing_by.cancel()
            await asyncio.gather(self._standing_by, return_exceptions=True)
        self.memories.clear()
        await self.leadership.give_up()

    def add(self, key: Key) -> None:
        """Something about this IBGateway may have changed."""
        self.queues.changed(key)

    def gone(self, body: Mapping[str, Any]) -> None:
        """A watch has shown a deletion."""
        self.queues.cache.gone(body)
        if body["kind"] == GATEWAY.kind:
            self.reconciler.observer.users.forget(
                Key(str(body["metadata"]["namespace"]), name_of(body))
            )
        gateway = labels_of(body).get(names.LABEL_GATEWAY, "")
        memory = self.memories.get(Key(str(body["metadata"]["namespace"]), gateway))
        place = (str(body["kind"]), name_of(body))
        applied = memory.applied.get(place) if memory else None
        if memory is not None and applied is not None and applied.uid == uid_of(body):
            del memory.applied[place]

    def shown(self, body: Manifest) -> bool:
        """A watch has shown an object; whether that tells anything: our own writes are known."""
        return self.queues.cache.shown(body)

    def program_left(self, pod: ProgramPod) -> None:
        """A pod of a program is not shown any more. Who stands by looks once it works: at all pods."""
        if self._workers:
            self.programs.left(pod)

    def dead(self) -> str:
        """Why the operator should be restarted; empty while it lives, at work or standing by."""
        if self._standing_by is None:
            return "the operator has not started"
        if self._standing_by.done():
            return "the operator has ended"
        return self._standstill() if self._workers else ""

    def _standstill(self) -> str:
        """Why the work does not go on; empty while it does."""
        if any(task.done() for task in self._workers):
            return "a worker has ended"
        if max(self.queues.fast.oldest_run(), self.queues.slow.oldest_run()) > STUCK_SECONDS:
            return "a reconcile does not end"
        return ""

    async def before_scrape(self) -> None:
        """What is to be measured now: of the gateways that are there, and of none while this operator stands by."""
        metrics = self.queues.metrics
        served = self.queues.cache.gateways() if metrics.leading else []
        known = metrics.gateways
        metrics.view = OperatorView(
            self.reconciler.observer.clock.now(),
            metrics.leading,
            {key: known[key] for key in served if key in known},
            self.queues.figures(),
            self.programs.pods.counts() if metrics.leading else {},
        )


def build(
    settings: OperatorSettings,
    scripts: Scripts,
    *,
    api_server: ApiServer,
    http: HttpClient,
    clock: Clock,
    informer: WatchedIndex,
    leadership: Leadership,
    courier: Sending,
    metrics: OperatorMetrics,
    address_of: AddressOf = by_address,
    patience: float = BEGINNING_SECONDS,
) -> App:
    """Put an operator together; nothing runs yet."""
    memories, cache = Memories(clock.monotonic), Cache(informer)
    fast: Workqueue[Key] = Workqueue(clock.monotonic, name="gate")
    slow: Workqueue[Key] = Workqueue(clock.monotonic, pace=PACE)
    listening: Workqueue[Key] = Workqueue(clock.monotonic, name="listening")
    told: Workqueue[Key] = Workqueue(clock.monotonic, name="programs", pace=PACE)
    queues = Queues(fast, slow, listening, told, cache, metrics)
    executors = Executors(http, clock.monotonic)
    observer = Observer(
        cache=cache,
        memories=memories,
        secrets=Secrets(api_server, clock.monotonic, new_token, secrets.token_bytes(32)),
        consoles=Consoles(http, clock.monotonic),
        executors=executors,
        drains=Drains(executors, clock.monotonic),
        clock=clock,
        calendar=settings.calendar,
        address_of=address_of,
        on_turn=queues.slow.add,
        patience=patience,
    )
    people = People(api_server, executors, clock.monotonic)
    reconciler = Reconciler(
        settings=settings,
        scripts=scripts,
        api_server=api_server,
        observer=observer,
        sentinels=Sentinels(http, clock.monotonic, queues.heard),
        lifecycle=Lifecycle(api_server, http, observer),
        children=ChildWriter(api_server, cache, clock.monotonic),
        settings_stamp=SettingsStamp(api_server, cache),
        recorder=EventRecorder(api_server, clock, settings.instance, new_suffix),
        metrics=queues.metrics,
        on_gone=queues.one_is_gone,
        telling=OperatorNotifications(
            people, observer, courier, queues.slow.add, queues.metrics.notification
        ),
    )
    programs = ProgramGates(api_server, informer.programs, clock, told, judge=fast.add)
    gates = ReadinessGates(
        observer, api_server, cache, settings.calendar, programs, on_change=queues.gate_changed
    )
    return App(
        settings,
        api_server,
        memories,
        queues,
        gates=gates,
        programs=programs,
        reconciler=reconciler,
        resync=Resync(settings.watch_namespaces, api_server, memories, queues),
        leadership=leadership,
    )


async def _ended(task: asyncio.Task[None]) -> None:
    """End a task. What it had ended with by itself is only logged: it was seen by `dead` before."""
    task.cancel()
    [end] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(end, Exception):
        logger.error("a part of the operator had ended by itself", exc_info=end)


def new_token() -> str:
    """A token nobody can guess: 256 bits."""
    return secrets.token_urlsafe(32)


def new_suffix() -> str:
    """What makes an Event's name unique."""
    return secrets.token_hex(8)
