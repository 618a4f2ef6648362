"""Whose a stored object under a child's name is, and which children are no longer wanted. Pure."""

from collections.abc import Iterable

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.model.kinds import CLAIM, REMOVABLE
from ibgateway_operator.model.manifests import (
    Manifest,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    owner_uid,
)
from ibgateway_operator.model.memory import Place
from ibgateway_operator.model.snapshot import Finding, IBGateway


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
        f"{said(manifest)} exists and does not belong to this IBGateway: delete or rename it",
    )


def _foreign_claim(gateway: IBGateway, manifest: Manifest, stored: Manifest) -> Finding | None:
    """A claim has no owner: label and trading mode say whose it is."""
    if labels_of(stored).get(names.LABEL_GATEWAY) != gateway.key.name:
        return Finding(
            ConditionReason.FOREIGN_OBJECT,
            f"{said(manifest)} exists and is not that of this IBGateway: delete or rename it",
        )
    mode = annotations_of(stored).get(names.ANNOTATION_TRADING_MODE, "")
    wanted = annotations_of(manifest)[names.ANNOTATION_TRADING_MODE]
    if mode in ("", wanted):
        return None
    return Finding(
        ConditionReason.LEDGER_OF_OTHER_MODE,
        f"{said(manifest)} holds the {_holds(manifest)} of a {mode} gateway: delete it if it is no longer"
        f" needed, or choose another name for this {wanted} one",
    )


def _holds(claim: Manifest) -> str:
    mine = labels_of(claim)[names.LABEL_COMPONENT] == Component.GATEWAY
    return "settings and the record of attempts" if mine else "ledger"


def place_of(body: Manifest) -> Place:
    """Kind and name."""
    return str(body["kind"]), name_of(body)


def said(body: Manifest) -> str:
    """Kind and name, in words."""
    return f"{body['kind']} {name_of(body)}"
