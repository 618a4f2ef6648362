"""How large the images are, and what memory each program uses while a paper gateway is Ready and nothing happens.

On the cluster of `make cluster`: `PYTHONPATH=tests/cluster:tests/support .venv/bin/python tests/bench/footprint.py`.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from bench_page import Figure, Measured, save
from ibgateway_cluster import Cluster
from ibgateway_cluster.report import Reporter
from ibgateway_stage import demo, images
from ibgateway_stage.calendar import calendar
from ibgateway_stage.stage import Stage

NAMESPACE: Final = "bench-footprint"
MIB: Final = 2**20
PROGRAMS: Final = {
    "operator": "operator, one gateway",
    "sentinel": "sentinel",
    "console": "console",
    "executor": "executor at rest",
}
AIMS: Final = {"operator": 100.0, "sentinel": 50.0, "console": 50.0, "executor": 80.0}
IMAGE_AIMS: Final = {"operator": 160.0, "executor": 146.0, "agent": 98.0, "simulator": 305.0}
"""MiB: half of what the images once were."""
METHOD: Final = (
    "Sizes are the kubelet's: layers as they are stored, compressed, shared ones counted in each image. Memory is the working set by the kubelet's "
    "summary, the largest of five looks ten seconds apart, a minute after the executor became Ready."
)


def prepare(cluster: Cluster) -> Stage:
    """A Ready paper gateway in a fresh namespace."""
    stage = Stage(cluster, NAMESPACE)
    images.provide(cluster, Reporter())
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=240)
    stage.prepare()
    stage.write_credentials()
    stage.start_ibkr()
    stage.install_operator(calendar(datetime.now(UTC) - timedelta(days=3)))
    stage.install_gateway()
    with stage.ibkr() as ibkr:
        demo.approve_until_ready(stage, ibkr)
    return stage


def node(cluster: Cluster) -> dict[str, Any]:
    """The node, as the API server has it."""
    found: dict[str, Any] = json.loads(cluster.kubectl("get", "nodes", "--output=json"))["items"][0]
    return found


def sizes(cluster: Cluster) -> dict[str, int]:
    """Bytes of this checkout's images, by target."""
    found = {}
    for image in node(cluster)["status"]["images"]:
        for target in images.SOURCES:
            if any(name.endswith(images.reference(target)) for name in image["names"]):
                found[target] = int(image["sizeBytes"])
    return found


def memory(cluster: Cluster) -> dict[str, int]:
    """Bytes of the working set by container, in our namespace."""
    node_stats = f"/api/v1/nodes/{node(cluster)['metadata']['name']}/proxy/stats/summary"
    place = f"{node_stats}?only_cpu_and_memory=true"
    pods = json.loads(cluster.kubectl("get", f"--raw={place}"))["pods"]
    return {
        container["name"]: int(container["memory"]["workingSetBytes"])
        for pod in pods
        if pod["podRef"]["namespace"] == NAMESPACE
        for container in pod["containers"]
        if "memory" in container
    }


def measured(sizes: dict[str, int], memory: dict[str, int]) -> Measured:
    """As figures."""
    return Measured(
        title="Images and memory",
        command="tests/bench/footprint.py --save",
        method=METHOD,
        figures=(
            *(
                Figure(
                    what=f"image {target}",
                    value=size / MIB,
                    unit="MiB",
                    aim=IMAGE_AIMS[target],
                )
                for target, size in sizes.items()
            ),
            *(
                Figure(
                    what=f"memory of the {words}",
                    value=memory[name] / MIB if name in memory else None,
                    unit="MiB",
                    aim=AIMS.get(name),
                )
                for name, words in PROGRAMS.items()
            ),
        ),
    )


@click.command()
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def main(kept: bool) -> None:
    """Print sizes and memory, in MiB."""
    cluster = Cluster.attach()
    prepare(cluster)
    time.sleep(60)
    largest: dict[str, int] = {}
    for _ in range(5):
        time.sleep(10)
        for name, size in memory(cluster).items():
            largest[name] = max(size, largest.get(name, 0))
    found = measured(sizes(cluster), largest)
    for figure in found.figures:
        print(f"{figure.what:<36} {figure.value or 0:8.1f} {figure.unit}")
    if kept:
        save("footprint", found)


if __name__ == "__main__":
    main()
