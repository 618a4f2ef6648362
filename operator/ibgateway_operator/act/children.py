"""Applying the children: only ours, only what differs, and removing what is no longer wanted.

A child is applied when its manifest or what is stored of it has changed since the last time, so a
quiet IBGateway causes no write; nor does an operator that starts again, because each child carries the
digest of what was applied. An object of somebody else under a child's name is left alone.

One child that can't be applied holds up no other: it becomes a finding, and is tried again later and
later. Only a workload waits for what its own pods need.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.errors import ApiError, ConflictError, NotFoundError, OperatorError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.agreement import agrees
from ibgateway_operator.model.kinds import (
    BY_KIND,
    CLAIM,
    CONFIG_MAP,
    NETWORK_POLICY,
    REMOVABLE,
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
    owner_uid,
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
        self, gateway: IBGateway, memory: GatewayMemory, wanted: Iterable[Manifest]
    ) -> tuple[Finding, ...]:
        """Apply what differs: first what pods need, then the workloads. Gives what stood in the way."""
        children = list(wanted)
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
        if stored is None:
            stored = await self._live(manifest)
        if stored is not None and (trouble := foreign(gateway, manifest, stored)):
            return trouble
        if stored is not None and is_terminating(stored):
            return Finding(
                ConditionReason.CHILD_TERMINATING, f"{_said(manifest)} is being deleted: waiting"
            )
        if stored is not None:
            manifest = _with_its_volume(manifest, stored)
        place = place_of(manifest)
        if stored is not None and _stands(memory.applied.get(place), manifest, stored):
            memory.applied[place] = _applied(manifest, stored)
            return None
        body = await self.api_server.apply(_marked(manifest))
        self.cache.written(body)
        memory.applied[place] = _applied(manifest, body)
        return None

    def _again(
        self, manifest: Manifest, finding: Finding, last: ChildFailure | None
    ) -> ChildFailure:
        tries = last.tries + 1 if last else 1
        wait = backoff(tries - 1, first=FIRST_BACK_OFF, longest=LONGEST_BACK_OFF)
        return ChildFailure(digest(manifest), finding, tries, self.clock() + wait)

    async def _live(self, manifest: Manifest) -> Manifest | None:
        """What the API server has under a name the watches show nothing for."""
        key = Key(manifest["metadata"]["namespace"], name_of(manifest))
        try:
            return await self.api_server.get(BY_KIND[manifest["kind"]], key)
        except NotFoundError:
            return None

    async def remove_others(
        self, gateway: IBGateway, memory: GatewayMemory, wanted: Iterable[Manifest]
    ) -> tuple[Finding, ...]:
        """Delete children of this very IBGateway that are no longer wanted; never a volume."""
        wanted = list(wanted)
        places = {place_of(manifest) for manifest in wanted}
        for place in memory.unapplied.keys() - places:
            del memory.unapplied[place]
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
                f"{_said(body)} is no longer wanted and could not be deleted: {words}",
            )
        self.cache.deleted(body)
        memory.applied.pop(place_of(body), None)
        return None


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
            f"{_said(manifest)} is refused: {error.message[:LONGEST_WORDS]}: correct what it"
            " names; it is tried again by itself",
        )
    return Finding(
        ConditionReason.APPLY_FAILED,
        f"{_said(manifest)} could not be applied: {str(error)[:LONGEST_WORDS]}: it is tried again"
        " by itself; if this stays, look at the webhook or the part of the API server it names",
    )


def _marked(manifest: Manifest) -> Manifest:
    """With its own digest, by which the next operator knows what was applied."""
    notes = {**annotations_of(manifest), names.ANNOTATION_APPLIED: digest(manifest)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


def _stands(last: Applied | None, manifest: Manifest, stored: Manifest) -> bool:
    """Whether nothing is to be written; where nothing is remembered, what is stored is compared."""
    if last is not None:
        return last == _applied(manifest, stored)
    mark = annotations_of(stored).get(names.ANNOTATION_APPLIED)
    return mark == digest(manifest) and agrees(stored, manifest)


def _with_its_volume(manifest: Manifest, stored: Manifest) -> Manifest:
    """A claim stays as large as it is: it may have been expanded, or made by an earlier resource."""
    if manifest["kind"] != CLAIM.kind:
        return manifest
    before = stored.get("spec") or {}
    return {**manifest, "spec": {k: before.get(k, v) for k, v in manifest["spec"].items()}}


def _applied(manifest: Manifest, stored: Manifest) -> Applied:
    return Applied(uid_of(stored), digest(manifest), fingerprint(stored))


def orphans(
    gateway: IBGateway, wanted: Iterable[Manifest], stored: Iterable[Manifest]
) -> list[Manifest]:
    """Stored children that this IBGateway owns and no longer wants."""
    keep = {place_of(manifest) for manifest in wanted}
    return [
        body
        for body in stored
        if body["kind"] in REMOVABLE
        and owner_uid(body) == gateway.uid
        and place_of(body) not in keep
        and not is_terminating(body)
    ]


def foreign(gateway: IBGateway, manifest: Manifest, stored: Manifest) -> Finding | None:
    """Why a stored object is not ours to write; None where it is."""
    if manifest["kind"] == CLAIM.kind:
        return _foreign_claim(gateway, manifest, stored)
    if owner_uid(stored) == gateway.uid:
        return None
    return Finding(
        ConditionReason.FOREIGN_OBJECT,
        f"{_said(manifest)} exists and does not belong to this IBGateway: delete or rename it",
    )


def _foreign_claim(gateway: IBGateway, manifest: Manifest, stored: Manifest) -> Finding | None:
    """A claim has no owner: label and trading mode say whose it is."""
    if labels_of(stored).get(names.LABEL_GATEWAY) != gateway.key.name:
        return Finding(
            ConditionReason.FOREIGN_OBJECT,
            f"{_said(manifest)} exists and is not that of this IBGateway: delete or rename it",
        )
    mode = annotations_of(stored).get(names.ANNOTATION_TRADING_MODE, "")
    wanted = annotations_of(manifest)[names.ANNOTATION_TRADING_MODE]
    if mode in ("", wanted):
        return None
    return Finding(
        ConditionReason.LEDGER_OF_OTHER_MODE,
        f"{_said(manifest)} holds the {_holds(manifest)} of a {mode} gateway: delete it if it is no longer"
        f" needed, or choose another name for this {wanted} one",
    )


def _holds(claim: Manifest) -> str:
    mine = _component(claim) == Component.GATEWAY
    return "settings and the record of attempts" if mine else "ledger"


def place_of(body: Manifest) -> Place:
    """Kind and name."""
    return str(body["kind"]), name_of(body)


def _said(manifest: Manifest) -> str:
    return f"{manifest['kind']} {name_of(manifest)}"
