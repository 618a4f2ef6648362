"""Where each kind lives in the API: a constant table, so no discovery and no right to it."""

from typing import Final, NamedTuple

from ibgateway_api import names


class Kind(NamedTuple):
    """A kind the operator reads or writes."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        """As it stands in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str, name: str = "", *, subresource: str = "") -> str:
        """The request path of the collection, of one object, or of its subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, "namespaces", namespace, self.plural] if namespace else [root, self.plural]
        return "/".join(
            [*parts, *([name] if name else []), *([subresource] if subresource else [])]
        )


GATEWAY: Final = Kind(names.GROUP, names.VERSION, names.KIND, names.PLURAL)
STATEFUL_SET: Final = Kind("apps", "v1", "StatefulSet", "statefulsets")
DEPLOYMENT: Final = Kind("apps", "v1", "Deployment", "deployments")
SERVICE: Final = Kind("", "v1", "Service", "services")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap", "configmaps")
SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount", "serviceaccounts")
CLAIM: Final = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
DISRUPTION_BUDGET: Final = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
POD: Final = Kind("", "v1", "Pod", "pods")
SECRET: Final = Kind("", "v1", "Secret", "secrets")
LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease", "leases")
EVENT: Final = Kind("events.k8s.io", "v1", "Event", "events")

APPLIED: Final = (
    SERVICE_ACCOUNT,
    CONFIG_MAP,
    SERVICE,
    NETWORK_POLICY,
    DISRUPTION_BUDGET,
    CLAIM,
    STATEFUL_SET,
    DEPLOYMENT,
)
"""What the operator applies and watches."""
WORKLOADS: Final = frozenset({STATEFUL_SET.kind, DEPLOYMENT.kind})
"""What makes pods."""
REMOVABLE: Final = frozenset(k.kind for k in APPLIED) - {CLAIM.kind}
"""What it deletes when it is no longer wanted: never a volume."""
BY_KIND: Final = {kind.kind: kind for kind in (*APPLIED, GATEWAY, POD, SECRET, EVENT, LEASE)}
