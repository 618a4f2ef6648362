"""What is to be done about one IBGateway now: replicas, held templates, planned stops. Pure.

Nothing that runs is stopped because something is wrong; only suspend, the week and a request stop it,
and only once nothing is unacknowledged at the broker.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.gate import Open
from ibgateway_api.login import LoginState
from ibgateway_api.names import Component
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar, RestartStep, restart_step
from ibgateway_operator.decide.acceptance import blocker
from ibgateway_operator.decide.gate import Verdict, rfc3339
from ibgateway_operator.desired.executor import ANNOTATION_TEMPLATE
from ibgateway_operator.model.kinds import DEPLOYMENT, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest, annotations_of, labels_of
from ibgateway_operator.model.snapshot import Finding, Snapshot, container_runs


@dataclass(frozen=True)
class Replicas:
    """How many pods of each are wanted, and what kept them from more."""

    gateway: int
    executor: int
    blocker: Finding | None = None


def replicas(spec: IBGatewaySpec, seen: Snapshot) -> Replicas:
    """Wanted replicas: what is blocked is not started, and what runs is left."""
    found = blocker(spec, seen)
    children = names.child_names(seen.gateway.key.name)
    gateway_now = _replicas_now(seen.child(STATEFUL_SET.kind, children.gateway))
    executor_now = _replicas_now(seen.child(DEPLOYMENT.kind, children.executor))
    return Replicas(
        gateway=_gateway_replicas(spec, seen, gateway_now, blocked=found is not None),
        executor=executor_now if policy_doubt(spec, seen) else 1,
        blocker=found,
    )


def _gateway_replicas(spec: IBGatewaySpec, seen: Snapshot, now: int, *, blocked: bool) -> int:
    if spec.suspend:
        return 0 if seen.drained else now
    return now if blocked else 1


def _replicas_now(body: Manifest | None) -> int:
    return int(body["spec"].get("replicas", 0)) if body else 0


def policy_doubt(spec: IBGatewaySpec, seen: Snapshot) -> Finding | None:
    """Why a live executor is not started: NetworkPolicies are not known to be enforced."""
    policy = spec.network_policy
    if spec.trading_mode is not TradingMode.LIVE or policy.allow_unenforced:
        return None
    if policy.enabled and seen.enforced is True:
        return None
    known = seen.enforced is False or not policy.enabled
    return Finding(
        ConditionReason.POLICY_NOT_ENFORCED if known else ConditionReason.POLICY_UNKNOWN,
        "live trading waits for proof that NetworkPolicies are enforced, which the console gives:"
        " enable networkPolicy and novnc on a cluster that enforces policies, or set"
        " spec.networkPolicy.allowUnenforced",
    )


def pending_gateway(seen: Snapshot) -> str:
    """The gateway template that the running pod does not have yet; empty where it has it."""
    pod = seen.pod(Component.GATEWAY)
    name = names.child_names(seen.gateway.key.name).gateway
    owner = seen.child(STATEFUL_SET.kind, name)
    status = (owner or {}).get("status") or {}
    fresh = status.get("observedGeneration") == (owner or {}).get("metadata", {}).get("generation")
    update = str(status.get("updateRevision", ""))
    if pod is None or not update or not fresh:
        return ""
    return "" if labels_of(pod).get("controller-revision-hash") == update else update


def executor_held(seen: Snapshot, verdict: Verdict, wanted_template: str) -> bool:
    """Whether the executor's new template waits: it has one, runs, and may be trading."""
    name = names.child_names(seen.gateway.key.name).executor
    stored = seen.child(DEPLOYMENT.kind, name)
    if stored is None or annotations_of(stored).get(ANNOTATION_TEMPLATE) == wanted_template:
        return False
    quiet = verdict.week.open or seen.gateway.suspend
    return not quiet and container_runs(seen.pod(Component.EXECUTOR), "executor")


def never_started(seen: Snapshot) -> bool:
    """Whether the pod has an old template and has not even begun: replacing it costs no login."""
    pod = seen.pod(Component.GATEWAY)
    waits = pod is not None and (pod.get("status") or {}).get("phase") == "Pending"
    return waits and bool(pending_gateway(seen))


class PlannedStop(StrEnum):
    """A planned stop of the gateway; all of them drain first."""

    SUSPEND = "Suspend"
    RESTART = "Restart"
    REPLACE = "Replace"
    """As RESTART, in a new pod, because its template changed."""


def planned_stop(seen: Snapshot, verdict: Verdict, calendar: Calendar) -> PlannedStop | None:
    """The stop that is due now; None where none is."""
    spec = seen.gateway.spec
    if spec is None:
        return None
    if spec.suspend:
        child = names.child_names(seen.gateway.key.name).gateway
        return PlannedStop.SUSPEND if _replicas_now(seen.child(STATEFUL_SET.kind, child)) else None
    if not _restart_due(seen, verdict, calendar):
        return None
    return PlannedStop.REPLACE if pending_gateway(seen) else PlannedStop.RESTART


def _restart_due(seen: Snapshot, verdict: Verdict, calendar: Calendar) -> bool:
    """Only a gateway that is logged in is restarted, and only once a week."""
    report = seen.report
    if report is None or report.state is not LoginState.LOGGED_IN:
        return False
    if report.taken_restart == restart_id(verdict):
        return False
    return restart_step(verdict.week, calendar, seen.now) is RestartStep.RESTART


def restart_id(verdict: Verdict) -> str:
    """What names this week's restart: the boundary it answers."""
    return rfc3339(verdict.week.boundary)


def restart_overdue(seen: Snapshot, verdict: Verdict, calendar: Calendar) -> bool:
    """Whether the week's restart was missed and a person must say when."""
    report = seen.report
    if report is None or report.state is not LoginState.LOGGED_IN:
        return False
    return restart_step(verdict.week, calendar, seen.now) is RestartStep.ASK


def executor_may_hold_orders(seen: Snapshot) -> bool:
    """Whether an executor runs that must be asked before a stop."""
    return container_runs(seen.pod(Component.EXECUTOR), "executor")


def trading(verdict: Verdict) -> bool:
    """Whether orders may be on their way right now."""
    return isinstance(verdict.gate, Open)


REQUEST_LIFETIME = timedelta(minutes=10)
"""A request means a person with a phone in hand: an older one finds nobody there."""
REQUEST_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class RequestedLogin:
    """A person's request for one more attempt: `refused` says in words why it is ignored."""

    id: str
    refused: str = ""


def requested_login(seen: Snapshot) -> RequestedLogin | None:
    """The request in the annotation; None where there is none or it was handled."""
    text = seen.gateway.annotations.get(names.ANNOTATION_LOGIN_REQUESTED_AT, "")
    handled = seen.gateway.status.login.handled_request
    if not text or text == handled:
        return None
    return RequestedLogin(text, _refused(text, handled, seen.now))


def _refused(text: str, handled: str, now: datetime) -> str:
    at, before = parse_time(text), parse_time(handled)
    if at is None:
        return "it is no RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z"
    if before is not None and at <= before:
        return f"it is not newer than the last one, {handled}"
    if at > now + REQUEST_SKEW:
        return "it lies in the future"
    if at < now - REQUEST_LIFETIME:
        return "it is more than ten minutes old"
    return ""


def parse_time(text: str) -> datetime | None:
    """An aware UTC time from RFC 3339; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
