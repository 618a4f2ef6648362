"""Pod templates that wait: a change of them must not cost a login or an order. Pure."""

from collections.abc import Iterable, Mapping

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_operator.decide.gate import GateVerdict
from ibgateway_operator.model.kinds import DEPLOYMENT, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest, annotations_of, labels_of, name_of
from ibgateway_operator.model.memory import Place
from ibgateway_operator.model.snapshot import Snapshot, container_runs


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


def never_started(snapshot: Snapshot) -> bool:
    """Whether the pod has an old template and has not even begun: replacing it costs no login."""
    pod = snapshot.pod(Component.GATEWAY)
    waits = pod is not None and (pod.get("status") or {}).get("phase") == "Pending"
    return waits and bool(pending_gateway(snapshot))


def held_back(
    snapshot: Snapshot, verdict: GateVerdict, wanted: Iterable[Manifest], *, blocked: bool
) -> Mapping[Place, str]:
    """Children that are left as they are for now, with the revision that waits."""
    children = names.child_names(snapshot.gateway.key.name)
    held: dict[Place, str] = {}
    place = (STATEFUL_SET.kind, children.gateway)
    if blocked and not snapshot.gateway.suspend and snapshot.child(*place):
        held[place] = ""
    place = (DEPLOYMENT.kind, children.executor)
    deployment = next((m for m in wanted if (m["kind"], name_of(m)) == place), None)
    template = _template(deployment) if deployment else ""
    if template and executor_held(snapshot, verdict, template):
        held[place] = f"{children.executor}-{template}"
    return held


def executor_held(snapshot: Snapshot, verdict: GateVerdict, wanted_template: str) -> bool:
    """Whether the executor's new template waits: it has one, runs, and may be trading."""
    name = names.child_names(snapshot.gateway.key.name).executor
    stored = snapshot.child(DEPLOYMENT.kind, name)
    if stored is None or _template(stored) == wanted_template:
        return False
    quiet = verdict.week.open or snapshot.gateway.suspend
    return not quiet and container_runs(snapshot.pod(Component.EXECUTOR), "executor")


def _template(deployment: Manifest) -> str:
    return annotations_of(deployment).get(names.ANNOTATION_TEMPLATE_HASH, "")
