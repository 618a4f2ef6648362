"""Pod templates that wait: a change of them must not cost a login or an order. Pure."""

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_operator.decide.requests import requested_login
from ibgateway_operator.model.kinds import STATEFUL_SET
from ibgateway_operator.model.manifests import labels_of
from ibgateway_operator.model.snapshot import Snapshot


def pending_gateway(snapshot: Snapshot) -> str:
    """The gateway template that the running pod does not have yet; empty where it has it."""
    pod = snapshot.pod(Component.GATEWAY)
    name = names.child_names(snapshot.gateway.key.name).gateway
    owner = snapshot.child(STATEFUL_SET.kind, name)
    status = (owner or {}).get("status") or {}
    fresh = status.get("observedGeneration") == (owner or {}).get("metadata", {}).get("generation")
    update = str(status.get("updateRevision", ""))
    if pod is None or not update or not fresh:
        return ""
    return "" if labels_of(pod).get("controller-revision-hash") == update else update


def pending_executor(snapshot: Snapshot) -> str:
    """The executor template that was held back at the last look, by the status; empty where none was."""
    name = names.child_names(snapshot.gateway.key.name).executor
    return executor_revision(snapshot.gateway.status.pending_revision, name)


def executor_revision(pending: str, executor: str) -> str:
    """The executor's among revisions that wait; empty where there is none."""
    return next((r for r in pending.split(", ") if r.startswith(f"{executor}-")), "")


def never_started(snapshot: Snapshot) -> bool:
    """Whether the pod has an old template and has not even begun: replacing it costs no login."""
    pod = snapshot.pod(Component.GATEWAY)
    waits = pod is not None and (pod.get("status") or {}).get("phase") == "Pending"
    return waits and bool(pending_gateway(snapshot))


def change_requested(snapshot: Snapshot) -> bool:
    """Whether a person wants what waits now: they are there to approve a push."""
    request = requested_login(snapshot)
    if request is None or request.refused:
        return False
    return bool(pending_gateway(snapshot) or pending_executor(snapshot))
