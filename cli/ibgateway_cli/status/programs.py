"""Pods of others that follow a gateway's gate, as Kubernetes itself shows them: exact, and without an operator."""

from ibgateway_api.names import LABEL_GATEWAY, LABEL_MANAGED_BY, MANAGED_BY, READINESS_GATE
from ibgateway_cli.errors import PluginError
from ibgateway_cli.kube.cluster import Cluster, Json


def programs_of(cluster: Cluster, gateway: str) -> Json | None:
    """How many there are and how many of them are Ready; None where pods may not be read."""
    try:
        pods = cluster.list("pods", f"{LABEL_GATEWAY}={gateway}")
    except PluginError:
        return None
    following = [pod for pod in pods if _follows(pod)]
    return {"following": len(following), "ready": sum(map(_is_ready, following))}


def _follows(pod: Json) -> bool:
    """Whether it runs, has the readiness gate, and is not one of the gateway's own."""
    labels, gates = pod["metadata"].get("labels") or {}, pod["spec"].get("readinessGates") or []
    gated = any(gate.get("conditionType") == READINESS_GATE for gate in gates)
    ended = pod["status"].get("phase") in ("Succeeded", "Failed")
    return gated and not ended and labels.get(LABEL_MANAGED_BY) != MANAGED_BY


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
