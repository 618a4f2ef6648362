"""The Secrets that pods run with: they are there, so a restarted operator need not ask for each. Pure."""

from collections.abc import Iterator

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_operator.model.kinds import WORKLOADS
from ibgateway_operator.model.manifests import Manifest, is_terminating, labels_of, owner_uid
from ibgateway_operator.model.snapshot import Snapshot


def mounted_secrets(snapshot: Snapshot) -> frozenset[str]:
    """Names of the Secrets that a running pod of this very IBGateway could only begin with."""
    return frozenset(name for pod in _running(snapshot) for name in _secrets_of(pod))


def _running(snapshot: Snapshot) -> Iterator[Manifest]:
    """Pods of workloads that are this resource's own: those of an earlier one leave with their Secrets."""
    ours = {
        labels_of(body).get(names.LABEL_COMPONENT)
        for body in snapshot.bodies
        if body["kind"] in WORKLOADS and owner_uid(body) == snapshot.gateway.uid
    }
    for component in Component:
        pod = snapshot.pod(component)
        if pod is None or component not in ours or is_terminating(pod):
            continue
        if (pod.get("status") or {}).get("phase") == "Running":
            yield pod


def _secrets_of(pod: Manifest) -> Iterator[str]:
    spec = pod.get("spec") or {}
    for volume in spec.get("volumes") or ():
        if name := (volume.get("secret") or {}).get("secretName"):
            yield name
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for variable in container.get("env") or ():
            if name := ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"):
                yield name
