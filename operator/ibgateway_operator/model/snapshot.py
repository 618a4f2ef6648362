"""What is seen of one IBGateway: its own document, its Secrets, its pods, its children. Pure.

Frozen values made from plain bodies; nothing here asks the API server or the clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from ibgateway_api import names
from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.login import LoginState
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import Reason
from ibgateway_api.reports import ExecutorReport, SentinelReport
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import IBGatewayStatus
from ibgateway_operator.model.manifests import (
    Manifest,
    annotations_of,
    is_finished,
    is_terminating,
    labels_of,
    uid_of,
)
from ibgateway_operator.model.people import Delivery
from ibgateway_operator.model.turns import Place

_PODS: Final = "Pod"
_PASSING: Final = frozenset({"PodInitializing", "ContainerCreating"})
_BACK_OFF: Final = "CrashLoopBackOff"
_PULL: Final = {"ErrImagePull": "ImagePullBackOff"}
"""Two words that take turns for one trouble: one of them keeps the status still."""


@dataclass(frozen=True)
class Finding:
    """Something that stands in the way: a reason for programs, a sentence for people."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class SpecCheck:
    """What was found wrong with a generation's spec: None where nothing."""

    generation: int
    refusal: Finding | None


@dataclass(frozen=True)
class IBGateway:
    """An IBGateway as stored, and once `checked` as it is served.

    `spec` is None where it can't be read; `problem` says why. A refused spec gives way to the last
    accepted one; `refusal` says what is wrong with it.
    """

    key: Key
    uid: str
    generation: int
    created: str
    annotations: Mapping[str, str]
    spec: IBGatewaySpec | None
    problem: str
    suspend: bool
    status: IBGatewayStatus
    stored_status: Mapping[str, Any]
    resource_version: str
    deleting: bool
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The spec as it is stored."""
    checked: bool = False
    refusal: Finding | None = None
    accepted: IBGatewaySpec | None = None
    """The last accepted spec; None where none is known."""
    read: IBGatewaySpec | None = None
    """The spec as it was read from what is stored; None where it can't be."""

    @property
    def is_served(self) -> bool:
        """Whether there is a spec to act on: the one that is stored, or an earlier one."""
        return self.spec is not None and (self.refusal is None or self.accepted is not None)


def parse(body: Mapping[str, Any], before: IBGateway | None = None) -> IBGateway:
    """A Gateway from its body. Never raises: an unreadable spec is a finding, not a crash.

    `before` is an earlier version: most are another status and the same spec.
    """
    meta, raw = body["metadata"], body.get("spec") or {}
    same = before is not None and before.raw == raw
    spec, problem = (before.read, before.problem) if before and same else _spec(raw)
    status = _status(body.get("status") or {})
    return IBGateway(
        key=Key(meta["namespace"], meta["name"]),
        uid=uid_of(body),
        generation=int(meta.get("generation", 0)),
        created=str(meta.get("creationTimestamp", "")),
        annotations=annotations_of(body),
        spec=spec,
        read=spec,
        problem=problem,
        suspend=raw.get("suspend") is True,
        status=status,
        stored_status=body.get("status") or {},
        resource_version=str(meta.get("resourceVersion", "")),
        deleting=is_terminating(body),
        raw=raw,
        accepted=_accepted(status.accepted_spec, before),
    )


def _spec(raw: Mapping[str, Any]) -> tuple[IBGatewaySpec | None, str]:
    try:
        return IBGatewaySpec.model_validate(raw), ""
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, f"spec.{where}: {first['msg']}"


def _accepted(text: str, before: IBGateway | None) -> IBGatewaySpec | None:
    """The spec that status remembers; one that this version can't read counts as none."""
    if before is not None and before.status.accepted_spec == text:
        return before.accepted
    try:
        return IBGatewaySpec.model_validate_json(text) if text else None
    except ValidationError:
        return None


def _status(raw: Mapping[str, Any]) -> IBGatewayStatus:
    """The stored status; one that no version of ours wrote counts as none."""
    try:
        return IBGatewayStatus.model_validate(raw)
    except ValidationError:
        return IBGatewayStatus()


@dataclass(frozen=True)
class Credentials:
    """What may be remembered of the user's Secret: which keys have a value, and a keyed hash."""

    secret: str
    found: bool = False
    keys: frozenset[str] = frozenset()
    user: str = ""
    """Keyed hash of the user name; empty where there is none. Only good for comparing."""
    default_vnc: bool = False
    """Whether VNC_PASSWORD is the documented default, in what VNC looks at."""
    guessable_vnc: str = ""
    """Why VNC_PASSWORD is soon guessed; empty where it is not, and where there is none."""
    long_vnc: bool = False
    """Whether VNC looks at a part of VNC_PASSWORD only."""
    empty: frozenset[str] = frozenset()
    """Keys that are there and have no value."""
    version: str = ""
    """The Secret's resourceVersion."""
    unusable: str = ""
    """The key whose value can't be typed into a login window, and why; never the value."""

    @property
    def has_vnc(self) -> bool:
        """Whether the user chose a VNC password."""
        return names.SECRET_VNC_PASSWORD in self.keys

    def missing(self) -> str:
        """The first thing that is missing, in words; empty where nothing is."""
        if not self.found:
            return f"Secret {self.secret} does not exist"
        for key in (names.SECRET_USERNAME, names.SECRET_PASSWORD):
            if key in self.empty:
                return f"the key {key} of Secret {self.secret} is empty"
            if key not in self.keys:
                return f"Secret {self.secret} has no key {key}"
        return ""


@dataclass(frozen=True)
class SecretChange:
    """The version of the credentials Secret that came after the one known before, and for how many seconds it is known."""

    version: str
    known_for: float


@dataclass(frozen=True)
class Drain:
    """For which stop the executor and programs were asked, what was said last, and for how many seconds it waits.

    `programs`: who has not drained yet, by the sentinel's word; None where that is not known.
    """

    stop: str
    report: ExecutorReport | None
    waited: float
    programs: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Snapshot:
    """Everything known of one IBGateway at one moment."""

    gateway: IBGateway
    now: datetime
    credentials: Credentials | None = None
    rotation: SecretChange | None = None
    """None where the Secret is as it was when this operator first saw it."""
    duplicate: Key | None = None
    """An older IBGateway with the same user name."""
    bodies: tuple[Manifest, ...] = ()
    """Children and pods, as stored."""
    report: SentinelReport | None = None
    """The sentinel's last report."""
    delivery: Delivery = field(default_factory=Delivery)
    """What people were told, and whether they are."""
    age_of_news: float = float("inf")
    """Seconds since the sentinel was heard; infinite before."""
    settling: float = 0.0
    """Seconds for which nothing is concluded from silence: the operator has only just started."""
    enforced: bool | None = None
    """The console's word on NetworkPolicies; None while it has none."""
    executor_says: ExecutorReport | None = None
    """The executor's own view of the gate; None where nobody had to ask."""
    drain: Drain | None = None
    """The drain that a planned stop waits for."""
    place: Place = field(default_factory=Place)
    """Where it stands among the gateways of the same person."""
    replaced_for: str = ""
    """The login request for which the gateway's pod was replaced."""
    open_for: float = 0.0
    """For how many seconds this operator has seen the gate open without interruption."""

    @property
    def logged_in(self) -> bool:
        """Whether the sentinel's last report says so, however old it is."""
        return self.report is not None and self.report.state is LoginState.LOGGED_IN

    def child(self, kind: str, name: str) -> Manifest | None:
        """A child by kind and name."""
        found = (b for b in self.bodies if b["kind"] == kind and b["metadata"]["name"] == name)
        return next(found, None)

    def replicas(self, kind: str, name: str) -> int:
        """The replicas that a stored child has in its spec; 0 where it is not there."""
        body = self.child(kind, name)
        return int(body["spec"].get("replicas", 0)) if body else 0

    @property
    def is_heard(self) -> bool:
        """Whether the sentinel's word is of now."""
        return self.report is not None and self.age_of_news <= NEWS_LIMIT_SECONDS

    def pod(self, component: Component) -> Manifest | None:
        """The component's pod: the one that is not terminating, where there are two."""
        return self._pods[component]

    @cached_property
    def _pods(self) -> Mapping[Component, Manifest | None]:
        """Kept, because whatever is decided or said of a gateway asks for its pods."""
        return {component: pod_of(self.bodies, component) for component in Component}


def pod_of(bodies: tuple[Manifest, ...], component: Component) -> Manifest | None:
    """A component's pod among bodies; a living one before a terminating or finished one."""
    pods = [
        b
        for b in bodies
        if b["kind"] == _PODS and labels_of(b).get(names.LABEL_COMPONENT) == component
    ]
    return min(pods, key=_age_of_use, default=None)


def _age_of_use(pod: Manifest) -> tuple[bool, bool, str]:
    return is_finished(pod), is_terminating(pod), uid_of(pod)


def pod_ip(pod: Manifest | None) -> str:
    """The pod's address; empty before it has one or once it is finished."""
    if pod is None or is_finished(pod):
        return ""
    return str((pod.get("status") or {}).get("podIP") or "")


def container_runs(pod: Manifest | None, name: str) -> bool:
    """Whether a container of a pod runs now."""
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return any(s.get("name") == name and "running" in (s.get("state") or {}) for s in statuses)


def is_program(pod: Manifest | None) -> bool:
    """Whether a pod is that of a program of one's own, which answers no question of ours."""
    containers = ((pod or {}).get("spec") or {}).get("containers") or []
    return any(c.get("name") == names.CONTAINER_PROGRAM for c in containers)


def container_backs_off(pod: Manifest | None, name: str) -> bool:
    """Whether the kubelet waits longer and longer before it starts a container again."""
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    states = (s.get("state") or {} for s in statuses if s.get("name") == name)
    return any((s.get("waiting") or {}).get("reason") == _BACK_OFF for s in states)


def waiting_reason(pod: Manifest | None) -> str:
    """Why a pod does not run: the first container's reason, or the scheduler's words."""
    status = (pod or {}).get("status") or {}
    statuses = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    reasons = ((s.get("state") or {}).get("waiting", {}).get("reason") for s in statuses)
    found = next((r for r in reasons if r and r not in _PASSING), "")
    found = _PULL.get(found, found)
    conditions = status.get("conditions") or []
    unscheduled = (
        str(c.get("message", ""))
        for c in conditions
        if c.get("type") == "PodScheduled" and c.get("status") == "False"
    )
    return found or next(unscheduled, "")


def unmade_pod(snapshot: Snapshot, component: Component) -> str:
    """Why the API server takes no pod of a Deployment, in its words: Pod Security, a quota; empty where it does."""
    children = names.child_names(snapshot.gateway.key.name)
    deployments = {Component.EXECUTOR: children.executor, Component.CONSOLE: children.novnc}
    body = snapshot.child("Deployment", deployments.get(component, "")) or {}
    conditions = (body.get("status") or {}).get("conditions") or []
    failed = (c for c in conditions if c.get("type") == "ReplicaFailure")
    return next((str(c.get("message", "")) for c in failed if c.get("status") == "True"), "")
