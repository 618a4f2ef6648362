"""Everything that is to be done about one IBGateway, decided once from one snapshot. Pure.

    decide(snapshot, settings, scripts) -> Decision

Carrying it out is `act`'s, saying what it means is `status`'.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import HandoverStatus, TurnStatus
from ibgateway_operator.decide.actions import Action, actions
from ibgateway_operator.decide.closures import program_due
from ibgateway_operator.decide.gate import GateVerdict, judge
from ibgateway_operator.decide.handovers import handover_status
from ibgateway_operator.decide.held_children import held_back, waits_to_leave
from ibgateway_operator.decide.holds import told_holds
from ibgateway_operator.decide.pauses import kept_pause, resume_requested
from ibgateway_operator.decide.replicas import Replicas, logins_allowed, replicas
from ibgateway_operator.decide.requests import RequestedLogin, requested_login
from ibgateway_operator.decide.restart_times import restart_time
from ibgateway_operator.decide.served_spec import serving
from ibgateway_operator.decide.stops import (
    PlannedStop,
    drained,
    drained_for_any,
    executor_may_change,
    planned_stop,
    restart_overdue,
)
from ibgateway_operator.decide.switches import kept_settings, program_runs
from ibgateway_operator.decide.templates import pending_gateway
from ibgateway_operator.decide.turns import turn_status
from ibgateway_operator.desired import DesiredInput
from ibgateway_operator.desired.built import DesiredState, built
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.model.kinds import CONFIG_MAP
from ibgateway_operator.model.manifests import (
    Manifest,
    annotations_of,
    is_terminating,
    name_of,
    owner_uid,
)
from ibgateway_operator.model.memory import Place
from ibgateway_operator.model.snapshot import Finding, Snapshot, container_runs
from ibgateway_operator.settings import OperatorSettings

_READERS: Final = (Component.GATEWAY, Component.EXECUTOR)
"""The components whose pods mount a settings file."""


@dataclass(frozen=True)
class Decision:
    """What to do. While a spec is refused, for the last accepted one; without one nothing is applied."""

    verdict: GateVerdict
    refusal: Finding | None = None
    overdue: bool = False
    """The week's restart was missed: a person must say when."""
    blocker: Finding | None = None
    """Why the gateway is not started."""
    actions: tuple[Action, ...] = ()
    given: DesiredInput | None = None
    """What the wanted children were made from."""
    wanted: tuple[Manifest, ...] = ()
    """Every child there should be; others of ours are removed."""
    marks: Mapping[Place, str] = field(default_factory=dict)
    """The digest of each of them."""
    held: Mapping[Place, str] = field(default_factory=dict)
    """Children that are left as they are for now, with the revision that waits."""
    standing: tuple[Manifest, ...] = ()
    """Stored children that are not wanted any more and stay for now all the same."""
    stamps: Mapping[Component, Mapping[str, str]] = field(default_factory=dict)
    """Annotations that pods do not carry yet: the hash of their settings, the Secret's new version."""
    handover: HandoverStatus = field(default_factory=HandoverStatus)
    """What is to be remembered of a login that a person has for themselves."""
    turn: TurnStatus = field(default_factory=TurnStatus)
    """What is to be remembered of its place among the pushes of one person."""
    pending: str = ""
    """Revisions of templates that wait, by commas."""
    request: RequestedLogin | None = None
    waits_for_drain: bool = False
    program_stopped: bool = False
    """Whether a program of one's own does not run because of the gate."""

    @property
    def to_apply(self) -> Iterator[Manifest]:
        """The wanted children that are not held back."""
        return (m for m in self.wanted if (m["kind"], name_of(m)) not in self.held)


def decide(
    snapshot: Snapshot,
    settings: OperatorSettings,
    scripts: Scripts,
    *,
    build: Callable[[DesiredInput], DesiredState] = built,
) -> Decision:
    """What is to be done about this IBGateway now. `build` may know the children of an input already."""
    snapshot = serving(snapshot)
    verdict = judge(snapshot, settings.calendar)
    spec, refused = snapshot.gateway.spec, snapshot.gateway.refusal
    overdue = restart_overdue(snapshot, verdict.week, settings.calendar)
    if spec is None or not snapshot.gateway.is_served:
        kept = snapshot.gateway.status
        return Decision(
            verdict, refusal=refused, overdue=overdue, handover=kept.handover, turn=kept.turn
        )
    stop = planned_stop(snapshot, verdict.week, settings.calendar)
    may_stop = stop is None or drained(snapshot, stop)
    decision = Decision(
        verdict,
        refusal=refused,
        overdue=overdue,
        actions=actions(snapshot, verdict.week, _goes_on(stop, may_stop=may_stop)),
        handover=handover_status(snapshot, verdict.week, settings.calendar),
        turn=turn_status(snapshot, verdict.week, settings.calendar),
        pending=pending_gateway(snapshot),
        request=requested_login(snapshot),
        waits_for_drain=not may_stop or _program_drains(snapshot, verdict),
    )
    wanted = replicas(spec, snapshot, verdict, may_stop=may_stop)
    given = _input(snapshot, spec, wanted, settings, scripts)
    decided = replace(decision, program_stopped=wanted.stopped)
    return _with_children(decided, snapshot, build(given), wanted.blocker)


def _program_drains(snapshot: Snapshot, verdict: GateVerdict) -> bool:
    """Whether a program of one's own is to be stopped for the gate, and has not drained yet."""
    due = program_runs(snapshot) and program_due(snapshot, verdict)
    return due and not drained_for_any(snapshot)


def _with_children(
    decision: Decision, snapshot: Snapshot, children: DesiredState, blocked: Finding | None
) -> Decision:
    week = decision.verdict.week
    held = held_back(snapshot, week, children.manifests, blocked=blocked is not None)
    waits = any(held.values()) and executor_may_change(snapshot, week)
    return replace(
        decision,
        waits_for_drain=decision.waits_for_drain or waits or waits_to_leave(snapshot),
        blocker=blocked,
        given=children.given,
        wanted=children.manifests,
        marks=children.marks,
        held=held,
        standing=tuple(_standing(snapshot, held, children)),
        stamps=_stamps(snapshot, children),
        pending=", ".join(name for name in (decision.pending, *held.values()) if name),
    )


def _standing(
    snapshot: Snapshot, held: Mapping[Place, str], children: DesiredState
) -> Iterator[Manifest]:
    for body in snapshot.bodies:
        place = (body["kind"], name_of(body))
        if place in held and place not in children.marks:
            yield body


def _goes_on(stop: PlannedStop | None, *, may_stop: bool) -> PlannedStop | None:
    return stop if may_stop else None


def _input(
    snapshot: Snapshot,
    spec: IBGatewaySpec,
    wanted: Replicas,
    settings: OperatorSettings,
    scripts: Scripts,
) -> DesiredInput:
    found = snapshot.credentials
    return DesiredInput(
        key=snapshot.gateway.key,
        uid=snapshot.gateway.uid,
        spec=spec,
        images=settings.images,
        calendar=settings.calendar,
        scripts=scripts,
        own_namespace=settings.own_namespace,
        metrics_from=settings.metrics_from,
        gateway_replicas=wanted.gateway,
        executor_replicas=wanted.executor,
        vnc_from_user=found is not None and found.has_vnc,
        vnc_is_default=found is None or not found.has_vnc or found.default_vnc,
        holds=told_holds(snapshot),
        pause=kept_pause(snapshot),
        resume_requested=resume_requested(snapshot),
        logins_allowed=logins_allowed(spec, snapshot),
        needs_turn=snapshot.place.shared,
        logged_in_before=snapshot.gateway.status.login.full_auth_time is not None,
        restart_passed=restart_time(snapshot, settings.calendar).passed,
        kept_settings=kept_settings(snapshot, spec),
    )


def _stamps(snapshot: Snapshot, children: DesiredState) -> Mapping[Component, Mapping[str, str]]:
    """A changed annotation makes the kubelet refresh the mounted settings and Secrets at once.

    Nothing is to be refreshed in a pod whose settings never were others.
    """
    maps = {
        name_of(m): m
        for m in children.manifests
        if m["kind"] == CONFIG_MAP.kind and _may_write(snapshot, m)
    }
    stamps: dict[Component, Mapping[str, str]] = {}
    for component in _READERS:
        pod = snapshot.pod(component)
        config_map = maps.get(f"{snapshot.gateway.key.name}-{component}")
        if pod is None or config_map is None or is_terminating(pod):
            continue
        settings = children.settings[name_of(config_map)]
        missing = _rotated(pod, snapshot) if component is Component.GATEWAY else {}
        if _has(pod, snapshot, config_map) != settings:
            missing = {**missing, names.ANNOTATION_SETTINGS_HASH: settings}
        if missing and container_runs(pod, component):
            stamps[component] = missing
    return stamps


def _rotated(pod: Manifest, snapshot: Snapshot) -> Mapping[str, str]:
    """The version of the Secret, where it is another one than when the operator saw it first."""
    known = annotations_of(pod).get(names.ANNOTATION_CREDENTIALS, "")
    if snapshot.rotation is None or known == snapshot.rotation.version:
        return {}
    return {names.ANNOTATION_CREDENTIALS: snapshot.rotation.version}


def _has(pod: Manifest, snapshot: Snapshot, config_map: Manifest) -> str:
    """The settings that a pod has: the last ones that it was told of, else those it can only have begun with."""
    stored = snapshot.child(CONFIG_MAP.kind, name_of(config_map)) or {}
    first = annotations_of(stored).get(names.ANNOTATION_FIRST_SETTINGS, "")
    return annotations_of(pod).get(names.ANNOTATION_SETTINGS_HASH, first)


def _may_write(snapshot: Snapshot, config_map: Manifest) -> bool:
    """An earlier resource's settings stay until they are gone, and so does the stamp of its pod."""
    stored = snapshot.child(CONFIG_MAP.kind, name_of(config_map))
    return stored is None or owner_uid(stored) == snapshot.gateway.uid
