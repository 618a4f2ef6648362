"""`kubectl port-forward` as a context manager: a loopback address that leads into the cluster."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ibgateway_cluster import Cluster, ClusterToolError


@contextmanager
def forward(cluster: Cluster, namespace: str, target: str, port: int) -> Iterator[str]:
    """`host:port` on loopback that leads to `port` of `target` (such as svc/paper-novnc).

    Raises ClusterToolError when kubectl ends before it listens.
    """
    argv = [
        "kubectl",
        f"--context=kind-{cluster.name}",
        f"--namespace={namespace}",
        "port-forward",
        "--address=127.0.0.1",
        target,
        f":{port}",
    ]
    with subprocess.Popen(
        argv,
        env=dict(cluster.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _address(process, target)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str], target: str) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.match(r"Forwarding from (127\.0\.0\.1:\d+)", line):
            return found.group(1)
    raise ClusterToolError(f"port-forward to {target} ended: {''.join(said).strip()}")
