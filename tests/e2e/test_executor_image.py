"""The executor's image with the other IB library."""

from pathlib import Path

from ibgateway_cluster import Cluster

ROOT = Path(__file__).parents[2]
WHICH = "from ibgateway_executor.broker import ib; print(ib.library_name())"


def library_of(cluster: Cluster, *build_arguments: str) -> str:
    """What the image built like this says of itself."""
    tag = "ibgateway-executor:which-library"
    target = ["--target", "executor", "--tag", tag]
    cluster.docker("build", "--quiet", *target, *build_arguments, str(ROOT), timeout=900)
    try:
        said: str = cluster.docker("run", "--rm", "--entrypoint", "python3", tag, "-c", WHICH)
        return said.strip()
    finally:
        cluster.docker("image", "rm", tag)


def test_the_image_has_ib_async_unless_the_build_asks_for_ib_insync(cluster: Cluster) -> None:
    assert library_of(cluster) == "ib_async 2.1.0"
    chosen = library_of(cluster, "--build-arg", "EXECUTOR_EXTRA=executor-insync")
    assert chosen == "ib_insync 0.9.86"
