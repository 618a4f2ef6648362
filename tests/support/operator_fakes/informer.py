"""What the watches have shown of a `FakeApiServer`: only what was delivered, only what they select."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ibgateway_api.names import Key
from ibgateway_operator.handlers import IndexedBodies
from ibgateway_operator.kube.bodies import PackedBodies, itself, named_by_label
from ibgateway_operator.kube.informer import SELECTOR, WATCHED
from ibgateway_operator.model.kinds import GATEWAY
from ibgateway_operator.model.manifests import Manifest, labels_of, uid_of
from operator_fakes.copies import copied
from operator_fakes.selectors import matches

_CHILDREN = frozenset(kind.kind for kind in WATCHED)


class WatchEvent(NamedTuple):
    """What a watch says of one object."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    body: Manifest

    @property
    def kind(self) -> str:
        """The object's kind: every kind has a watch of its own, and none waits for another."""
        return str(self.body["kind"])


@dataclass
class FakeInformer:
    """The watches' bodies. With `lag` an event waits for `deliver`; without it is shown at once.

    `namespaces` are those that are watched, none for all. `on_event` is told what was shown.
    """

    on_event: Callable[[WatchEvent], None]
    lag: bool = False
    namespaces: tuple[str, ...] = ()
    waiting: list[WatchEvent] = field(default_factory=list)
    _gateways: PackedBodies = field(default_factory=lambda: PackedBodies(itself))
    _children: PackedBodies = field(default_factory=lambda: PackedBodies(named_by_label))
    _indexed: IndexedBodies = field(init=False)

    def __post_init__(self) -> None:
        self._indexed = IndexedBodies(self._gateways, self._children)

    def gateways(self) -> Iterable[Key]:
        """Every IBGateway that was shown."""
        return self._indexed.gateways()

    def gateway(self, key: Key) -> Manifest | None:
        """The IBGateway itself."""
        return self._indexed.gateway(key)

    def children(self, key: Key, kind: str = "") -> Iterable[Manifest]:
        """Its children and pods, by label; of one kind alone, where one is named."""
        return self._indexed.children(key, kind)

    def tell(self, before: Manifest | None, after: Manifest | None) -> None:
        """The API server has stored a change of an object the watches may have to show."""
        event = self._event(before, after)
        if event is None:
            return
        self.waiting.append(event)
        if not self.lag:
            self.deliver()

    def deliver(self, count: int | None = None, *, kind: str = "") -> list[WatchEvent]:
        """Show the first `count` events that wait, else all; of one kind where one is named."""
        due = [event for event in self.waiting if kind in ("", event.kind)][:count]
        self.waiting = [event for event in self.waiting if not any(event is one for one in due)]
        for event in due:
            self._take(event)
            self.on_event(event)
        return due

    def lose(self) -> None:
        """A watch went silent: what waits is never shown."""
        self.waiting.clear()

    def _event(self, before: Manifest | None, after: Manifest | None) -> WatchEvent | None:
        """An object that no longer meets the selector is deleted, as far as its watch is concerned."""
        was, now = self._selects(before), self._selects(after)
        if after is not None and now:
            return WatchEvent("MODIFIED" if was else "ADDED", copied(after))
        if before is None or not was:
            return None
        last = copied(before)
        if after is not None:
            last["metadata"]["resourceVersion"] = after["metadata"]["resourceVersion"]
        return WatchEvent("DELETED", last)

    def _selects(self, body: Manifest | None) -> bool:
        if body is None or not (not self.namespaces or _namespace(body) in self.namespaces):
            return False
        if body["kind"] == GATEWAY.kind:
            return True
        return body["kind"] in _CHILDREN and matches(SELECTOR, labels_of(body))

    def _take(self, event: WatchEvent) -> None:
        bodies = self._gateways if event.kind == GATEWAY.kind else self._children
        if event.type == "DELETED":
            bodies.drop(uid_of(event.body))
        else:
            bodies.put(event.body)


def _namespace(body: Manifest) -> str:
    return str(body["metadata"]["namespace"])
