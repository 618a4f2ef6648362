"""The samples of the pages, as whoever pastes them has them: a real API server takes each, with every field known to it."""

import json

import pytest

from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError
from ibgateway_house.samples import Sample, samples

pytestmark = pytest.mark.cluster

ADDED_ON = {"HTTPRoute"}
"""Kinds that no API server has by itself: the Gateway API's."""
SAMPLES = [sample for sample in samples() if sample.body["kind"] not in ADDED_ON]


def dry(cluster: Cluster, namespace: str, body: dict[str, object]) -> str:
    """`kubectl create --dry-run=server`, where an unknown field is an error."""
    return cluster.kubectl(
        "create",
        f"--namespace={namespace}",
        "--dry-run=server",
        "--validate=strict",
        "-o=name",
        "-f=-",
        stdin=json.dumps(body),
    )


def in_namespace(body: dict[str, object], namespace: str) -> dict[str, object]:
    """A sample that names a namespace of its own is asked about in the test's."""
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    return {**body, "metadata": {**metadata, "namespace": namespace}}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.page}-{s.number}")
def test_a_sample_is_accepted(cluster: Cluster, namespace: str, sample: Sample) -> None:
    assert dry(cluster, namespace, in_namespace(sample.body, namespace))


def test_a_field_that_is_misspelt_is_refused(cluster: Cluster, namespace: str) -> None:
    wrong = SAMPLES[0].body | {"spec": {"credentialsSecretRef": {"name": "a"}, "x": 1}}
    with pytest.raises(CommandError, match="unknown field"):
        dry(cluster, namespace, in_namespace(wrong, namespace))
