"""What the watches have shown, with our own writes laid over it until the watches show them too.

Without the overlay a reconcile that runs right after a write would see the past and write again. An
overlay holds only against the very version it was laid over, so it can never hide a foreign change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.model.manifests import Manifest, labels_of, name_of, uid_of

Address = tuple[str, str, str]
"""Kind, namespace, name."""


class InformerIndex(Protocol):
    """The bodies the informer holds, by IBGateway."""

    def gateways(self) -> Iterable[Key]:
        """Every IBGateway there is."""
        ...

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself."""
        ...

    def children(self, key: Key) -> Iterable[Manifest]:
        """Its children and pods, by label."""
        ...


@dataclass(frozen=True)
class _Overlay:
    over: str
    """resourceVersion of the body it was laid over; empty where there was none."""
    body: Manifest


@dataclass
class Cache:
    """Bodies with overlays."""

    bodies: InformerIndex
    _overlays: dict[Address, _Overlay] = field(default_factory=dict)
    _vanished: set[str] = field(default_factory=set)
    """uids of IBGateways whose deletion no watch has shown."""

    def gateways(self) -> list[Key]:
        """Every IBGateway there is."""
        return list(self.bodies.gateways())

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself."""
        body = self.bodies.gateway(key)
        return self._seen(body) if body and uid_of(body) not in self._vanished else None

    def children(self, key: Key) -> tuple[Manifest, ...]:
        """Children and pods as stored, our own last writes included."""
        shown = {_address(body): body for body in self.bodies.children(key)}
        fresh = {
            address: overlay.body
            for address, overlay in self._overlays.items()
            if address not in shown and not overlay.over and _belongs(overlay.body, key)
        }
        return tuple(self._seen(body) for body in (*shown.values(), *fresh.values()))

    def written(self, before: Manifest | None, after: Manifest) -> None:
        """Remember what a write gave, until the watch shows it."""
        version = str(before["metadata"].get("resourceVersion", "")) if before else ""
        self._overlays[_address(after)] = _Overlay(version, after)

    def vanished(self, key: Key) -> None:
        """The API server no longer has an IBGateway that the watches still show."""
        if body := self.bodies.gateway(key):
            self._vanished.add(uid_of(body))

    def gone(self, body: Mapping[str, object]) -> None:
        """Forget an object whose deletion the watch has shown."""
        self._overlays.pop(_address(dict(body)), None)

    def _seen(self, body: Manifest) -> Manifest:
        address = _address(body)
        overlay = self._overlays.get(address)
        if overlay is None or overlay.body is body:
            return body
        if overlay.over == body["metadata"].get("resourceVersion"):
            return overlay.body
        del self._overlays[address]
        return body


def _address(body: Manifest) -> Address:
    return str(body["kind"]), str(body["metadata"]["namespace"]), name_of(body)


def _belongs(body: Manifest, key: Key) -> bool:
    labels = labels_of(body)
    here = body["metadata"]["namespace"] == key.namespace
    return here and labels.get(names.LABEL_GATEWAY) == key.name
