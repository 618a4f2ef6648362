"""An API server in memory: versions, uids, preconditions, server-side apply, and watches that may lag.

Writes are stored at once and noted in words. What the watches show of them is the informer's matter.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from ibgateway_api.names import Key
from ibgateway_operator.errors import ConflictError, NotFoundError, OperatorError
from ibgateway_operator.kube.cache import Address
from ibgateway_operator.model.kinds import EVENT, GATEWAY, POD, Kind
from ibgateway_operator.model.manifests import Manifest, labels_of, name_of, owner_uid, uid_of
from operator_fakes.copies import copied
from operator_fakes.informer import FakeInformer, WatchEvent
from operator_fakes.selectors import applied, matches, merged_status

_EPOCH: Final = datetime(2026, 11, 1, tzinfo=UTC)


def _ignore(_: WatchEvent) -> None:
    return


class FakeApiServer:
    """`ApiServer` in memory; `put` and `remove` are what somebody else does."""

    def __init__(
        self,
        *,
        lag: bool = False,
        namespaces: tuple[str, ...] = (),
        on_event: Callable[[WatchEvent], None] = _ignore,
    ) -> None:
        self.objects: dict[Address, Manifest] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        """Single objects that were asked for, as `get Kind name`."""
        self.refuse: dict[str, OperatorError] = {}
        """By `Kind name`: what an apply or a create of it is answered with; `get Kind name`,
        `delete Kind name`, `condition name`, `status` and `status name` are refused by these words."""
        self.meanwhile: dict[str, Callable[[], None]] = {}
        """By `Kind name`: what happens once between an apply that is stored and its answer."""
        self.patched_late: dict[str, Callable[[], None]] = {}
        """By a pod's name: what happens once before a patch of its condition arrives."""
        self.informer = FakeInformer(on_event, lag=lag, namespaces=namespaces)
        self._applied: dict[Address, Manifest] = {}
        self._version = 1000

    def put(self, body: Manifest) -> Manifest:
        """Store a body as somebody else would; one with another uid takes the old one's place."""
        before = self.objects.get(_address(body))
        uid = body["metadata"].get("uid")
        if before is not None and uid not in (None, uid_of(before)):
            self._remove(_address(body))
        return self._store(body)

    def remove(self, kind: str, name: str, namespace: str = "trading") -> None:
        """Delete an object as somebody else would, or end a pod as the kubelet does."""
        self._remove((kind, namespace, name))

    def collect_garbage(self) -> None:
        """Delete what belongs to an IBGateway that is gone, as the controller manager does."""
        alive = {uid_of(body) for body in self.objects.values() if body["kind"] == GATEWAY.kind}
        for place, body in list(self.objects.items()):
            if owner_uid(body) not in {"", *alive}:
                self._remove(place)

    @property
    def version(self) -> int:
        """Grows with each change of what is stored."""
        return self._version

    def has(self, kind: str, name: str, namespace: str = "trading") -> bool:
        """Whether an object is stored."""
        return (kind, namespace, name) in self.objects

    def named(self, kind: str, name: str, namespace: str = "trading") -> Manifest:
        """A stored object; a copy."""
        return copied(self.objects[kind, namespace, name])

    async def get(self, kind: Kind, key: Key) -> Manifest:
        """One object. Raises NotFoundError."""
        self.reads.append(f"get {kind.kind} {key.name}")
        self._refused(self.reads[-1])
        return copied(self._there(kind, key))

    async def names(self, kind: Kind, namespace: str, selector: str = "") -> set[Key]:
        """What exists of a kind in a namespace, or in all, that meets a selector."""
        return {
            Key(place, name)
            for (stored_kind, place, name), body in self.objects.items()
            if stored_kind == kind.kind
            and namespace in ("", place)
            and matches(selector, labels_of(body))
        }

    async def pages(
        self, kind: Kind, namespace: str, selector: str = ""
    ) -> AsyncIterator[list[Manifest]]:
        """What exists of a kind in a namespace, or in all, that meets a selector, whole: two a page."""
        found = [
            body
            for (stored_kind, place, _), body in self.objects.items()
            if stored_kind == kind.kind
            and namespace in ("", place)
            and matches(selector, labels_of(body))
        ]
        for first in range(0, max(len(found), 1), 2):
            self.reads.append(f"list {kind.kind}")
            self._refused(f"list {kind.kind}")
            yield [copied(body) for body in found[first : first + 2]]

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply: what others wrote stays, status included.

        A uid in it must be the stored one, and so must a version where something is stored.
        """
        place, what = _address(manifest), f"{manifest['kind']} {name_of(manifest)}"
        stored, last = self.objects.get(place, {}), self._applied.get(place, {})
        if not _is_for(stored, manifest["metadata"]):
            self.writes.append(f"conflict {what}")
            raise ConflictError(409, "another object or version")
        self._note("apply", what)
        self._applied[place] = copied(manifest)
        after = self._store(applied(stored, last, manifest))
        if happens := self.meanwhile.pop(what, None):
            happens()
        return after

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """The same where nothing is stored. Raises ConflictError where the name is taken."""
        meta = {**manifest["metadata"], "resourceVersion": "1"}
        return await self.apply({**manifest, "metadata": meta})

    async def apply_status(self, key: Key, status: Manifest, *, version: str) -> Manifest:
        """Server-side apply of a status: conditions by their type, what is not named stays.

        Raises NotFoundError, and ConflictError where it is another version by now.
        """
        self.writes.append("status")
        self._refused("status")
        self._refused(f"status {key.name}")
        body = self._there(GATEWAY, key)
        if not _is_for(body, {"resourceVersion": version}):
            raise ConflictError(409, "another version")
        return self._store({**body, "status": merged_status(body.get("status", {}), status)})

    async def create(self, manifest: Manifest) -> Manifest:
        """POST. Raises ConflictError where the name is taken."""
        says = manifest["reason"] if manifest["kind"] == EVENT.kind else name_of(manifest)
        if _address(manifest) in self.objects:
            self.writes.append(f"conflict {manifest['kind']} {says}")
            raise ConflictError(409, "exists")
        self._note("create", f"{manifest['kind']} {says}")
        return self._store(manifest)

    async def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        """Delete this very object. A pod is on its way out until somebody `remove`s it."""
        self.writes.append(f"delete {kind.kind} {key.name}")
        self._refused(f"delete {kind.kind} {key.name}")
        stored = self.objects.get((kind.kind, *key))
        if stored is None:
            return
        if uid_of(stored) != uid:
            raise ConflictError(409, "another uid")
        if kind is POD:
            leaving = {"deletionTimestamp": self._time(), **stored["metadata"]}
            self._store({**stored, "metadata": leaving})
        else:
            self._remove((kind.kind, *key))

    async def patch_pod_condition(
        self, key: Key, condition: Manifest, *, uid: str = ""
    ) -> Manifest:
        """Set one condition in a pod's status; with a uid where it is this very pod. Raises NotFoundError, ConflictError."""
        where = f" {key.name}" if uid else ""
        self.writes.append(f"condition {condition['status']} {condition['reason']}{where}")
        self._refused(f"condition {key.name}")
        if happens := self.patched_late.pop(key.name, None):
            happens()
        pod = self._there(POD, key)
        if uid not in ("", uid_of(pod)):
            raise ConflictError(409, "another uid")
        return self._store(_with_condition(pod, condition["type"], [condition]))

    async def remove_pod_condition(self, key: Key, kind: str, *, version: str) -> Manifest:
        """Take one condition out of a pod's status. Raises NotFoundError, and ConflictError where it is another version."""
        self.writes.append(f"no condition {key.name}")
        self._refused(f"condition {key.name}")
        pod = self._there(POD, key)
        if not _is_for(pod, {"resourceVersion": version}):
            raise ConflictError(409, "another version")
        return self._store(_with_condition(pod, kind, []))

    async def annotate_pod(self, key: Key, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of a pod. Raises NotFoundError."""
        self.writes.append(f"annotate {key.name}")
        pod = self._there(POD, key)
        notes = {**pod["metadata"].get("annotations", {}), **annotations}
        return self._store({**pod, "metadata": {**pod["metadata"], "annotations": notes}})

    def _note(self, verb: str, what: str) -> None:
        self.writes.append(f"{verb} {what}")
        self._refused(what)

    def _refused(self, what: str) -> None:
        if error := self.refuse.get(what):
            raise error

    def _there(self, kind: Kind, key: Key) -> Manifest:
        stored = self.objects.get((kind.kind, *key))
        if stored is None:
            raise NotFoundError(404, "not there")
        return stored

    def _store(self, body: Manifest) -> Manifest:
        """Store a new version; what changes nothing is no new version, and no watch hears of it."""
        place = _address(body)
        before = self.objects.get(place)
        after = copied(body)
        after["metadata"] |= self._identity(before, after)
        if after == before:
            return copied(after)
        self._version += 1
        after["metadata"]["resourceVersion"] = str(self._version)
        self.objects[place] = after
        self.informer.tell(before, after)
        return copied(after)

    def _identity(self, before: Manifest | None, after: Manifest) -> Manifest:
        """What the API server alone writes into metadata."""
        if before is None:
            new = {"uid": f"uid-{self._version + 1}", "creationTimestamp": self._time()}
            first = {"generation": 1} if "spec" in after else {}
            return {**new, **first, **after["metadata"]}
        meta: Manifest = before["metadata"]
        kept = ("uid", "creationTimestamp", "resourceVersion")
        identity = {name: meta[name] for name in kept if name in meta}
        if "generation" in meta:
            changed = after.get("spec") != before.get("spec")
            identity["generation"] = meta["generation"] + int(changed)
        return identity

    def _remove(self, place: Address) -> None:
        before = self.objects.pop(place)
        self._applied.pop(place, None)
        self._version += 1
        last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self._version)}}
        self.informer.tell(last, None)

    def _time(self) -> str:
        return (_EPOCH + timedelta(seconds=self._version)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_condition(pod: Manifest, kind: str, wanted: list[Manifest]) -> Manifest:
    kept = [c for c in pod["status"].get("conditions", []) if c["type"] != kind]
    return {**pod, "status": {**pod["status"], "conditions": [*kept, *wanted]}}


def _is_for(stored: Manifest, meta: Manifest) -> bool:
    """Whether an apply that names a uid or a version is for what is stored."""
    known = stored.get("metadata") or {}
    if "uid" in meta and meta["uid"] != known.get("uid"):
        return False
    return not known or meta.get("resourceVersion") in (None, known["resourceVersion"])


def _address(body: Manifest) -> Address:
    return str(body["kind"]), str(body["metadata"]["namespace"]), name_of(body)
