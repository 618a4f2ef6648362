"""Parts of a pod whose shape is Kubernetes' own: placement and resources, as a pod spec has them.

They are here to be checked when an IBGateway is applied: an unknown key or a quantity that is none would
otherwise show when the gateway's pod is made. The programs pass them on as they are, so `verbatim` gives
a field the schema of a model and leaves its value alone. A test compares the fields with Kubernetes'.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, GetJsonSchemaHandler, StringConstraints, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ibgateway_api.document import Document
from ibgateway_api.fields import rule, ruled

CPU_REQUEST: Final = "250m"
"""What the gateway's container asks for where the user says nothing."""
RESOURCE_PATTERN: Final = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]+)?$"


@dataclass(frozen=True)
class verbatim:  # noqa: N801 - reads as an annotation: Annotated[dict, verbatim(Affinity)]
    """Gives a dict the schema of a model; the dict itself stays as the user wrote it."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Called by pydantic."""
        return handler(self.model.__pydantic_core_schema__)


Word = Annotated[str, StringConstraints(max_length=317)]
"""A label key has up to 253 characters, a slash and 63 more."""
Words = Annotated[list[Word], Field(max_length=32)]
Weight = Annotated[int, Field(ge=1, le=100)]
Quantity = Annotated[
    Any,
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "pattern": RESOURCE_PATTERN,
            "examples": ["250m", "2Gi"],
        }
    ),
]
Quantities = Annotated[dict[str, Quantity], Field(max_length=8)]


class _NodeOperator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class _LabelOperator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


_VALUES: Final = rule(
    "self.operator in ['Exists', 'DoesNotExist'] ? !has(self.values) || size(self.values) == 0"
    " : has(self.values) && size(self.values) > 0",
    "In and NotIn need values, Exists and DoesNotExist have none:"
    " e.g. {key: kubernetes.io/arch, operator: In, values: [amd64]}",
)


class _NodeRequirement(Document):
    """What a node's label or field must be."""

    model_config = ruled(
        _VALUES,
        rule(
            "!(self.operator in ['Gt', 'Lt']) || !has(self.values)"
            " || (size(self.values) == 1 && self.values[0].matches('^-?[0-9]+$'))",
            "Gt and Lt compare with one number: e.g. values: ['4']",
        ),
    )

    key: Word
    """Label of the node, or its field metadata.name."""
    operator: _NodeOperator
    """How it is compared."""
    values: Words | None = None
    """What it is compared with."""


class _NodeTerm(Document):
    """Requirements that must all be met by one node."""

    match_expressions: list[_NodeRequirement] | None = Field(default=None, max_length=16)
    """About the node's labels."""
    match_fields: list[_NodeRequirement] | None = Field(default=None, max_length=16)
    """About the node's fields."""


class _NodeSelector(Document):
    """Terms of which one must be met."""

    node_selector_terms: list[_NodeTerm] = Field(min_length=1, max_length=16)
    """The terms."""


class _WeightedNodeTerm(Document):
    """A term that counts for a node that meets it."""

    weight: Weight
    """How much it counts."""
    preference: _NodeTerm
    """The term."""


class _NodeAffinity(Document):
    """Nodes by their labels."""

    required_during_scheduling_ignored_during_execution: _NodeSelector | None = None
    """Nodes that will do."""
    preferred_during_scheduling_ignored_during_execution: list[_WeightedNodeTerm] | None = Field(
        default=None, max_length=16
    )
    """Nodes that are better than others."""


class _LabelRequirement(Document):
    """What a label must be."""

    model_config = ruled(_VALUES)

    key: Word
    """The label."""
    operator: _LabelOperator
    """How it is compared."""
    values: Words | None = None
    """What it is compared with."""


class _LabelSelector(Document):
    """Objects by their labels."""

    match_labels: dict[str, Word] | None = Field(default=None, max_length=32)
    """Labels and their values."""
    match_expressions: list[_LabelRequirement] | None = Field(default=None, max_length=16)
    """Requirements of labels."""


class _PodTerm(Document):
    """Pods, and what counts as one place."""

    label_selector: _LabelSelector | None = None
    """Which pods."""
    namespace_selector: _LabelSelector | None = None
    """In which namespaces, by their labels."""
    namespaces: Words | None = None
    """In which namespaces, by name; without both the gateway's own."""
    topology_key: Annotated[str, StringConstraints(min_length=1, max_length=317)]
    """Node label whose value is one place, such as kubernetes.io/hostname."""
    match_label_keys: Words | None = None
    """Labels whose value the other pods share with this one."""
    mismatch_label_keys: Words | None = None
    """Labels whose value the other pods do not share."""


class _WeightedPodTerm(Document):
    """A term that counts for a place that meets it."""

    weight: Weight
    """How much it counts."""
    pod_affinity_term: _PodTerm
    """The term."""


class _PodAffinity(Document):
    """Places by the pods that are there."""

    required_during_scheduling_ignored_during_execution: list[_PodTerm] | None = Field(
        default=None, max_length=16
    )
    """Must be met."""
    preferred_during_scheduling_ignored_during_execution: list[_WeightedPodTerm] | None = Field(
        default=None, max_length=16
    )
    """Are better met."""


class Affinity(Document):
    """Where the pod may run, as in a pod."""

    node_affinity: _NodeAffinity | None = None
    """Nodes by their labels."""
    pod_affinity: _PodAffinity | None = None
    """Near pods."""
    pod_anti_affinity: _PodAffinity | None = None
    """Away from pods."""


class _TolerationOperator(StrEnum):
    """How a taint is compared."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class _TaintEffect(StrEnum):
    """What a taint does to pods."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Document):
    """A taint that the pod tolerates, as in a pod."""

    model_config = ruled(
        rule(
            "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
            "a toleration without key tolerates every taint and needs operator: Exists",
        ),
        rule(
            "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
            "operator Exists looks at no value: leave value out, or use operator: Equal",
        ),
        rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds needs effect: NoExecute",
        ),
    )

    key: Word | None = None
    """The taint's key."""
    operator: _TolerationOperator | None = None
    """Equal where left out."""
    value: Annotated[str, StringConstraints(max_length=63)] | None = None
    """The taint's value."""
    effect: _TaintEffect | None = None
    """Which effect; left out: every one."""
    toleration_seconds: int | None = None
    """How long a taint NoExecute is tolerated."""


def _quantities(field: str) -> dict[str, str]:
    return rule(
        f"!has(self.{field}) || self.{field}.all(k, isQuantity(string(self.{field}[k])))",
        f"{field} has a value that is no quantity: write e.g. cpu: 500m, memory: 2Gi",
    )


def _fits(name: str) -> dict[str, str]:
    """A rule's text: the request stays under the limit; both have been shown to be quantities."""
    both = f"has(self.limits) && has(self.requests) && '{name}' in self.limits && '{name}' in self.requests"
    request, limit = (f"string(self.{field}['{name}'])" for field in ("requests", "limits"))
    return rule(
        f"!({both}) || !isQuantity({request}) || !isQuantity({limit})"
        f" || quantity({request}).compareTo(quantity({limit})) <= 0",
        f"requests.{name} is more than limits.{name}: lower it or raise the limit",
    )


_ANY_RESOURCES: Final = (
    _quantities("limits"),
    _quantities("requests"),
    _fits("cpu"),
    _fits("memory"),
)


class ProgramResources(Document):
    """Resource requirements of a container, as in a pod."""

    model_config = ruled(*_ANY_RESOURCES)

    limits: Quantities | None = None
    """The most it may use."""
    requests: Quantities | None = None
    """What is kept free for it."""


class Resources(ProgramResources):
    """Resource requirements of a container, as in a pod."""

    model_config = ruled(
        *_ANY_RESOURCES,
        rule(
            "!has(self.limits) || !('cpu' in self.limits) || !isQuantity(string(self.limits['cpu']))"
            " || (has(self.requests) && 'cpu' in self.requests)"
            f" || quantity(string(self.limits['cpu'])).compareTo(quantity('{CPU_REQUEST}')) >= 0",
            f"limits.cpu is under the {CPU_REQUEST} that the gateway asks for: raise it or set"
            " requests.cpu as well",
        ),
    )
