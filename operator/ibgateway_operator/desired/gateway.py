"""The gateway's StatefulSet and its disruption budget. Pure."""

from ibgateway_api.fields import StorageSpec
from ibgateway_api.names import Component
from ibgateway_operator.desired.gateway_pod import pod_template
from ibgateway_operator.desired.input import DesiredInput, manifest, selector
from ibgateway_operator.model.kinds import DISRUPTION_BUDGET, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest


def gateway(given: DesiredInput) -> list[Manifest]:
    """The StatefulSet and what keeps a node drain from being careless with it."""
    return [_disruption_budget(given), _stateful_set(given)]


def _stateful_set(given: DesiredInput) -> Manifest:
    """OnDelete: a new template never restarts the pod; Parallel: a pod that is not Ready is replaced."""
    spec = {
        "serviceName": given.children.gateway_pods,
        "replicas": given.gateway_replicas,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": selector(given, Component.GATEWAY)},
        "template": pod_template(given),
        "volumeClaimTemplates": [_claim_template(given)],
    }
    return manifest(given, STATEFUL_SET, given.children.gateway, Component.GATEWAY, spec=spec)


def _claim_template(given: DesiredInput) -> Manifest:
    """The claim `data-<name>-gateway-0`; only labels that never change, for a template can't."""
    return {
        "metadata": {"name": "data", "labels": selector(given, Component.GATEWAY)},
        "spec": claim_spec(given.spec.gateway.storage),
    }


def claim_spec(storage: StorageSpec) -> Manifest:
    """A claim's spec; without a class the cluster's default is taken."""
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class_name:
        spec["storageClassName"] = storage.storage_class_name
    return spec


def _disruption_budget(given: DesiredInput) -> Manifest:
    """A healthy gateway is not evicted behind its user's back; an unhealthy one never blocks a drain."""
    spec = {
        "minAvailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector(given, Component.GATEWAY)},
    }
    return manifest(given, DISRUPTION_BUDGET, given.children.gateway, Component.GATEWAY, spec=spec)
