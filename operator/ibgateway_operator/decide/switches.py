"""A change from the executor to a program of one's own, or back, or to neither: until it may happen, all that belongs to what runs stays. Pure.

Without its Services nobody reaches the executor that still holds orders, without its ConfigMap its pod does not
start again, and under a policy that is not its own a program is cut off from what it talks to.
"""

import json
from collections.abc import Iterator

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_operator.desired.config import SETTINGS_KEY
from ibgateway_operator.model.kinds import CONFIG_MAP, DEPLOYMENT, REMOVABLE
from ibgateway_operator.model.manifests import (
    Manifest,
    is_terminating,
    labels_of,
    name_of,
    owner_uid,
)
from ibgateway_operator.model.memory import Place
from ibgateway_operator.model.snapshot import Snapshot, container_runs


def program_runs(snapshot: Snapshot) -> bool:
    """Whether a program of one's own runs in the executor's place."""
    return container_runs(snapshot.pod(Component.EXECUTOR), names.CONTAINER_PROGRAM)


def executor_leaves(snapshot: Snapshot) -> bool:
    """Whether what runs in the executor's place is switched off, and its Deployment is still there."""
    spec, name = snapshot.gateway.spec, names.child_names(snapshot.gateway.key.name).executor
    stored = snapshot.child(DEPLOYMENT.kind, name)
    if spec is None or spec.executor.enabled or stored is None or is_terminating(stored):
        return False
    return owner_uid(stored) == snapshot.gateway.uid


def is_switch(stored: Manifest, wanted: Manifest) -> bool:
    """Whether one Deployment runs the executor and the other one a program."""
    return _container(stored) != _container(wanted)


def belongings(snapshot: Snapshot) -> Iterator[Place]:
    """What is stored for the executor's pod beside its Deployment and the ledger, which stays in any case."""
    for body in snapshot.bodies:
        mine = labels_of(body).get(names.LABEL_COMPONENT) == Component.EXECUTOR
        kept = body["kind"] in REMOVABLE and body["kind"] != DEPLOYMENT.kind
        if mine and kept and owner_uid(body) == snapshot.gateway.uid:
            yield body["kind"], name_of(body)


def kept_settings(snapshot: Snapshot, spec: IBGatewaySpec) -> str:
    """The settings of an executor that is to give way to a program, or to nothing, as long as it is there; else empty.

    It is told of holds to the end. Its limits are those that it had: a spec that names a program names none.
    """
    name = names.child_names(snapshot.gateway.key.name).executor
    deployment = snapshot.child(DEPLOYMENT.kind, name)
    if spec.executor.runs_executor or deployment is None:
        return ""
    if _container(deployment) == names.CONTAINER_PROGRAM:
        return ""
    config_map = snapshot.child(CONFIG_MAP.kind, name) or {}
    text = str((config_map.get("data") or {}).get(SETTINGS_KEY, ""))
    return text if _is_object(text) else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _container(deployment: Manifest) -> str:
    template = (deployment.get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or [{}]
    return str(containers[0].get("name", ""))
