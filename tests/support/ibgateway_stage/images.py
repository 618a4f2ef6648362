"""The four images, tagged by what went into them: unchanged sources are neither built nor loaded."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from ibgateway_cluster import Cluster, images
from ibgateway_cluster.report import Reporter

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCES: Final = {
    "operator": ("api", "runtime", "operator", "gateway/ibgateway_pod"),
    "agent": ("api", "runtime", "gateway"),
    "executor": ("api", "runtime", "executor"),
    "simulator": ("simulator",),
}
LOCKS: Final = {
    "operator": ("operator",),
    "agent": ("agent", "node"),
    "executor": ("executor",),
    "simulator": ("simulator",),
}
_IGNORED: Final = frozenset({"__pycache__", "node_modules"})


def repository(target: str) -> str:
    """Image name without tag."""
    return f"ibgateway-{target}"


@cache
def tag(target: str) -> str:
    """A tag made from the Dockerfile, the locked requirements and the sources of `target`."""
    digest = hashlib.sha256()
    for path in _files(target):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return f"dev-{digest.hexdigest()[:12]}"


def reference(target: str) -> str:
    """Image name with tag."""
    return f"{repository(target)}:{tag(target)}"


def provide(cluster: Cluster, report: Reporter) -> None:
    """Every image of this checkout built and in the node."""
    present = set(cluster.docker("images", "--format={{.Repository}}:{{.Tag}}").split())
    for target in SOURCES:
        name = reference(target)
        if name not in present:
            images.build(cluster, ROOT, target=target, tag=name, report=report)
        images.load(cluster, name, report=report)


def _files(target: str) -> Iterator[Path]:
    yield ROOT / "Dockerfile"
    yield ROOT / "LICENSE"
    yield from (ROOT / "requirements" / f"{name}.txt" for name in LOCKS[target])
    for folder in SOURCES[target]:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not _IGNORED & set(path.parts):
                yield path
