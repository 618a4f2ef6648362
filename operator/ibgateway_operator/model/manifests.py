"""Manifests as plain dicts: what they are called, whose they are, and whether two are the same. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from ibgateway_api import names

Manifest = dict[str, Any]

_SERVERS: Final = frozenset(
    {
        "resourceVersion",
        "managedFields",
        "generation",
        "uid",
        "creationTimestamp",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    }
)
_CONTROLLERS: Final = (
    "deployment.kubernetes.io/revision",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
)


def digest(value: Any) -> str:
    """A short stable hash of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(body: Mapping[str, Any]) -> str:
    """A hash of what people and the operator write: neither status nor what controllers keep there."""
    meta = {k: v for k, v in body.get("metadata", {}).items() if k not in _SERVERS}
    notes = meta.get("annotations") or {}
    meta["annotations"] = {k: v for k, v in notes.items() if k not in _CONTROLLERS}
    rest = {k: v for k, v in body.items() if k not in ("metadata", "status")}
    return digest({"metadata": meta, **rest})


def trimmed(body: Mapping[str, Any]) -> Manifest:
    """A body without managedFields: most of its size and none of its use."""
    meta = {k: v for k, v in body.get("metadata", {}).items() if k != "managedFields"}
    return {**body, "metadata": meta}


def name_of(body: Mapping[str, Any]) -> str:
    """metadata.name."""
    return str(body["metadata"]["name"])


def uid_of(body: Mapping[str, Any]) -> str:
    """metadata.uid; empty for a manifest that was never stored."""
    return str(body.get("metadata", {}).get("uid", ""))


def owner_uid(body: Mapping[str, Any]) -> str:
    """The uid of the IBGateway that owns the object; empty without one."""
    owners = body.get("metadata", {}).get("ownerReferences") or []
    return next((str(o["uid"]) for o in owners if o.get("kind") == names.KIND), "")


def labels_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    """metadata.labels."""
    return body.get("metadata", {}).get("labels") or {}


def annotations_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    """metadata.annotations."""
    return body.get("metadata", {}).get("annotations") or {}


def condition_of(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A condition of an object; empty where it has none."""
    conditions = (body.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), {})


def is_finished(pod: Mapping[str, Any]) -> bool:
    """Whether a pod's containers have ended for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_terminating(body: Mapping[str, Any]) -> bool:
    """Whether the object is being deleted."""
    return bool(body.get("metadata", {}).get("deletionTimestamp"))


def variable_of(pod: Mapping[str, Any] | None, container: str, name: str) -> str:
    """A variable of a pod's container as written in its spec; empty where it has none."""
    containers = ((pod or {}).get("spec") or {}).get("containers") or []
    found = (
        str(variable.get("value", ""))
        for c in containers
        if c.get("name") == container
        for variable in c.get("env") or ()
        if variable.get("name") == name
    )
    return next(found, "")


def condition_status(body: Mapping[str, Any] | None, kind: str) -> str:
    """The status of a condition of an object; Unknown where it has none."""
    conditions = ((body or {}).get("status") or {}).get("conditions") or []
    return next((str(c["status"]) for c in conditions if c.get("type") == kind), "Unknown")
