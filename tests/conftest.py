"""Fixtures that every tier above the unit tests shares."""

import secrets
from collections.abc import Iterator

import pytest

from ibgateway_cluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The running cluster of this checkout; `make cluster` starts it."""
    return Cluster.attach()


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of this module's own, gone afterwards."""
    name = f"test-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
