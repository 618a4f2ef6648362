"""What the watches have shown, with our own writes laid over it until the watches show them too.

Without the overlay a reconcile that runs right after a write would see the past and write again.
The answer to a write is the whole object as stored, so of what the watch shows and what we were
answered the newer version is true; versions of one object are numbers that grow (API conventions,
"comparable resource versions"). An overlay never hides a foreign change: it would be newer.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.kube.programs import ProgramPods
from ibgateway_operator.model.manifests import Manifest, labels_of, name_of, trimmed, uid_of

Address = tuple[str, str, str]
"""Kind, namespace, name."""
REMEMBERED_ENDS: Final = 4096
"""Ends that are remembered: a write's answer may come after the watch has shown the object's end."""


class InformerIndex(Protocol):
    """The bodies the informer holds, by IBGateway."""

    def gateways(self) -> Iterable[Key]:
        """Every IBGateway there is."""
        ...

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself."""
        ...

    def children(self, key: Key, kind: str = "") -> Iterable[Manifest]:
        """Its children and pods, by label; of one kind alone, where one is named."""
        ...


class WatchedIndex(InformerIndex, Protocol):
    """Everything that is watched."""

    @property
    def programs(self) -> ProgramPods:
        """The pods of programs that follow a gate."""
        ...


@dataclass
class Cache:
    """Bodies with overlays."""

    bodies: InformerIndex
    _overlays: dict[Address, Manifest] = field(default_factory=dict)
    _written: dict[Key, set[Address]] = field(default_factory=dict)
    """The overlays of each IBGateway's children."""
    _deleted: dict[str, str] = field(default_factory=dict)
    """By uid: the version that we deleted, until the watch shows its end."""
    _ended: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """uids whose end was shown, the latest last."""
    _vanished: set[str] = field(default_factory=set)
    """uids of IBGateways whose deletion no watch has shown."""

    def gateways(self) -> list[Key]:
        """Every IBGateway there is."""
        return list(self.bodies.gateways())

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself."""
        body = self.bodies.gateway(key)
        return self._newest(body) if body and uid_of(body) not in self._vanished else None

    def children(self, key: Key, kind: str = "") -> tuple[Manifest, ...]:
        """Children and pods as stored, our own last writes included; of one kind alone, where one is named."""
        shown = {_address(body): body for body in self.bodies.children(key, kind)}
        if key not in self._written and not self._deleted:
            return tuple(shown.values())
        written = (a for a in self._written.get(key, ()) if kind in ("", a[0]))
        fresh = [self._overlays[a] for a in written if a not in shown]
        newest = (self._newest(body) for body in (*shown.values(), *fresh))
        return tuple(body for body in newest if not self._is_deleted(body))

    def written(self, after: Manifest) -> None:
        """Remember what a write was answered with, until the watch shows it or something newer."""
        address, known = _address(after), self._overlays.get(_address(after))
        if uid_of(after) in self._ended:
            return
        if known is None or uid_of(known) != uid_of(after) or _version(after) > _version(known):
            self._lift(address)
            self._overlays[address] = trimmed(after)
            self._written.setdefault(_owner(after), set()).add(address)

    def deleted(self, body: Manifest) -> None:
        """We have deleted this very version: it is not seen again, unless it lives on."""
        self._deleted[uid_of(body)] = str(body["metadata"].get("resourceVersion", ""))

    def vanished(self, key: Key) -> None:
        """The API server no longer has an IBGateway that the watches still show."""
        if body := self.bodies.gateway(key):
            self._vanished.add(uid_of(body))

    def gone(self, body: Mapping[str, Any]) -> None:
        """Forget an object whose end the watch has shown: this one, not one that has its name now."""
        uid, address = uid_of(body), _address(body)
        if address in self._overlays and uid_of(self._overlays[address]) == uid:
            self._lift(address)
        self._deleted.pop(uid, None)
        self._vanished.discard(uid)
        self._ended[uid] = None
        while len(self._ended) > REMEMBERED_ENDS:
            self._ended.popitem(last=False)

    def shown(self, body: Manifest) -> bool:
        """The watch shows an object; False where it is the very version that a write of ours was answered with.

        A version before that is somebody else's, which our write went on top of. An object that had lost its
        labels and has them again is there.
        """
        self._ended.pop(uid_of(body), None)
        overlay = self._overlays.get(_address(body))
        self._newest(body)
        if overlay is None or uid_of(overlay) != uid_of(body):
            return True
        return _version(overlay) != _version(body) or _version(body) == 0

    def _newest(self, body: Manifest) -> Manifest:
        """The overlay where it is newer; one that is not has done its work."""
        address = _address(body)
        overlay = self._overlays.get(address)
        if overlay is None or overlay is body:
            return body
        if _version(overlay) > _version(body):
            return overlay
        self._lift(address)
        return body

    def _lift(self, address: Address) -> None:
        body = self._overlays.pop(address, None)
        if body is None:
            return
        theirs = self._written[_owner(body)]
        theirs.discard(address)
        if not theirs:
            del self._written[_owner(body)]

    def _is_deleted(self, body: Manifest) -> bool:
        version = str(body["metadata"].get("resourceVersion", ""))
        return version != "" and self._deleted.get(uid_of(body)) == version


def _version(body: Mapping[str, Any]) -> int:
    """The resourceVersion as a number; 0 where it is none, so that what the watch shows counts."""
    text = str(body["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


def _address(body: Mapping[str, Any]) -> Address:
    return str(body["kind"]), str(body["metadata"]["namespace"]), name_of(body)


def _owner(body: Mapping[str, Any]) -> Key:
    """The IBGateway that a child's labels name."""
    return Key(str(body["metadata"]["namespace"]), labels_of(body).get(names.LABEL_GATEWAY, ""))
