"""The resource on a real API server: the CRD of this checkout, applied once."""

import os
from pathlib import Path

import pytest

from ibgateway_cluster import Cluster

CRD = Path(__file__).parents[2] / "crds/ibgateway.dev_ibgateways.yaml"


@pytest.fixture(scope="session", autouse=True)
def crd(cluster: Cluster) -> None:
    """Server-side, so that a chart's release may own it as well."""
    cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=tests", f"-f={CRD}"
    )
    cluster.kubectl("wait", "--for=condition=Established", "crd/ibgateways.ibgateway.dev")


@pytest.fixture(scope="session")
def own_network(cluster: Cluster) -> None:
    """What `scale_world.network.played` needs: root, and the programs of a cluster that was built."""
    if os.geteuid() != 0:
        pytest.skip("root is needed: the run makes a network namespace of its own")
