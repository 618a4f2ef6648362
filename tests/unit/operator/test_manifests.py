"""Whether two bodies are the same, but for what the cluster writes there by itself."""

import pytest

from ibgateway_operator.model.manifests import Manifest, fingerprint

BODY: Manifest = {
    "kind": "Deployment",
    "metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {"mine": "1"}},
    "spec": {"replicas": 1},
}


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"readyReplicas": 1}},
        {"metadata": {**BODY["metadata"], "resourceVersion": "7", "generation": 2}},
        {
            "metadata": {
                **BODY["metadata"],
                "annotations": {"mine": "1", "deployment.kubernetes.io/revision": "4"},
            }
        },
    ],
    ids=["status", "version", "a controller's annotation"],
)
def test_what_the_cluster_does_by_itself_is_no_change(change: Manifest) -> None:
    assert fingerprint({**BODY, **change}) == fingerprint(BODY)


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"replicas": 2}},
        {"metadata": {**BODY["metadata"], "labels": {}}},
        {"metadata": {**BODY["metadata"], "ownerReferences": [{"uid": "x"}]}},
    ],
    ids=["spec", "labels", "owner"],
)
def test_what_people_change_is_one(change: Manifest) -> None:
    assert fingerprint({**BODY, **change}) != fingerprint(BODY)
