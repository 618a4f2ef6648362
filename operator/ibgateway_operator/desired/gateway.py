"""The gateway's StatefulSet and its disruption budget. Pure."""

from ibgateway_api.fields import StorageSpec
from ibgateway_api.names import Component
from ibgateway_operator.desired.gateway_pod import pod_template
from ibgateway_operator.desired.input import DesiredInput, manifest, selector
from ibgateway_operator.model.kinds import DISRUPTION_BUDGET, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest


def gateway(plan: DesiredInput) -> list[Manifest]:
    """The StatefulSet and what keeps a node drain from being careless with it."""
    return [_disruption_budget(plan), _stateful_set(plan)]


def _stateful_set(plan: DesiredInput) -> Manifest:
    """OnDelete: a new template never restarts the pod; Parallel: a pod that is not Ready is replaced."""
    spec = {
        "serviceName": plan.children.gateway_pods,
        "replicas": plan.gateway_replicas,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": selector(plan, Component.GATEWAY)},
        "template": pod_template(plan),
        "volumeClaimTemplates": [_claim_template(plan)],
    }
    return manifest(plan, STATEFUL_SET, plan.children.gateway, Component.GATEWAY, spec=spec)


def _claim_template(plan: DesiredInput) -> Manifest:
    """The claim `data-<name>-gateway-0`; only labels that never change, for a template can't."""
    return {
        "metadata": {"name": "data", "labels": selector(plan, Component.GATEWAY)},
        "spec": claim_spec(plan.spec.gateway.storage),
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


def _disruption_budget(plan: DesiredInput) -> Manifest:
    """A healthy gateway is not evicted behind its user's back; an unhealthy one never blocks a drain."""
    spec = {
        "minAvailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector(plan, Component.GATEWAY)},
    }
    return manifest(plan, DISRUPTION_BUDGET, plan.children.gateway, Component.GATEWAY, spec=spec)
