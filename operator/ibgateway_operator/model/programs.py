"""Pods: which are a gateway's own, and which are programs of others that follow its gate. Pure.

A label is a wish that anybody may write on any pod, so it makes no pod ours: what our StatefulSets and
Deployments made is. Of a program's pod only what the gate's condition needs is kept.
"""

from collections.abc import Mapping
from sys import intern
from typing import Any, Final, NamedTuple

from ibgateway_api import names
from ibgateway_api.names import Component, Key
from ibgateway_operator.model.manifests import (
    condition_of,
    is_finished,
    is_terminating,
    labels_of,
    name_of,
    uid_of,
)

_TEMPLATE_HASH: Final = "pod-template-hash"
"""On each pod of a Deployment, and the end of its ReplicaSet's name."""


class KeptCondition(NamedTuple):
    """The gate's condition as a pod has it; all empty where it has none."""

    status: str = ""
    reason: str = ""
    message: str = ""
    since: str = ""


class ProgramPod(NamedTuple):
    """A pod of somebody else's that runs and has our readiness gate: where it is, which gateway it names, what it was told."""

    place: Key
    uid: str
    follows: Key
    version: int
    condition: KeptCondition


def is_own_pod(pod: Mapping[str, Any]) -> bool:
    """Whether a workload that the operator applied has made the pod.

    One without a controller is ours where the gateway's StatefulSet is about to adopt it.
    """
    labels = labels_of(pod)
    gateway = labels.get(names.LABEL_GATEWAY, "")
    if not gateway or labels.get(names.LABEL_MANAGED_BY) != names.MANAGED_BY:
        return False
    children, maker = names.child_names(gateway), _maker(pod)
    match labels.get(names.LABEL_COMPONENT):
        case Component.GATEWAY:
            adopted = maker in (("", ""), ("StatefulSet", children.gateway))
            return adopted and name_of(pod) == children.gateway_pod
        case Component.EXECUTOR:
            deployment = children.executor
        case Component.CONSOLE:
            deployment = children.novnc
        case _:
            return False
    return maker == ("ReplicaSet", f"{deployment}-{labels.get(_TEMPLATE_HASH, '')}")


def _maker(pod: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and name of its controller; empty where it has none."""
    owners = pod["metadata"].get("ownerReferences") or []
    found = ((str(o["kind"]), str(o["name"])) for o in owners if o.get("controller"))
    return next(found, ("", ""))


def program_of(pod: Mapping[str, Any]) -> ProgramPod | None:
    """A pod that is not ours, where a gate is to be kept on it: it names a gateway, has our readiness gate, and stays."""
    gateway = labels_of(pod).get(names.LABEL_GATEWAY)
    if gateway is None or not is_gated(pod) or is_leaving(pod):
        return None
    namespace = intern(str(pod["metadata"]["namespace"]))
    return ProgramPod(
        place=Key(namespace, name_of(pod)),
        uid=uid_of(pod),
        follows=Key(namespace, intern(gateway)),
        version=_version(pod),
        condition=_kept(condition_of(pod, names.READINESS_GATE)),
    )


def is_gated(pod: Mapping[str, Any]) -> bool:
    """Whether our condition is one of its readiness gates."""
    gates = (pod.get("spec") or {}).get("readinessGates") or []
    return any(gate.get("conditionType") == names.READINESS_GATE for gate in gates)


def is_leaving(pod: Mapping[str, Any]) -> bool:
    """Whether it is being deleted, or has ended."""
    return is_terminating(pod) or is_finished(pod)


def is_left_behind(pod: Mapping[str, Any]) -> bool:
    """Whether it has a word of the gate, and no longer names a gateway."""
    names_one = names.LABEL_GATEWAY in labels_of(pod)
    told = bool(condition_of(pod, names.READINESS_GATE))
    return told and not names_one and is_gated(pod) and not is_leaving(pod)


def _kept(condition: Mapping[str, Any]) -> KeptCondition:
    """The same strings for all pods that were told the same."""
    fields = ("status", "reason", "message", "lastTransitionTime")
    return KeptCondition(*(intern(str(condition.get(field) or "")) for field in fields))


def _version(pod: Mapping[str, Any]) -> int:
    text = str(pod["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0
