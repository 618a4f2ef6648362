"""The configuration that `kind create cluster` gets. Pure; JSON, which YAML readers take as it is."""

import json
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster.plan import Node

AUDIT_FOLDER = "/var/log/kubernetes/audit"
AUDIT_LOG = f"{AUDIT_FOLDER}/audit.log"
SHARED_FOLDER = "/shared"
"""On every node of a cluster that has workers: the same folder, as storage that a volume can move over."""
_POLICY_FOLDER = "/etc/kubernetes/audit"
_BRIDGE = "/kind/10-bridge.conflist"
_FIRST_SUBNET = "10.244.0.0/24"
_KUBEADM = "kubeadm.k8s.io/v1beta4"


@dataclass(frozen=True)
class Settings:
    """What the configuration depends on: `policy` and `audit` are folders of the host."""

    node: Node
    cgroup_v2: bool
    policy: Path
    audit: Path
    workers: "Workers | None" = None


@dataclass(frozen=True)
class Workers:
    """Nodes beside the control plane: `shared` is a folder of the host, `bridges` has a file for each of them."""

    shared: Path
    bridges: tuple[Path, ...]


def subnet(number: int) -> str:
    """The pods' addresses on a built node; the control plane is number 0."""
    return f"10.244.{number}.0/24"


def bridge(first: str, number: int) -> str:
    """The bridge of a built node, from that of the node image."""
    return first.replace(_FIRST_SUBNET, subnet(number))


def render(settings: Settings) -> str:
    """The kind configuration as text."""
    patches = [_api_server(), *([_kubelet(settings)] if _kubelet(settings) else [])]
    patches += [_schedulable()] if settings.workers else []
    mounts: list[dict[str, object]] = [
        {"hostPath": str(settings.policy), "containerPath": _POLICY_FOLDER, "readOnly": True},
        {"hostPath": str(settings.audit), "containerPath": AUDIT_FOLDER},
    ]
    document = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        # Our node image brings a bridge; the official one its own network, which enforces policies.
        "networking": {"disableDefaultCNI": settings.node is Node.BUILT},
        "kubeadmConfigPatches": [json.dumps(patch) for patch in patches],
        "nodes": [
            {"role": "control-plane", "extraMounts": [*mounts, *_shared(settings.workers)]},
            *_workers(settings),
        ],
    }
    return json.dumps(document, indent=1)


def _workers(settings: Settings) -> list[dict[str, object]]:
    """A built node has its own addresses for pods; the official one is given them by its network."""
    found: list[dict[str, object]] = []
    for place in settings.workers.bridges if settings.workers else ():
        own = {"hostPath": str(place), "containerPath": _BRIDGE, "readOnly": True}
        bridges = [own] if settings.node is Node.BUILT else []
        found.append({"role": "worker", "extraMounts": [*bridges, *_shared(settings.workers)]})
    return found


def _shared(workers: Workers | None) -> list[dict[str, object]]:
    if workers is None:
        return []
    return [{"hostPath": str(workers.shared), "containerPath": SHARED_FOLDER}]


def _schedulable() -> dict[str, object]:
    """Beside workers kind would keep pods off the control plane; then there would be one node less to move to."""
    return {
        "kind": "InitConfiguration",
        "apiVersion": _KUBEADM,
        "nodeRegistration": {"taints": []},
    }


def _api_server() -> dict[str, object]:
    """kind writes v1beta4 for Kubernetes 1.36 and newer: arguments are a list there."""
    arguments = {
        "runtime-config": "",
        "audit-policy-file": f"{_POLICY_FOLDER}/audit-policy.yaml",
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxsize": "200",
        "audit-log-maxbackup": "2",
    }
    volumes = [
        {"name": "audit-policy", "path": _POLICY_FOLDER, "readOnly": True},
        {"name": "audit-log", "path": AUDIT_FOLDER, "readOnly": False},
    ]
    return {
        "kind": "ClusterConfiguration",
        "apiVersion": _KUBEADM,
        "apiServer": {
            "extraArgs": [{"name": name, "value": value} for name, value in arguments.items()],
            "extraVolumes": [
                {
                    "name": one["name"],
                    "hostPath": one["path"],
                    "mountPath": one["path"],
                    "readOnly": one["readOnly"],
                    "pathType": "DirectoryOrCreate",
                }
                for one in volumes
            ],
        },
    }


def _kubelet(settings: Settings) -> dict[str, object] | None:
    """Changes to the kubelet: none for the official image on cgroup v2."""
    changes: dict[str, object] = {}
    if settings.node is Node.BUILT:
        # Without systemd in the node the kubelet makes its control groups itself.
        changes |= {"cgroupDriver": "cgroupfs", "cgroupRoot": ""}
        changes |= {"localStorageCapacityIsolation": False}
    if not settings.cgroup_v2:
        changes["failCgroupV1"] = False
    if not changes:
        return None
    head = {"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"}
    return head | changes
