"""Field shapes that the resource repeats: patterns, CEL rules, Kubernetes fragments kept as they are."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from ibgateway_api.document import Document

NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
GATEWAY_NAME_PATTERN: Final = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
"""Child names add up to 15 characters and pod names a hash: 40 leaves room below 63."""
PERSON_PATTERN: Final = r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$"
CLOCK_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
ZONE_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$"
QUANTITY_PATTERN: Final = r"^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$"
MONEY_PATTERN: Final = r"^[0-9]{1,12}(\.[0-9]{1,4})?$"
PERCENT_PATTERN: Final = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$"
ACCOUNT_PATTERN: Final = r"^[A-Z]{1,3}[0-9]{3,12}$"
SYMBOL_PATTERN: Final = r"^[A-Z0-9]([A-Z0-9 ./-]*[A-Z0-9])?$"
ENV_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
ORIGIN_PATTERN: Final = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
URL_PATTERN: Final = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$"
REPOSITORY_PATTERN: Final = r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]{1,2}[a-z0-9]+)*)*$"
LABEL_PATTERN: Final = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
IMAGE_DIGEST_PATTERN: Final = r"^(sha256:[0-9a-f]{64})?$"


def rule(expression: str, message: str) -> dict[str, str]:
    """One CEL validation; `message` tells the user what to do."""
    return {"rule": expression, "message": message}


def ruled(*rules: Mapping[str, str]) -> ConfigDict:
    """Model configuration that carries CEL rules into the schema."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [dict(r) for r in rules]})


ObjectName = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN, max_length=253), Field(examples=["ib-credentials"])
]
Clock = Annotated[
    str, StringConstraints(pattern=CLOCK_PATTERN, max_length=5), Field(examples=["09:00"])
]
ZoneName = Annotated[
    str, StringConstraints(pattern=ZONE_PATTERN, max_length=64), Field(examples=["Europe/Berlin"])
]
Size = Annotated[
    str, StringConstraints(pattern=QUANTITY_PATTERN, max_length=20), Field(examples=["2Gi"])
]
Money = Annotated[
    str, StringConstraints(pattern=MONEY_PATTERN, max_length=20), Field(examples=["25000.50"])
]
Percent = Annotated[
    str, StringConstraints(pattern=PERCENT_PATTERN, max_length=6), Field(examples=["2.5"])
]
AccountId = Annotated[
    str, StringConstraints(pattern=ACCOUNT_PATTERN, max_length=16), Field(examples=["DU1234567"])
]
Symbol = Annotated[
    str, StringConstraints(pattern=SYMBOL_PATTERN, max_length=32), Field(examples=["AAPL"])
]
Text = Annotated[str, StringConstraints(max_length=253)]
PersonName = Annotated[
    str, StringConstraints(pattern=PERSON_PATTERN, max_length=63), Field(examples=["anna"])
]
Origin = Annotated[
    str,
    StringConstraints(pattern=ORIGIN_PATTERN, max_length=253),
    Field(examples=["https://desk.example.com:8443"]),
]
TargetsUrl = Annotated[
    str,
    StringConstraints(pattern=URL_PATTERN, max_length=2000),
    Field(examples=["https://desk.example.com/targets"]),
]
LabelValue = Annotated[
    str, StringConstraints(pattern=LABEL_PATTERN, max_length=63), Field(examples=["ssd"])
]
LabelMap = Annotated[dict[str, LabelValue], Field(max_length=32)]
AnnotationMap = Annotated[dict[str, Text], Field(max_length=32)]


def image_reference(repository: str, tag: str, digest: str) -> str:
    """What goes into a pod; a digest wins over the tag."""
    return f"{repository}@{digest}" if digest else f"{repository}:{tag}"


class PullPolicy(StrEnum):
    """When the kubelet pulls the image."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class NamedRef(Document):
    """A Secret in the same namespace."""

    name: ObjectName
    """The Secret's name."""


class KeyRef(Document):
    """One key of a Secret in the same namespace."""

    name: ObjectName
    """The Secret's name."""
    key: Text = "url"
    """The key in it."""


FROZEN_STORAGE: Final = rule(
    "self == oldSelf",
    "storage can't be changed after creation: expand the claim itself, or create a new IBGateway",
)


class StorageSpec(Document):
    """A volume claim."""

    model_config = ruled(FROZEN_STORAGE)

    size: Size = "1Gi"
    """Requested size."""
    storage_class_name: Annotated[str, StringConstraints(max_length=253)] = ""
    """Storage class; empty takes the cluster's default."""
