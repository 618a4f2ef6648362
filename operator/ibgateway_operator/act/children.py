"""Applying the children: only ours, only what differs, and removing what is no longer wanted.

A child is applied when its manifest or what is stored of it has changed since the last time, so a
quiet IBGateway causes no write. An object of somebody else under a child's name is left alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.errors import ApiError, NotFoundError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import BY_KIND, CLAIM, REMOVABLE
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
from ibgateway_operator.model.memory import Applied, GatewayMemory, Place
from ibgateway_operator.model.snapshot import Finding, IBGateway

REFUSALS: Final = frozenset({400, 403, 422})
"""Answers about the object itself: trying again at once does not help."""


@dataclass(frozen=True)
class ChildWriter:
    """Applies children; what was applied is kept in the gateway's memory."""

    api_server: ApiServer
    cache: Cache

    async def apply(
        self, gateway: IBGateway, memory: GatewayMemory, wanted: Iterable[Manifest]
    ) -> tuple[Finding, ...]:
        """Apply what differs, in order. Gives what stood in the way."""
        stored = {place_of(body): body for body in self.cache.children(gateway.key)}
        found = [await self._one(gateway, memory, m, stored.get(place_of(m))) for m in wanted]
        return tuple(finding for finding in found if finding)

    async def _one(
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
        place = place_of(manifest)
        if stored is not None and memory.applied.get(place) == _applied(manifest, stored):
            return None
        try:
            body = await self.api_server.apply(manifest)
        except ApiError as error:
            if error.status not in REFUSALS:
                raise
            return Finding(
                ConditionReason.APPLY_REFUSED, f"{_said(manifest)} is refused: {error.message}"
            )
        self.cache.written(body)
        memory.applied[place] = _applied(manifest, body)
        return None

    async def _live(self, manifest: Manifest) -> Manifest | None:
        """What the API server has under a name the watches show nothing for."""
        key = Key(manifest["metadata"]["namespace"], name_of(manifest))
        try:
            return await self.api_server.get(BY_KIND[manifest["kind"]], key)
        except NotFoundError:
            return None

    async def remove_others(
        self, gateway: IBGateway, memory: GatewayMemory, wanted: Iterable[Manifest]
    ) -> None:
        """Delete children of this very IBGateway that are no longer wanted; never a volume."""
        for body in orphans(gateway, wanted, self.cache.children(gateway.key)):
            name = Key(gateway.key.namespace, name_of(body))
            await self.api_server.delete(BY_KIND[body["kind"]], name, uid=uid_of(body))
            self.cache.deleted(body)
            memory.applied.pop(place_of(body), None)


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
        return _foreign_ledger(gateway, manifest, stored)
    if owner_uid(stored) == gateway.uid:
        return None
    return Finding(
        ConditionReason.FOREIGN_OBJECT,
        f"{_said(manifest)} exists and does not belong to this IBGateway: delete or rename it",
    )


def _foreign_ledger(gateway: IBGateway, manifest: Manifest, stored: Manifest) -> Finding | None:
    """A claim has no owner: label and trading mode say whose ledger it is."""
    if labels_of(stored).get(names.LABEL_GATEWAY) != gateway.key.name:
        return Finding(
            ConditionReason.FOREIGN_OBJECT,
            f"{_said(manifest)} exists and is no ledger of this IBGateway: delete or rename it",
        )
    mode = annotations_of(stored).get(names.ANNOTATION_TRADING_MODE, "")
    wanted = annotations_of(manifest)[names.ANNOTATION_TRADING_MODE]
    if mode in ("", wanted):
        return None
    return Finding(
        ConditionReason.LEDGER_OF_OTHER_MODE,
        f"{_said(manifest)} holds the ledger of a {mode} gateway: delete it if it is no longer"
        f" needed, or choose another name for this {wanted} one",
    )


def place_of(body: Manifest) -> Place:
    """Kind and name."""
    return str(body["kind"]), name_of(body)


def _said(manifest: Manifest) -> str:
    return f"{manifest['kind']} {name_of(manifest)}"
