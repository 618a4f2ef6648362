"""Applying the children: only ours, only what differs, and removing what is no longer wanted.

A child is applied when its manifest or what is stored of it has changed since the last time, so a
quiet IBGateway causes no write; nor does an operator that starts again, because each child carries the
digest of what was applied. An object of somebody else under a child's name is left alone: a new child is
applied only where nothing has its name, another one only onto the object whose owner was seen.

One child that can't be applied holds up no other: it becomes a finding, and is tried again later and
later. Only a workload waits for what its own pods need.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.decide.ownership import foreign, orphans, place_of, said
from ibgateway_operator.desired.config import settings_hash
from ibgateway_operator.errors import ApiError, ConflictError, NotFoundError, OperatorError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.agreement import agrees
from ibgateway_operator.model.kinds import (
    BY_KIND,
    CLAIM,
    CONFIG_MAP,
    NETWORK_POLICY,
    SERVICE_ACCOUNT,
    WORKLOADS,
)
from ibgateway_operator.model.manifests import (
    Manifest,
    annotations_of,
    digest,
    fingerprint,
    is_terminating,
    labels_of,
    name_of,
    uid_of,
)
from ibgateway_operator.model.memory import Applied, ChildFailure, GatewayMemory, Place
from ibgateway_operator.model.snapshot import Finding, IBGateway
from ibgateway_runtime.backoff import backoff

REFUSALS: Final = frozenset({400, 403, 422})
"""Answers about the object itself: it is wrong, or nobody may write it."""
FIRST_BACK_OFF: Final = 1.0
LONGEST_BACK_OFF: Final = 60.0
LONGEST_WORDS: Final = 600
"""Of what the API server says: some of its messages repeat the whole object."""
_PODS_NEED: Final = frozenset(k.kind for k in (SERVICE_ACCOUNT, CONFIG_MAP, NETWORK_POLICY, CLAIM))
"""Without these no pod is started or changed: its API port would be open, or its settings old."""


@dataclass(frozen=True)
class ChildWriter:
    """Applies children; what was applied is kept in the gateway's memory. `clock` is monotonic."""

    api_server: ApiServer
    cache: Cache
    clock: Callable[[], float]

    async def apply(
        self,
        gateway: IBGateway,
        memory: GatewayMemory,
        wanted: Iterable[Manifest],
        marks: Mapping[Place, str],
    ) -> tuple[Finding, ...]:
        """Apply what differs: first what pods need, then the workloads. Gives what stood in the way.

        `marks` has the digest of each: one that is as it was applied costs no more than a look.
        """
        wanted = list(wanted)
        for place in memory.unapplied.keys() - {place_of(manifest) for manifest in wanted}:
            del memory.unapplied[place]  # held back since, or not wanted: nothing of it is due
        stored = {place_of(body): body for body in self.cache.children(gateway.key)}
        children = [m for m in wanted if not _stands(memory, stored, place_of(m), marks)]
        first = [m for m in children if m["kind"] not in WORKLOADS]
        found = await self._all(gateway, memory, first)
        held = {
            _component(manifest)
            for manifest, finding in zip(first, found, strict=True)
            if finding is not None and manifest["kind"] in _PODS_NEED
        }
        then = [m for m in children if m["kind"] in WORKLOADS and _may_run(m, held)]
        found += await self._all(gateway, memory, then)
        return tuple(finding for finding in found if finding)

    def due(self, memory: GatewayMemory) -> float:
        """Seconds until a child that could not be applied is tried again; infinite without one."""
        waits = (each.again_at - self.clock() for each in memory.unapplied.values())
        return max(min(waits, default=float("inf")), 0.0)

    async def _all(
        self, gateway: IBGateway, memory: GatewayMemory, wanted: Sequence[Manifest]
    ) -> list[Finding | None]:
        """At once, so that a webhook that answers nobody costs its patience once and not a child."""
        stored = {place_of(body): body for body in self.cache.children(gateway.key)}
        return await asyncio.gather(
            *(self._one(gateway, memory, m, stored.get(place_of(m))) for m in wanted)
        )

    async def _one(
        self,
        gateway: IBGateway,
        memory: GatewayMemory,
        manifest: Manifest,
        stored: Manifest | None,
    ) -> Finding | None:
        """One child; an error is a finding, and stands until its next try is due."""
        place = place_of(manifest)
        last = memory.unapplied.get(place)
        if last and last.manifest == digest(manifest) and self.clock() < last.again_at:
            return last.finding
        try:
            found = await self._apply(gateway, memory, manifest, stored)
        except OperatorError as error:
            found = _unapplied(manifest, error)
            memory.unapplied[place] = self._again(manifest, found, last)
            return found
        memory.unapplied.pop(place, None)
        return found

    async def _apply(
        self,
        gateway: IBGateway,
        memory: GatewayMemory,
        manifest: Manifest,
        stored: Manifest | None,
    ) -> Finding | None:
        """What the watches show may be of the past: where it was, once more with what is there now."""
        try:
            return await self._write(gateway, memory, manifest, stored)
        except ConflictError:
            live = await self._live(manifest)
            return await self._write(gateway, memory, manifest, live)

    async def _write(
        self,
        gateway: IBGateway,
        memory: GatewayMemory,
        manifest: Manifest,
        stored: Manifest | None,
    ) -> Finding | None:
        """Raises ConflictError where something else is there than `stored`."""
        if stored is None:
            mark = digest(manifest)
            body = await self.api_server.apply_new(_marked(manifest, mark, None))
            self._note(memory, body, mark)
            return None
        if trouble := foreign(gateway, manifest, stored):
            return trouble
        if is_terminating(stored):
            return Finding(
                ConditionReason.CHILD_TERMINATING, f"{said(manifest)} is being deleted: waiting"
            )
        manifest = _with_its_volume(manifest, stored)
        last = memory.applied.get(place_of(manifest))
        now = _applied(digest(manifest), stored, last)
        if now == last or (last is None and _was_applied(now, manifest, stored)):
            memory.applied[place_of(manifest)] = now
            return None
        onto = _onto(_marked(manifest, now.manifest, stored), stored)
        self._note(memory, await self.api_server.apply(onto), now.manifest)
        return None

    def _note(self, memory: GatewayMemory, body: Manifest, mark: str) -> None:
        """Remember what was applied and what is stored since."""
        self.cache.written(body)
        memory.applied[place_of(body)] = _applied(mark, body, None)

    def _again(
        self, manifest: Manifest, finding: Finding, last: ChildFailure | None
    ) -> ChildFailure:
        tries = last.tries + 1 if last else 1
        wait = backoff(tries - 1, first=FIRST_BACK_OFF, longest=LONGEST_BACK_OFF)
        return ChildFailure(digest(manifest), finding, tries, self.clock() + wait)

    async def _live(self, manifest: Manifest) -> Manifest | None:
        """What the API server itself has under a child's name."""
        key = Key(manifest["metadata"]["namespace"], name_of(manifest))
        try:
            return await self.api_server.get(BY_KIND[manifest["kind"]], key)
        except NotFoundError:
            return None

    async def remove_others(
        self, gateway: IBGateway, memory: GatewayMemory, wanted: Iterable[Manifest]
    ) -> tuple[Finding, ...]:
        """Delete children of this very IBGateway that are no longer wanted; never a volume."""
        gone = orphans(gateway, wanted, self.cache.children(gateway.key))
        found = [await self._remove(memory, body) for body in gone]
        return tuple(finding for finding in found if finding)

    async def _remove(self, memory: GatewayMemory, body: Manifest) -> Finding | None:
        name = Key(body["metadata"]["namespace"], name_of(body))
        try:
            await self.api_server.delete(BY_KIND[body["kind"]], name, uid=uid_of(body))
        except ConflictError:
            return None
        except OperatorError as error:
            words = str(error)[:LONGEST_WORDS]
            return Finding(
                ConditionReason.APPLY_FAILED,
                f"{said(body)} is no longer wanted and could not be deleted: {words}",
            )
        self.cache.deleted(body)
        memory.applied.pop(place_of(body), None)
        return None


def _stands(
    memory: GatewayMemory,
    stored: Mapping[Place, Manifest],
    place: Place,
    marks: Mapping[Place, str],
) -> bool:
    """Whether this very version was looked at, and found to be what the same manifest made of it."""
    last, body = memory.applied.get(place), stored.get(place)
    if last is None or body is None or place in memory.unapplied or is_terminating(body):
        return False
    seen = (uid_of(body), str(body["metadata"].get("resourceVersion", "")), marks[place])
    return last.version != "" and (last.uid, last.version, last.manifest) == seen


def _may_run(workload: Manifest, held: set[str]) -> bool:
    """Nothing is started without what its pods need; a stop needs nothing."""
    return workload["spec"]["replicas"] == 0 or _component(workload) not in held


def _component(manifest: Manifest) -> str:
    return labels_of(manifest)[names.LABEL_COMPONENT]


def _unapplied(manifest: Manifest, error: OperatorError) -> Finding:
    """The API server's words, and what to do about them."""
    if isinstance(error, ApiError) and error.status in REFUSALS:
        return Finding(
            ConditionReason.APPLY_REFUSED,
            f"{said(manifest)} is refused: {error.message[:LONGEST_WORDS]}: correct what it"
            " names; it is tried again by itself",
        )
    return Finding(
        ConditionReason.APPLY_FAILED,
        f"{said(manifest)} could not be applied: {str(error)[:LONGEST_WORDS]}: it is tried again"
        " by itself; if this stays, look at the webhook or the part of the API server it names",
    )


def _marked(manifest: Manifest, mark: str, stored: Manifest | None) -> Manifest:
    """With its own digest, `mark`, by which the next operator knows what was applied, and what it began with."""
    notes = {**annotations_of(manifest), names.ANNOTATION_APPLIED: mark}
    if manifest["kind"] == CONFIG_MAP.kind:
        notes |= _began_with(manifest, stored)
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


def _began_with(config_map: Manifest, stored: Manifest | None) -> dict[str, str]:
    note = names.ANNOTATION_FIRST_SETTINGS
    if stored is None:
        return {note: settings_hash(config_map)}
    before = annotations_of(stored)
    return {note: before[note]} if note in before else {}


def _onto(manifest: Manifest, stored: Manifest) -> Manifest:
    """For this very object: not for one that has taken its name meanwhile, nor a new one."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid_of(stored)}}


def _was_applied(now: Applied, manifest: Manifest, stored: Manifest) -> bool:
    """Whether an operator before this one has applied it, and nobody has changed it since."""
    mark = annotations_of(stored).get(names.ANNOTATION_APPLIED)
    return mark == now.manifest and agrees(stored, manifest)


def _with_its_volume(manifest: Manifest, stored: Manifest) -> Manifest:
    """A claim stays as large as it is: it may have been expanded, or made by an earlier resource."""
    if manifest["kind"] != CLAIM.kind:
        return manifest
    before = stored.get("spec") or {}
    return {**manifest, "spec": {k: before.get(k, v) for k, v in manifest["spec"].items()}}


def _applied(mark: str, stored: Manifest, last: Applied | None) -> Applied:
    uid, version = uid_of(stored), str(stored["metadata"].get("resourceVersion", ""))
    same = last is not None and version != "" and (last.uid, last.version) == (uid, version)
    hashed = last.stored if last is not None and same else fingerprint(stored)
    return Applied(uid, mark, hashed, version)
