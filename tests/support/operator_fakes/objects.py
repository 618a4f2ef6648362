"""A paper gateway in every state the tests ask for: plain values, no cluster."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import (
    HandoverReport,
    HoldReport,
    PermitReport,
    SentinelReport,
    TradingPause,
    TurnReport,
)
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import IBGatewayStatus
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.desired.input import DesiredInput, Scripts
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.people import Delivery
from ibgateway_operator.model.snapshot import Credentials, Drain, Finding, Snapshot, parse
from ibgateway_operator.settings import Images
from ibgateway_operator.status.conditions import Assessment
from ibgateway_operator.status.document import status_of

NOW: Final = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
"""A Wednesday."""
THIS_WEEK: Final = datetime(2026, 11, 15, 14, 3, tzinfo=UTC)
"""Sunday 09:03 New York: the week's full login."""
LIVE: Final[Manifest] = {"tradingMode": "live", "executor": {"accounts": ["U1234567"]}}
"""What a spec says more where real money is at stake."""
IMAGES: Final = Images(agent="agent:1", executor="executor:1")
SCRIPTS: Final = Scripts(wrapper="wrap", prestop="stop", ibc="ibc")
CREDENTIALS: Final = Credentials(
    "ib-credentials",
    found=True,
    keys=frozenset({"IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD"}),
    user="hash",
)

ComponentName = Literal["gateway", "executor", "novnc"]
SpecPart = Mapping[str, Any]
"""Fields of a spec as a user writes them; they come on top of the credentials' name."""


def ibgateway_body(
    spec: SpecPart | None = None,
    *,
    name: str = "paper",
    namespace: str = "trading",
    uid: str = "uid-1",
    created: str = "2026-11-01T00:00:00Z",
    annotations: Mapping[str, str] | None = None,
    status: Manifest | None = None,
) -> Manifest:
    """An IBGateway as stored."""
    meta = {
        "namespace": namespace,
        "name": name,
        "uid": uid,
        "generation": 3,
        "resourceVersion": "100",
        "creationTimestamp": created,
    }
    body = {
        "apiVersion": "ibgateway.dev/v1alpha1",
        "kind": "IBGateway",
        "metadata": meta | ({"annotations": dict(annotations)} if annotations else {}),
        "spec": {"credentialsSecretRef": {"name": "ib-credentials"}, **(spec or {})},
    }
    return body | ({"status": status} if status else {})


def pod(
    component: ComponentName,
    *,
    ready: bool = True,
    uid: str = "",
    deleted: str = "",
    gateway: str = "paper",
    namespace: str = "trading",
) -> Manifest:
    """A component's pod that runs; `deleted` is its deletionTimestamp."""
    name = f"{gateway}-gateway-0" if component == "gateway" else f"{gateway}-{component}-abc"
    maker = ("StatefulSet", f"{gateway}-gateway")
    labels = {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/managed-by": "ibgateway-operator",
        "ibgateway.dev/gateway": gateway,
    }
    if component != "gateway":
        maker = ("ReplicaSet", f"{gateway}-{component}-5d4f")
        labels["pod-template-hash"] = "5d4f"
    meta = {
        "namespace": namespace,
        "name": name,
        "uid": uid or f"uid-{component}",
        "resourceVersion": "5",
        "labels": labels,
        "ownerReferences": [{"kind": maker[0], "name": maker[1], "uid": "m", "controller": True}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta | ({"deletionTimestamp": deleted} if deleted else {}),
        "status": {
            "podIP": "10.0.0.9",
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": component, "state": {"running": {}}}],
        },
    }


def program_pod(*, ready: bool = True) -> Manifest:
    """The pod of a program of one's own that runs in the executor's place."""
    body = pod("executor", ready=ready)
    statuses = [{"name": "program", "state": {"running": {}}}]
    containers = [{"name": "program", "image": "registry.example.com/my-bot:1"}]
    status = {**body["status"], "containerStatuses": statuses}
    return {**body, "spec": {"containers": containers}, "status": status}


def foreign_pod(
    name: str = "bot-1",
    *,
    gateway: str = "paper",
    uid: str = "",
    gated: bool = True,
    phase: str = "Running",
    deleted: str = "",
    labels: Mapping[str, str] | None = None,
    condition: Mapping[str, str] | None = None,
) -> Manifest:
    """A pod of somebody else's that follows a gateway's gate; `condition` is the gate's on it, without its type."""
    named = {"ibgateway.dev/gateway": gateway} if gateway else {}
    told = [{"type": "ibgateway.dev/trading-allowed", **condition}] if condition else []
    meta = {
        "namespace": "trading",
        "name": name,
        "uid": uid or f"uid-{name}",
        "labels": {"app": "bot", **named, **(labels or {})},
        "ownerReferences": [{"kind": "Job", "name": "bot", "uid": "job", "controller": True}],
    }
    gate = {"readinessGates": [{"conditionType": "ibgateway.dev/trading-allowed"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta | ({"deletionTimestamp": deleted} if deleted else {}),
        "spec": {"containers": [{"name": "bot"}], **(gate if gated else {})},
        "status": {
            "phase": phase,
            "conditions": [{"type": "example.com/mine", "status": "True"}, *told],
        },
    }


def stateful_set(replicas: int = 1, update: str = "rev-2") -> Manifest:
    """The gateway's StatefulSet as stored; `update` is the newest revision."""
    return {
        "kind": "StatefulSet",
        "metadata": {"namespace": "trading", "name": "paper-gateway", "generation": 4},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 4, "updateRevision": update},
    }


def deployment(template: str = "old", replicas: int = 1) -> Manifest:
    """The executor's Deployment as stored, applied with `template`."""
    return {
        "kind": "Deployment",
        "metadata": {
            "namespace": "trading",
            "name": "paper-executor",
            "annotations": {"ibgateway.dev/template-hash": template},
        },
        "spec": {"replicas": replicas},
    }


def revised(body: Manifest, revision: str) -> Manifest:
    """A pod of that revision of its StatefulSet."""
    labels = {**body["metadata"]["labels"], "controller-revision-hash": revision}
    return {**body, "metadata": {**body["metadata"], "labels": labels}}


def report(
    state: LoginState = LoginState.LOGGED_IN,
    *,
    sequence: int = 7,
    since: datetime = THIS_WEEK,
    deadline: datetime | None = None,
    accounts: tuple[str, ...] = ("DU1234567",),
    full_auth_time: datetime | None = THIS_WEEK,
    waiting: PermitReport | None = None,
    holds: tuple[HoldReport, ...] = (),
    taken_restart: str = "",
    handover: HandoverReport | None = None,
    turn: TurnReport | None = None,
    pause: TradingPause | None = None,
) -> SentinelReport:
    """What the sentinel of a gateway says that logged in on Sunday."""
    return SentinelReport(
        boot="b1",
        sequence=sequence,
        at=NOW,
        state=state,
        since=since,
        deadline=deadline,
        accounts=accounts,
        full_auth_time=full_auth_time,
        attempts_today=1,
        waiting=waiting,
        holds=holds,
        taken_restart=taken_restart,
        handover=handover,
        turn=turn,
        pause=pause,
    )


HEARD: Final = report()
"""The report of a gateway that is logged in."""


def snapshot(
    spec: SpecPart | None = None,
    *,
    annotations: Mapping[str, str] | None = None,
    status: Manifest | None = None,
    now: datetime = NOW,
    credentials: Credentials | None = CREDENTIALS,
    duplicate: Key | None = None,
    bodies: tuple[Manifest, ...] | None = None,
    heard: SentinelReport | None = HEARD,
    age_of_news: float = 0.5,
    enforced: bool | None = True,
    drain: Drain | None = None,
    replaced_for: str = "",
    delivery: Delivery | None = None,
    open_for: float = 0.0,
) -> Snapshot:
    """A gateway that is logged in and trades, but for what the test changes."""
    return Snapshot(
        gateway=parse(ibgateway_body(spec, annotations=annotations, status=status)),
        now=now,
        credentials=credentials,
        duplicate=duplicate,
        bodies=(pod("gateway"), pod("executor"), pod("novnc")) if bodies is None else bodies,
        report=heard,
        age_of_news=age_of_news,
        enforced=enforced,
        drain=drain,
        replaced_for=replaced_for,
        delivery=delivery or Delivery(),
        open_for=open_for,
    )


def assessment(
    seen: Snapshot,
    *,
    refusal: Finding | None = None,
    blocker: Finding | None = None,
    overdue: bool = False,
    findings: tuple[Finding, ...] = (),
    pending: str = "",
) -> Assessment:
    """A snapshot with the gate's verdict on it."""
    return Assessment(
        seen,
        judge(seen, Calendar()),
        refusal=refusal,
        blocker=blocker,
        overdue=overdue,
        findings=findings,
        pending=pending,
    )


def status_from(judged: Assessment) -> IBGatewayStatus:
    """The status of a gateway for which nothing waits."""
    return status_of(judged, handled_request="")


def desired_input(
    spec: SpecPart | None = None,
    *,
    images: Images = IMAGES,
    gateway_replicas: int = 1,
    vnc_from_user: bool = False,
) -> DesiredInput:
    """What the builders are given for a paper gateway."""
    raw = {"credentialsSecretRef": {"name": "ib-credentials"}, **(spec or {})}
    return DesiredInput(
        key=Key("trading", "paper"),
        uid="uid-1",
        spec=IBGatewaySpec.model_validate(raw),
        images=images,
        calendar=Calendar(),
        scripts=SCRIPTS,
        own_namespace="operators",
        gateway_replicas=gateway_replicas,
        vnc_from_user=vnc_from_user,
    )
