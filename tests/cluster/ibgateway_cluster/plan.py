"""Decides, from facts, where the engine and the node image come from. Pure.

| an engine answers | kindest/node to be had | root on Debian | outcome                           |
|-------------------|------------------------|----------------|-----------------------------------|
| yes               | yes                    | any            | that engine, official node image  |
| yes               | no                     | yes            | that engine, node image built     |
| yes               | no                     | no             | refused: says what is missing     |
| no                | yes or no              | yes            | engine of our own, node image ... |
| no                | any                    | no             | refused: says what to install     |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ibgateway_cluster.errors import DiskFullError, UnsupportedError

NODE_IMAGE = (
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
)
NODE_VARIABLE = "IBGATEWAY_NODE_IMAGE"
BUILT_NODES = "ibgateway/node:"
"""What the name of a node image of ours begins with."""
_GIB = 1 << 30
SMALLEST = 2 * _GIB


class Engine(StrEnum):
    """Which Docker engine runs the cluster."""

    EXISTING = "existing"
    OWN = "own"


class Node(StrEnum):
    """Which node image the cluster runs on."""

    OFFICIAL = "official"
    BUILT = "built"


@dataclass(frozen=True)
class Missing:
    """What is not in the cache yet and will take disk space."""

    programs: int
    node_image: bool


def engine(*, answers: bool, root: bool, debian: bool) -> Engine:
    """Where the engine comes from; raises `UnsupportedError` with what to install."""
    if answers:
        return Engine.EXISTING
    if root and debian:
        return Engine.OWN
    raise UnsupportedError(
        "no Docker engine answers: install and start Docker (https://docs.docker.com/engine/install), "
        "or run this as root on Debian or Ubuntu, where it brings an engine of its own"
    )


def official_node(environ: Mapping[str, str]) -> str:
    """The node image that is not ours: IBGATEWAY_NODE_IMAGE, for another version of Kubernetes, else the pinned one."""
    return environ.get(NODE_VARIABLE) or NODE_IMAGE


def node(*, official: bool, root: bool, debian: bool) -> Node:
    """Where the node image comes from; raises `UnsupportedError` with what is missing."""
    if official:
        return Node.OFFICIAL
    if root and debian:
        return Node.BUILT
    raise UnsupportedError(
        f"{NODE_IMAGE.partition('@')[0]} can't be pulled: let the Docker engine reach Docker Hub, "
        "or run this as root on Debian or Ubuntu, where it builds the node image itself"
    )


def needed_bytes(missing: Missing) -> int:
    """Disk space that an `up` may take: images, one cluster, and builds with Go's own caches."""
    if missing.programs or missing.node_image:
        return (12 if missing.programs > 3 else 6) * _GIB
    return 2 * _GIB


def check_space(free: int, needed: int, place: str) -> None:
    """Raise `DiskFullError` when there is less than needed."""
    if free < needed:
        raise DiskFullError(
            f"{place} has {free / _GIB:.1f} GiB free, {needed / _GIB:.0f} GiB are needed: "
            "free some space, or set XDG_CACHE_HOME to a folder on a larger disk"
        )
