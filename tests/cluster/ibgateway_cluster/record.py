"""What `up` leaves written down about a cluster, so that every other command finds it."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ibgateway_cluster.errors import ForeignClusterError, NotRunningError

CLUSTER = "ibgateway"
_FILE = "cluster.json"
_CHOOSERS = frozenset(
    {
        "--context",
        "--cluster",
        "--kubeconfig",
        "--server",
        "-s",
        "--kube-context",
        "--kube-apiserver",
    }
)


@dataclass(frozen=True)
class Record:
    """One finished cluster; `docker_host` is empty where the user's own Docker settings apply."""

    name: str
    engine: str
    docker_host: str
    node_image: str
    workers: int = 0
    """Nodes beside the control plane."""


def checked_name(name: str) -> str:
    """The cluster name, or `ForeignClusterError`: only `ibgateway` and `ibgateway-...` are ours."""
    if name != CLUSTER and not name.startswith(f"{CLUSTER}-"):
        raise ForeignClusterError(
            f"refused: cluster {name!r} is not ours; names start with {CLUSTER!r}"
        )
    if not all(char.islower() or char.isdecimal() or char == "-" for char in name):
        raise ForeignClusterError(f"refused: {name!r} has other characters than a-z, 0-9 and '-'")
    return name


def checked_kubeconfig(text: str, name: str) -> None:
    """Raise `ForeignClusterError` if a kubeconfig's current context is not the cluster's own."""
    found = re.search(r"^current-context: *\"?([^\s\"]*)", text, re.MULTILINE)
    context = found[1] if found else ""
    if context != f"kind-{name}":
        raise ForeignClusterError(
            f"refused: the kubeconfig's context is {context!r}, not 'kind-{name}'"
        )


def checked_arguments(arguments: Sequence[str]) -> None:
    """Raise `ForeignClusterError` if arguments of kubectl or helm choose a cluster themselves."""
    for word in arguments:
        if word == "--":
            return
        if word.partition("=")[0] in _CHOOSERS:
            raise ForeignClusterError(f"refused: {word!r} would leave the cluster of this tool")


def write(folder: Path, record: Record) -> None:
    """Store the record at once or not at all."""
    part = folder / f"{_FILE}.part"
    part.write_text(json.dumps(asdict(record), indent=1))
    part.rename(folder / _FILE)


def read(folder: Path) -> Record | None:
    """The record in a cluster's folder, None if no `up` has finished there."""
    try:
        return Record(**json.loads((folder / _FILE).read_text()))
    except FileNotFoundError:
        return None


def require(folder: Path) -> Record:
    """The record, or `NotRunningError`."""
    found = read(folder)
    if found is None:
        raise NotRunningError(f"cluster {folder.name!r} is not up: run `make cluster`")
    return found


def erase(folder: Path) -> None:
    """Forget the cluster: it is about to change or go."""
    (folder / _FILE).unlink(missing_ok=True)
