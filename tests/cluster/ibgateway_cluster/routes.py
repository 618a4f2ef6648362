"""Ways between the pods of several built nodes: a bridge knows its own node's alone. They go with a node that stops."""

from collections.abc import Iterator, Sequence

from ibgateway_cluster import kindconfig
from ibgateway_cluster.cluster import Cluster

_ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


def lay(cluster: Cluster) -> None:
    """Lay those that are missing."""
    nodes = cluster.nodes()
    addresses = [cluster.docker("inspect", "-f", _ADDRESS, node).strip() for node in nodes]
    for node, subnet, via in ways(nodes, addresses):
        cluster.docker("exec", node, "ip", "route", "replace", subnet, "via", via)


def ways(nodes: Sequence[str], addresses: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """On which node, to which pods, by which address; the control plane is the first. Pure."""
    for here in nodes:
        for number, (there, address) in enumerate(zip(nodes, addresses, strict=True)):
            if here != there:
                yield here, kindconfig.subnet(number), address
