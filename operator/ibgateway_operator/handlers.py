"""kopf's part: the IBGateways' watch, start and stop, the probe. With the composition root its only importer.

Handlers only enqueue keys; there are no create, update or delete handlers, no timers, no daemons. So
kopf writes nothing: no finalizer, no annotation, no Event, and `kubectl delete` works without us.
Children and pods have an informer of ours (docs/decisions/0025).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import kopf

from ibgateway_api.names import Key
from ibgateway_operator.app import App
from ibgateway_operator.kube.bodies import PackedBodies, itself
from ibgateway_operator.kube.informer import ChildInformer
from ibgateway_operator.kube.programs import ProgramPods
from ibgateway_operator.model.kinds import GATEWAY
from ibgateway_operator.model.manifests import Manifest, trimmed, uid_of
from ibgateway_operator.model.programs import ProgramPod

Starter = Callable[[PackedBodies], Awaitable[tuple[App, ChildInformer]]]
"""From the IBGateways' bodies to what serves them."""


@dataclass(frozen=True)
class IndexedBodies:
    """What is watched, as the cache wants it."""

    gateway_bodies: PackedBodies
    child_bodies: PackedBodies
    programs: ProgramPods

    def gateways(self) -> Iterable[Key]:
        """Every IBGateway there is."""
        return self.gateway_bodies.keys()

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself; of an old and a new one of a name the new one."""
        bodies = self.gateway_bodies.of(key)
        if len(bodies) == 1:
            return bodies[0]
        return max(bodies, key=_created, default=None)

    def children(self, key: Key, kind: str = "") -> Iterable[Manifest]:
        """Its children and pods, by label; of one kind alone, where one is named."""
        return self.child_bodies.of(key, kind)


class Handlers:
    """The handlers of one operator; registered once, in a registry of its own."""

    def __init__(self, starter: Starter, closer: Callable[[], Awaitable[None]]) -> None:
        self._starter = starter
        self._closer = closer
        self.gateways = PackedBodies(itself)
        self.app: App | None = None
        self.informer: ChildInformer | None = None

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Tell kopf what to watch and what to call."""
        kopf.on.login(registry=registry)(_logged_in)
        kopf.on.startup(registry=registry)(self.started)
        kopf.on.cleanup(registry=registry)(self.stopped)
        kopf.on.probe(id="workers", errors=kopf.ErrorsMode.PERMANENT, registry=registry)(
            self.probed
        )
        where = (GATEWAY.group, GATEWAY.version, GATEWAY.plural)
        kopf.index(*where, id="known_gateways", registry=registry)(self.indexed)
        kopf.on.event(*where, id="gateway_changed", registry=registry)(self.gateway_changed)

    async def indexed(self, body: kopf.Body, **_: Any) -> dict[Key, bool]:
        """Keep an IBGateway: kopf calls no handler before it has indexed all of them."""
        whole = _whole(body)
        self.gateways.put(whole)
        if self.app is not None:
            self.app.queues.listening.add(itself(whole))
        return {itself(whole): True}

    async def started(self, **_: Any) -> None:
        """Build the operator on what is watched; its workers start once everything was listed."""
        self.app, self.informer = await self._starter(self.gateways)
        self.informer.start(
            shown=self.child_shown,
            ended=self.child_ended,
            followed=self.program_followed,
            left=self.program_left,
        )
        self.app.start(self.informer.listed)

    async def stopped(self, **_: Any) -> None:
        """Stop the workers and the watches, then close what they used."""
        if self.app is not None:
            await self.app.stop()
        if self.informer is not None:
            await self.informer.stop()
        await self._closer()

    async def probed(self, **_: Any) -> str:
        """Answer /healthz; a permanent error is HTTP 500 and ends in a restart."""
        if self.app is None or self.informer is None:
            raise kopf.PermanentError("not started")
        if why := self.app.dead() or self.informer.dead():
            raise kopf.PermanentError(why)
        return "alive"

    async def gateway_changed(self, event: Mapping[str, Any], body: kopf.Body, **_: Any) -> None:
        """An IBGateway came, changed or went."""
        if self.app is None:
            return
        whole = _whole(body)
        if event["type"] == "DELETED":
            self.gateways.drop(uid_of(whole))
            self.app.gone(whole)
            self.app.add(itself(whole))
        elif self.app.shown(whole):
            self.app.add(itself(whole))

    def child_shown(self, body: Manifest) -> None:
        """A child or a pod came or changed."""
        if self.app is not None and self.app.shown(body):
            self.app.queues.child_changed(body)

    def child_ended(self, body: Manifest) -> None:
        """A child or a pod went."""
        if self.app is not None:
            self.app.gone(body)
            self.app.queues.child_changed(body)

    def program_followed(self, pod: ProgramPod) -> None:
        """A pod of a program came, was told something, or names another gateway."""
        if self.app is not None:
            self.app.queues.fast.add(pod.follows)

    def program_left(self, pod: ProgramPod) -> None:
        """A pod of a program went, or lost its label."""
        if self.app is not None:
            self.app.program_left(pod)


async def _logged_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The service account, else the kubeconfig: nothing guessed from installed clients."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _created(body: Manifest) -> str:
    return str(body["metadata"].get("creationTimestamp", ""))


def _whole(body: kopf.Body) -> Manifest:
    """A plain body; items of a list carry no kind of their own."""
    return {**trimmed(dict(body)), "apiVersion": GATEWAY.api_version, "kind": GATEWAY.kind}


def kopf_settings() -> kopf.OperatorSettings:
    """kopf as informer and nothing else: each setting switches off something it would write or need."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.networking.request_timeout = 60.0
    settings.networking.connect_timeout = 10.0
    settings.watching.connect_timeout = 10.0
    settings.watching.server_timeout = 300  # an int: kopf writes it into the URL as it is
    return settings
