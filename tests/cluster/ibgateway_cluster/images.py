"""Images of our own: built by the cluster's engine, loaded into its node."""

from pathlib import Path

from ibgateway_cluster.cluster import Cluster, engine_of
from ibgateway_cluster.command import run
from ibgateway_cluster.errors import ClusterToolError, CommandError
from ibgateway_cluster.report import Reporter

_LOADED = "/kind/loaded"


def build(cluster: Cluster, folder: Path, *, target: str, tag: str, report: Reporter) -> str:
    """Build a target of the Dockerfile in `folder`; gives the image's id."""
    docker = engine_of(cluster)
    docker.build(folder, ["--target", target, "--tag", tag], report, title=f"build image {tag}")
    return _id(cluster, tag)


def load(cluster: Cluster, name: str, *, report: Reporter) -> bool:
    """Bring an image into the node; False when the node has this very image already."""
    wanted = _id(cluster, name)
    if _loaded(cluster, name) == wanted:
        return False
    with report.step(f"load image {name}"):
        argv = ["kind", "load", "docker-image", name, "--name", cluster.name]
        run(argv, env=cluster.environ, timeout=600)
    script = f"mkdir -p {_LOADED}; echo {wanted} > {_LOADED}/{_file(name)}"
    cluster.docker("exec", cluster.node, "bash", "-c", script)
    return True


def _id(cluster: Cluster, name: str) -> str:
    found = engine_of(cluster).image_id(name)
    if found is None:
        raise ClusterToolError(f"there is no image {name}: build it first")
    return found


def _loaded(cluster: Cluster, name: str) -> str:
    """The id under which the node got this image, if it still has it."""
    script = (
        f"ctr --namespace k8s.io images ls -q | grep -qE '(^|/){name}$' "
        f"&& cat {_LOADED}/{_file(name)}"
    )
    try:
        return cluster.docker("exec", cluster.node, "bash", "-c", script).strip()
    except CommandError:
        return ""


def _file(name: str) -> str:
    return name.replace("/", "_").replace(":", "_")
