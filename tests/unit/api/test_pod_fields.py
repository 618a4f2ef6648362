"""The parts of a pod in the spec have Kubernetes' own fields, and what people get wrong is said in words."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from kubernetes import client
from pydantic import BaseModel

from ibgateway_api.crd import crd, in_words, schema_of
from ibgateway_api.pod_fields import RESOURCE_PATTERN, Affinity, Resources, Toleration
from ibgateway_api.program_fields import (
    ProgramEnvSource,
    ProgramEnvVar,
    ProgramPort,
    ProgramProbe,
    ProgramSecurity,
)
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.volume_fields import ProgramMount, ProgramVolume
from ibgateway_api.week import is_time_zone, time_zones

LEFT_OUT = {
    "V1ResourceRequirements": {"claims"},
    "V1EnvVarSource": {"fileKeyRef"},
    "V1VolumeMount": {"mountPropagation", "recursiveReadOnly"},
    "V1HTTPGetAction": {"host"},
    "V1TCPSocketAction": {"host"},
    "V1ContainerPort": {"hostPort", "hostIP"},
    "V1SecurityContext": {"privileged", "procMount", "seLinuxOptions", "windowsOptions"},
    "V1VolumeProjection": {"serviceAccountToken", "clusterTrustBundle", "podCertificate"},
}
"""Claims name resource claims of the pod, which the IBGateway has no field for. A probe asks its own pod alone; nothing gives a
program rights on the node, or a token of the API server."""
NEWER = {
    *("user", "defaultUser", "mode", "protocol", "bindMountOptions"),
}
"""What the oldest Kubernetes that we serve does not know, and so would drop; a file's mode is older."""
VOLUMES = {
    *("configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI"),
    "csi",
}
"""Of the kinds that Pod Security's restricted allows only ephemeral claims are left out."""
SPEC = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def compared(ours: type[BaseModel], theirs: str) -> Iterator[tuple[type[BaseModel], str]]:
    """Each pair of a model and Kubernetes' model, from the top down."""
    yield ours, theirs
    model = getattr(client, theirs)
    types = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
    for field in ours.model_fields.values():
        for inner in models(field.annotation):
            kind = types[str(field.alias)]
            yield from compared(inner, kind.removeprefix("List[").removesuffix("]"))


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models(argument)


PAIRS = [
    *compared(Affinity, "V1Affinity"),
    *compared(Toleration, "V1Toleration"),
    *compared(Resources, "V1ResourceRequirements"),
    *compared(ProgramEnvVar, "V1EnvVar"),
    *compared(ProgramEnvSource, "V1EnvFromSource"),
    *compared(ProgramVolume, "V1Volume"),
    *compared(ProgramMount, "V1VolumeMount"),
    *compared(ProgramPort, "V1ContainerPort"),
    *compared(ProgramProbe, "V1Probe"),
    *compared(ProgramSecurity, "V1SecurityContext"),
]


def test_every_part_is_compared() -> None:
    assert len({theirs for _, theirs in PAIRS}) == 50


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=str)
def test_a_part_of_a_pod_has_the_fields_that_kubernetes_has(
    ours: type[BaseModel], theirs: str
) -> None:
    known: dict[str, str] = getattr(client, theirs).attribute_map
    mine = {field.alias for field in ours.model_fields.values()}
    offered = {"name", *VOLUMES} if theirs == "V1Volume" else set(known.values())
    assert offered <= set(known.values())
    assert mine == offered - LEFT_OUT.get(theirs, set()) - (NEWER - mine)


def test_no_pattern_of_the_spec_is_refused_with_a_regular_expression() -> None:
    assert list(patterns(SPEC)) == []
    assert len(list(patterns(schema_of(IBGatewaySpec)))) > 20, "the charts still compare them"


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from patterns(item)
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for value in node.values():
            yield from patterns(value)


def test_a_pattern_becomes_a_rule_with_an_example() -> None:
    node = {"type": "string", "maxLength": 5, "pattern": "^a$", "examples": ["a", "b"]}
    assert in_words(node) == {
        "type": "string",
        "maxLength": 5,
        "x-kubernetes-validations": [
            {"rule": "self.matches(r'^a$')", "message": 'write it like "a" or "b"'}
        ],
    }


def test_only_a_quantity_has_its_pattern_checked_by_a_rule_of_its_own() -> None:
    unbounded = list(patterned(schema_of(IBGatewaySpec), bounded=False))
    assert unbounded
    assert {node["pattern"] for node in unbounded} == {RESOURCE_PATTERN}
    assert in_words(unbounded[0]) == {"x-kubernetes-int-or-string": True}
    words = {rule["message"] for rule in Resources.model_json_schema()["x-kubernetes-validations"]}
    assert sum("that is no quantity" in word for word in words) == 2


def patterned(node: Any, *, bounded: bool) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str) and ("maxLength" in node) is bounded:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from patterned(item, bounded=bounded)


def test_a_field_of_the_spec_may_be_called_as_a_keyword_is() -> None:
    properties = {"type": "object", "properties": {"examples": {"type": "string"}}}
    assert in_words(properties) == properties


def test_the_resource_knows_every_time_zone_that_the_programs_know() -> None:
    (rule,) = [r for r in SPEC["x-kubernetes-validations"] if "'Europe/Berlin'" in r["rule"]]
    for zone in ("America/New_York", "US/Eastern", "UTC", "Etc/GMT+5", "America/Indiana/Knox"):
        assert f"'{zone}'" in rule["rule"]
    assert all(is_time_zone(zone) for zone in time_zones())
    assert "Factory" not in time_zones()
