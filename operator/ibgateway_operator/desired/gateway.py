"""The gateway's claim, its StatefulSet and its disruption budget. Pure."""

from ibgateway_api import names
from ibgateway_api.fields import StorageSpec
from ibgateway_api.names import Component
from ibgateway_operator.desired.gateway_pod import pod_template
from ibgateway_operator.desired.input import DesiredInput, labels, manifest, selector
from ibgateway_operator.model.kinds import CLAIM, DISRUPTION_BUDGET, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest


def gateway(given: DesiredInput) -> list[Manifest]:
    """The claim, the StatefulSet, and what keeps a node drain from being careless with it."""
    return [
        claim(
            given,
            Component.GATEWAY,
            given.children.gateway_claim,
            storage=given.spec.gateway.storage,
        ),
        _disruption_budget(given),
        _stateful_set(given),
    ]


def claim(
    given: DesiredInput, component: Component, name: str, *, storage: StorageSpec
) -> Manifest:
    """A claim, without owner: it outlives its resource, and says of which trading mode it is."""
    return {
        "apiVersion": CLAIM.api_version,
        "kind": CLAIM.kind,
        "metadata": {
            "name": name,
            "namespace": given.key.namespace,
            "labels": labels(given, component),
            "annotations": {names.ANNOTATION_TRADING_MODE: str(given.spec.trading_mode)},
        },
        "spec": claim_spec(storage),
    }


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
    """The StatefulSet takes the claim that is there; only labels that never change, for a template can't."""
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
