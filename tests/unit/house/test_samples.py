"""The samples of the pages are read by the models; tests/apiserver has an API server look at them too."""

import pytest

from ibgateway_api import names
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_house.samples import Sample, samples, whole

WORKLOADS = [sample for sample in samples() if sample.body["kind"] in ("Deployment", "StatefulSet")]
SAMPLES = [sample for sample in samples() if sample.body["kind"] == names.KIND]


def test_what_a_sample_is() -> None:
    assert whole("text") is None
    assert whole({"calendar": {}}) is None
    assert whole({"kind": "Role", "rules": []}) == {"kind": "Role", "rules": []}
    part = whole({"executor": {"enabled": False}})
    assert part is not None
    assert part["spec"]["executor"] == {"enabled": False}
    assert part["kind"] == "IBGateway"
    named = whole({"kind": "IBGateway", "metadata": {"name": "a"}, "spec": {"suspend": True}})
    assert named is not None
    assert named["metadata"] == {"name": "a"}


def test_the_samples_are_found() -> None:
    pages = {sample.page for sample in SAMPLES}
    assert {"README.md", "docs/install.md", "docs/going-live.md", "docs/executor.md"} <= pages
    assert {"examples/ib_async/paper.yaml", "examples/docker-compose/paper.yaml"} <= pages


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.page}-{s.number}")
def test_a_sample_is_a_spec(sample: Sample) -> None:
    IBGatewaySpec.model_validate(sample.body["spec"])


@pytest.mark.parametrize("sample", WORKLOADS, ids=lambda s: f"{s.page}-{s.number}")
def test_a_workload_is_let_into_a_namespace_with_pod_security_restricted(sample: Sample) -> None:
    pod = sample.body["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
