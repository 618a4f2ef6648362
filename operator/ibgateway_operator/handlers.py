"""The informer: the only module that imports kopf, beside the composition root.

Handlers only enqueue keys; there are no create, update or delete handlers, no timers, no daemons. So
kopf writes nothing: no finalizer, no annotation, no Event, and `kubectl delete` works without us.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import kopf

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.app import App
from ibgateway_operator.model.kinds import APPLIED, GATEWAY, POD, Kind
from ibgateway_operator.model.manifests import Manifest, trimmed

WATCHED: Final = (*APPLIED, POD)
SELECTOR: Final = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY},{names.LABEL_GATEWAY}"

Starter = Callable[["IndexedBodies"], Awaitable[App]]


@dataclass(frozen=True)
class IndexedBodies:
    """kopf's indices as the cache wants them; full before the first handler runs."""

    gateway_bodies: Mapping[Key, Iterable[Manifest]]
    child_bodies: Mapping[Key, Iterable[Manifest]]

    def gateways(self) -> Iterable[Key]:
        """Every IBGateway there is."""
        return list(self.gateway_bodies)

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself; of an old and a new one of a name the new one."""
        if key not in self.gateway_bodies:
            return None
        bodies = list(self.gateway_bodies[key])
        return max(bodies, key=lambda b: str(b["metadata"].get("creationTimestamp", "")))

    def children(self, key: Key) -> Iterable[Manifest]:
        """Its children and pods, by label."""
        return list(self.child_bodies[key]) if key in self.child_bodies else []


class Handlers:
    """The handlers of one operator; registered once, in a registry of its own."""

    def __init__(self, starter: Starter, closer: Callable[[], Awaitable[None]]) -> None:
        self._starter = starter
        self._closer = closer
        self.app: App | None = None

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Tell kopf what to watch and what to call."""
        kopf.on.login(registry=registry)(_logged_in)
        kopf.on.startup(registry=registry)(self.started)
        kopf.on.cleanup(registry=registry)(self.stopped)
        kopf.on.probe(id="workers", errors=kopf.ErrorsMode.PERMANENT, registry=registry)(
            self.probed
        )
        where = (GATEWAY.group, GATEWAY.version, GATEWAY.plural)
        kopf.index(*where, id="gateway_bodies", registry=registry)(_gateway_body)
        kopf.on.event(*where, id="gateway_changed", registry=registry)(self.gateway_changed)
        for kind in WATCHED:
            self._register_child(registry, kind)

    def _register_child(self, registry: kopf.OperatorRegistry, kind: Kind) -> None:
        where = (kind.group, kind.version, kind.plural)

        async def child_body(body: kopf.Body, **_: Any) -> dict[Key, Manifest]:
            return {_owner(body): _whole(body, kind)}

        async def child_changed(event: Mapping[str, Any], body: kopf.Body, **_: Any) -> None:
            self.child_changed(kind, event, body)

        kopf.index(*where, id="child_bodies", when=_is_ours, registry=registry)(child_body)
        kopf.on.event(*where, id=f"{kind.plural}_changed", when=_is_ours, registry=registry)(
            child_changed
        )

    async def started(self, **kwargs: Any) -> None:
        """Build the operator on the indices and start its workers."""
        self.app = await self._starter(
            IndexedBodies(kwargs["gateway_bodies"], kwargs["child_bodies"])
        )
        self.app.start()

    async def stopped(self, **_: Any) -> None:
        """Stop the workers, then close what they used."""
        if self.app is not None:
            await self.app.stop()
        await self._closer()

    async def probed(self, **_: Any) -> str:
        """Answer /healthz; a permanent error is HTTP 500 and ends in a restart."""
        why = self.app.dead() if self.app else "not started"
        if why:
            raise kopf.PermanentError(why)
        return "alive"

    async def gateway_changed(self, event: Mapping[str, Any], body: kopf.Body, **_: Any) -> None:
        """An IBGateway came, changed or went."""
        if self.app is None:
            return
        if event["type"] == "DELETED":
            self.app.gone(_whole(body, GATEWAY))
        self.app.add(Key(str(body["metadata"]["namespace"]), str(body["metadata"]["name"])))

    def child_changed(self, kind: Kind, event: Mapping[str, Any], body: kopf.Body) -> None:
        """A child or a pod came, changed or went."""
        if self.app is None:
            return
        if event["type"] == "DELETED":
            self.app.gone(_whole(body, kind))
        else:
            self.app.shown(body)
        self.app.add(_owner(body))


async def _gateway_body(body: kopf.Body, **_: Any) -> dict[Key, Manifest]:
    key = Key(str(body["metadata"]["namespace"]), str(body["metadata"]["name"]))
    return {key: _whole(body, GATEWAY)}


async def _logged_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The service account, else the kubeconfig: nothing guessed from installed clients."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _is_ours(body: kopf.Body, **_: Any) -> bool:
    """The selector of the watch once more: an object may lose its labels while it is watched."""
    labels = body["metadata"].get("labels") or {}
    return labels.get(names.LABEL_MANAGED_BY) == names.MANAGED_BY and names.LABEL_GATEWAY in labels


def _owner(body: kopf.Body) -> Key:
    meta = body["metadata"]
    return Key(str(meta["namespace"]), str(meta["labels"][names.LABEL_GATEWAY]))


def _whole(body: kopf.Body, kind: Kind) -> Manifest:
    """A plain body; items of a list carry no kind of their own."""
    return {**trimmed(dict(body)), "apiVersion": kind.api_version, "kind": kind.kind}


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
    for kind in WATCHED:
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = SELECTOR
    return settings
