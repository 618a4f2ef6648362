"""Which containers speak of a gateway: those of its pods, and the operator where its log may be read."""

from collections.abc import Iterator

from ibgateway_api.names import (
    LABEL_COMPONENT,
    LABEL_NAME,
    OPERATOR_AGENT,
    Component,
    Key,
)
from ibgateway_cli.errors import PluginError
from ibgateway_cli.kube.cluster import Cluster, Json
from ibgateway_cli.kube.gateway import own
from ibgateway_cli.logs.lines import LogLine, LogSource

_CONSOLE = "console"
_OPERATOR = f"{LABEL_NAME}={OPERATOR_AGENT}"


def gateway_sources(cluster: Cluster, key: Key) -> list[LogSource]:
    """The containers of its pods, as `gateway`, `sentinel`, `executor` and `console`."""
    return [
        source for pod in own(cluster, "pods", key.name) for source in _of_pod(key.namespace, pod)
    ]


def operator_sources(cluster: Cluster, key: Key) -> list[LogSource]:
    """The operator's; none where its pods may not be read."""
    return [
        LogSource("operator", meta["namespace"], meta["name"], container["name"], only=str(key))
        for pod in operator_pods(cluster)
        for meta in (pod["metadata"],)
        for container in pod["spec"]["containers"]
    ]


def operator_pods(cluster: Cluster) -> list[Json]:
    """The operator's pods, in the gateway's namespace or any other; none where they may not be read."""
    found = cluster.list("pods", _OPERATOR)
    if not found:
        try:
            found = cluster.list_everywhere("pods", _OPERATOR)
        except PluginError:
            return []
    return [pod for pod in found if pod["metadata"]["labels"].get(LABEL_COMPONENT) == "operator"]


def read(cluster: Cluster, source: LogSource, *options: str) -> list[LogLine]:
    """Its lines. Raises PluginError where they can't be read."""
    printed = cluster.at(source.namespace).text("logs", source.pod, *arguments(source), *options)
    return list(source.lines(printed.splitlines()))


def arguments(source: LogSource) -> list[str]:
    """What kubectl is told beside the pod."""
    return [f"--container={source.container}", "--timestamps"]


def _of_pod(namespace: str, pod: Json) -> Iterator[LogSource]:
    metadata, labels = pod["metadata"], pod["metadata"].get("labels") or {}
    console = labels.get(LABEL_COMPONENT) == Component.CONSOLE
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"]
    for container in (*sidecars, *spec["containers"]):
        name = _CONSOLE if console else container["name"]
        yield LogSource(name, namespace, metadata["name"], container["name"])
