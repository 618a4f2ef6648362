"""The bodies of what is watched as it was shown, packed, by IBGateway.

Those of the gateways that were asked for last stay unpacked: a reconcile asks for them many times.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.model.manifests import Manifest, labels_of, name_of, uid_of
from ibgateway_operator.model.packing import BodyPacker, PackedBody

UNPACKED_GATEWAYS: Final = 16
"""About as many as are in work at once; the children of each take a third of a MiB."""


@dataclass(frozen=True, slots=True)
class IndexedBody:
    """A packed body: whose it is, and what is asked of it without unpacking."""

    key: Key
    kind: str
    version: str
    packed: PackedBody


class PackedBodies:
    """Bodies by uid and by the IBGateway that `owner` says is theirs. Nobody may change what it gives."""

    def __init__(self, owner: Callable[[Manifest], Key]) -> None:
        self._owner = owner
        self._packer = BodyPacker()
        self._indexed: dict[str, IndexedBody] = {}
        self._uids: dict[Key, tuple[str, ...]] = {}
        self._unpacked: OrderedDict[Key, dict[str, Manifest]] = OrderedDict()

    def put(self, body: Manifest) -> bool:
        """Keep what a watch has shown; False where this very version is known."""
        uid, labels = uid_of(body), labels_of(body)
        key, version = self._owner(body), str(body["metadata"].get("resourceVersion", ""))
        known = self._indexed.get(uid)
        if known and known.key == key and version and known.version == version:
            return False
        if known and known.key != key:
            self.drop(uid)
        key = self._join(key, uid)
        sort = (body["kind"], labels.get(names.LABEL_COMPONENT))
        self._indexed[uid] = IndexedBody(key, sort[0], version, self._packer.packed(body, sort))
        if key in self._unpacked:
            self._unpacked[key][uid] = body
        return True

    def owner(self, uid: str) -> Key | None:
        """The IBGateway under which a body is kept; None where it is not known."""
        known = self._indexed.get(uid)
        return known.key if known else None

    def drop(self, uid: str) -> Manifest | None:
        """Forget a body; gives it, None where it is not known."""
        stored = self._indexed.pop(uid, None)
        if stored is None:
            return None
        left = tuple(each for each in self._uids[stored.key] if each != uid)
        if left:
            self._uids[stored.key] = left
        else:
            del self._uids[stored.key]
        self._unpacked.get(stored.key, {}).pop(uid, None)
        return stored.packed.unpacked()

    def uids(self, kind: str, namespace: str) -> set[str]:
        """The uids of a kind in a namespace; an empty one means all."""
        return {
            uid
            for uid, stored in self._indexed.items()
            if stored.kind == kind and namespace in ("", stored.key.namespace)
        }

    def keys(self) -> list[Key]:
        """Every IBGateway of which there is a body."""
        return list(self._uids)

    def of(self, key: Key, kind: str = "") -> list[Manifest]:
        """The bodies of an IBGateway; of one kind alone, where one is named, without unpacking the others."""
        if key not in self._uids:
            return []
        if kind:
            return self._of_kind(key, kind)
        if key not in self._unpacked:
            uids = self._uids[key]
            self._unpacked[key] = {uid: self._indexed[uid].packed.unpacked() for uid in uids}
        self._unpacked.move_to_end(key)
        while len(self._unpacked) > UNPACKED_GATEWAYS:
            self._unpacked.popitem(last=False)
        return list(self._unpacked[key].values())

    def _of_kind(self, key: Key, kind: str) -> list[Manifest]:
        uids = (uid for uid in self._uids[key] if self._indexed[uid].kind == kind)
        if unpacked := self._unpacked.get(key):
            return [unpacked[uid] for uid in uids]
        return [self._indexed[uid].packed.unpacked() for uid in uids]

    def _join(self, key: Key, uid: str) -> Key:
        """Under its gateway's key, of which there is one object for all."""
        uids = self._uids.get(key, ())
        if uids:
            key = self._indexed[uids[0]].key
        if uid not in uids:
            self._uids[key] = (*uids, uid)
        return key


def itself(body: Manifest) -> Key:
    """The key of an IBGateway's own body."""
    return Key(str(body["metadata"]["namespace"]), name_of(body))


def named_by_label(body: Manifest) -> Key:
    """The IBGateway that a child's labels name."""
    return Key(str(body["metadata"]["namespace"]), labels_of(body)[names.LABEL_GATEWAY])
