"""What the watches have shown of a `FakeApiServer`: only what was delivered, only what they select."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ibgateway_api.names import Key
from ibgateway_operator.handlers import IndexedBodies
from ibgateway_operator.kube.bodies import PackedBodies, itself, named_by_label
from ibgateway_operator.kube.informer import WATCHED, selector
from ibgateway_operator.kube.programs import ProgramPods
from ibgateway_operator.model.kinds import GATEWAY, POD
from ibgateway_operator.model.manifests import Manifest, labels_of, uid_of
from ibgateway_operator.model.programs import is_own_pod, program_of
from operator_fakes.copies import copied
from operator_fakes.selectors import matches


class WatchEvent(NamedTuple):
    """What a watch says of one object."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    body: Manifest

    @property
    def kind(self) -> str:
        """The object's kind: every kind has a watch of its own, and none waits for another."""
        return str(self.body["kind"])

    @property
    def of_program(self) -> bool:
        """Whether it is a pod that is not the gateway's own."""
        return self.kind == POD.kind and not is_own_pod(self.body)


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
    programs: ProgramPods = field(default_factory=ProgramPods)
    _indexed: IndexedBodies = field(init=False)

    def __post_init__(self) -> None:
        self._indexed = IndexedBodies(self._gateways, self._children, self.programs)

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
        return any(
            k.kind == body["kind"] and matches(selector(k), labels_of(body)) for k in WATCHED
        )

    def _take(self, event: WatchEvent) -> None:
        bodies = self._gateways if event.kind == GATEWAY.kind else self._children
        if event.kind == POD.kind and not self._take_pod(event):
            bodies.drop(uid_of(event.body))
            return
        if event.type == "DELETED":
            bodies.drop(uid_of(event.body))
        else:
            bodies.put(event.body)

    def _take_pod(self, event: WatchEvent) -> bool:
        """Whether it is one of the gateway's own; of others a program's is kept."""
        own = is_own_pod(event.body)
        program = None if own or event.type == "DELETED" else program_of(event.body)
        if program is None:
            self.programs.drop(itself(event.body), uid_of(event.body))
        else:
            self.programs.put(program)
        return own


def _namespace(body: Manifest) -> str:
    return str(body["metadata"]["namespace"])
