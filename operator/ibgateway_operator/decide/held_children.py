"""Children that are left as they are for now, because a change of them must not cost an order. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.week import Window
from ibgateway_operator.decide.stops import (
    drained_for_any,
    executor_may_change,
    executor_may_hold_orders,
)
from ibgateway_operator.decide.switches import (
    belongings,
    executor_leaves,
    is_switch,
    program_runs,
)
from ibgateway_operator.desired.config import differs_by_note
from ibgateway_operator.model.kinds import (
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    STATEFUL_SET,
)
from ibgateway_operator.model.manifests import Manifest, annotations_of, is_terminating, name_of
from ibgateway_operator.model.memory import Place
from ibgateway_operator.model.snapshot import Snapshot

_BEGUN_WITH_GATEWAY: Final = frozenset({DEPLOYMENT.kind, CLAIM.kind})
"""Executor, its ledger's claim, console: not made for a gateway that may not start."""

NOTE_WAITS: Final = timedelta(minutes=15)


def held_back(
    snapshot: Snapshot, week: Window, wanted: Iterable[Manifest], *, blocked: bool
) -> Mapping[Place, str]:
    """Children that are left as they are for now, with the revision that waits."""
    children = names.child_names(snapshot.gateway.key.name)
    wanted = tuple(wanted)
    held = _not_begun(snapshot, wanted) if blocked else {}
    place = (STATEFUL_SET.kind, children.gateway)
    if blocked and not snapshot.gateway.suspend and snapshot.child(*place):
        held[place] = ""
    if _note_waits(snapshot, wanted):
        held[CONFIG_MAP.kind, children.gateway] = ""
    place = (DEPLOYMENT.kind, children.executor)
    deployment = next((m for m in wanted if (m["kind"], name_of(m)) == place), None)
    if deployment and _deployment_held(snapshot, week, deployment):
        held[place] = f"{children.executor}-{_template(deployment)}"
        held |= _held_with_it(snapshot, deployment)
    if waits_to_leave(snapshot):
        held |= _held_while_it_leaves(snapshot, wanted)
    return held


def waits_to_leave(snapshot: Snapshot) -> bool:
    """Whether what runs in the executor's place is switched off, and has not drained yet."""
    runs = executor_may_hold_orders(snapshot) or program_runs(snapshot)
    return runs and executor_leaves(snapshot) and not drained_for_any(snapshot)


def _held_while_it_leaves(snapshot: Snapshot, wanted: Iterable[Manifest]) -> dict[Place, str]:
    """Its Deployment, all that it needs and nobody renews, and the gateway's policy, which lets it in."""
    children = names.child_names(snapshot.gateway.key.name)
    renewed = {(m["kind"], name_of(m)) for m in wanted}
    held = {place: "" for place in belongings(snapshot) if place not in renewed}
    held[DEPLOYMENT.kind, children.executor] = ""
    policy = (NETWORK_POLICY.kind, children.gateway)
    if policy in renewed and snapshot.child(*policy):
        held[policy] = ""
    return held


def _deployment_held(snapshot: Snapshot, week: Window, wanted: Manifest) -> bool:
    """A program that is about to be stopped takes its new template with that: it costs nothing more."""
    template, stops = _template(wanted), wanted["spec"]["replicas"] == 0
    if not template or (stops and program_runs(snapshot)):
        return False
    return executor_held(snapshot, week, template)


def _held_with_it(snapshot: Snapshot, wanted: Manifest) -> dict[Place, str]:
    """What belongs to the one that runs, where the other one is to take its place; its settings go on."""
    stored = snapshot.child(DEPLOYMENT.kind, name_of(wanted))
    if stored is None or not is_switch(stored, wanted):
        return {}
    return {place: "" for place in belongings(snapshot) if place[0] != CONFIG_MAP.kind}


def _note_waits(snapshot: Snapshot, wanted: Iterable[Manifest]) -> bool:
    """A note that there was a login is read at the next start: alone it is worth no write while all gateways start.

    It goes with whatever else changes, when there is no pod that runs, and after a quarter of an hour.
    """
    pod, since = snapshot.pod(Component.GATEWAY), snapshot.gateway.status.login.full_auth_time
    if since is None or snapshot.now - since >= NOTE_WAITS or not _runs(pod):
        return False
    name = names.child_names(snapshot.gateway.key.name).gateway
    stored = snapshot.child(CONFIG_MAP.kind, name)
    maps = (m for m in wanted if (m["kind"], name_of(m)) == (CONFIG_MAP.kind, name))
    return stored is not None and any(differs_by_note(stored, each) for each in maps)


def _runs(pod: Manifest | None) -> bool:
    running = (pod or {}).get("status", {}).get("phase") == "Running"
    return pod is not None and running and not is_terminating(pod)


def _not_begun(snapshot: Snapshot, wanted: Iterable[Manifest]) -> dict[Place, str]:
    """What serves only a gateway that runs, where none runs yet: a ledger's claim would outlive it."""
    gateway = names.child_names(snapshot.gateway.key.name).gateway
    if snapshot.replicas(STATEFUL_SET.kind, gateway):
        return {}
    places = ((m["kind"], name_of(m)) for m in wanted)
    return {p: "" for p in places if p[0] in _BEGUN_WITH_GATEWAY and snapshot.child(*p) is None}


def executor_held(snapshot: Snapshot, week: Window, wanted_template: str) -> bool:
    """Whether the executor's new template waits: for its moment, and then for the drain."""
    name = names.child_names(snapshot.gateway.key.name).executor
    stored = snapshot.child(DEPLOYMENT.kind, name)
    if stored is None or _template(stored) == wanted_template:
        return False
    if not executor_may_hold_orders(snapshot) and not program_runs(snapshot):
        return False
    return not (executor_may_change(snapshot, week) and drained_for_any(snapshot))


def _template(deployment: Manifest) -> str:
    return annotations_of(deployment).get(names.ANNOTATION_TEMPLATE_HASH, "")
