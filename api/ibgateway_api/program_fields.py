"""Parts of a container whose shape is Kubernetes' own: variables, ports, probes, its security context.

As in `pod_fields` they are here to be checked when an IBGateway is applied, and passed on as they are.
What is left out is left out on purpose, and a test names it: a probe asks its own pod and no other
address, and no program is privileged.
"""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, WithJsonSchema

from ibgateway_api.document import Document
from ibgateway_api.fields import (
    ENV_PATTERN,
    IMAGE_DIGEST_PATTERN,
    REPOSITORY_PATTERN,
    PullPolicy,
    Text,
    image_reference,
    rule,
    ruled,
)
from ibgateway_api.pod_fields import Word
from ibgateway_api.volume_fields import Path, PodField, ResourceField, one_of

OWNED_PREFIX: Final = "IBGATEWAY_"
OWNED_NAMES: Final = ("IB_HOST", "IB_PORT", "IB_CLIENT_ID", "IB_ACCOUNTS", "TRADING_MODE")
"""Variables of a program that only the operator sets, beside those that begin with IBGATEWAY_."""

Argument = Annotated[str, StringConstraints(max_length=8192)]
"""A status repeats the spec: both have to fit into the API server's store."""
PortNumber = Annotated[int, Field(ge=1, le=65535)]
_PORT_NAME: Final = r"^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$"
_PortOfProbe = Annotated[
    Any, WithJsonSchema({"x-kubernetes-int-or-string": True, "examples": [8080, "http"]})
]


class ProgramImage(Document):
    """The image of a program of one's own."""

    model_config = ruled(
        rule(
            "self.digest != '' || !(self.tag in ['', 'latest', 'stable'])",
            "name a version in executor.image.tag, or pin executor.image.digest: what trades is"
            " what somebody chose, and no moving tag",
        )
    )

    repository: Annotated[
        str,
        StringConstraints(pattern=REPOSITORY_PATTERN, max_length=253),
        Field(examples=["registry.example.com/my-bot"]),
    ]
    """Image name without tag."""
    tag: Annotated[
        str,
        StringConstraints(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$", max_length=128),
        Field(examples=["1.4.2"]),
    ] = ""
    """Version; never a moving tag."""
    digest: Annotated[
        str,
        StringConstraints(pattern=IMAGE_DIGEST_PATTERN, max_length=71),
        Field(examples=["sha256:<64 hexadecimal digits>"]),
    ] = ""
    """sha256 digest; wins over the tag where it is set."""
    pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    """When the kubelet pulls the image."""

    @property
    def reference(self) -> str:
        """What goes into a pod."""
        return image_reference(self.repository, self.tag, self.digest)


class _ObjectKey(Document):
    """One key of a Secret or a ConfigMap in the same namespace."""

    name: Word
    """Its name."""
    key: Word
    """The key in it."""
    optional: bool | None = None
    """Whether the pod starts without it."""


class _EnvVarSource(Document):
    """Where a variable's value is from."""

    model_config = ruled(
        one_of("valueFrom", "secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef")
    )

    secret_key_ref: _ObjectKey | None = None
    """A key of a Secret."""
    config_map_key_ref: _ObjectKey | None = None
    """A key of a ConfigMap."""
    field_ref: PodField | None = None
    """A field of the pod."""
    resource_field_ref: ResourceField | None = None
    """A request or a limit of the container."""


class ProgramEnvVar(Document):
    """One environment variable, as in a pod."""

    model_config = ruled(
        rule(
            f"!self.name.startsWith('{OWNED_PREFIX}') && !(self.name in {list(OWNED_NAMES)})",
            "this variable is the operator's: it tells the program where its gateway is, so leave it"
            " out",
        ),
        rule(
            "!has(self.value) || !has(self.valueFrom)",
            "a variable has value or valueFrom, not both",
        ),
    )

    name: Annotated[
        str,
        StringConstraints(pattern=ENV_PATTERN, max_length=128),
        Field(examples=["LOG_LEVEL"]),
    ]
    """Name of the variable."""
    value: Annotated[str, StringConstraints(max_length=4096)] | None = None
    """Its value. A secret's stands in a Secret: valueFrom."""
    value_from: _EnvVarSource | None = None
    """Where its value is from."""


class _ObjectName(Document):
    """A Secret or a ConfigMap in the same namespace."""

    name: Word
    """Its name."""
    optional: bool | None = None
    """Whether the pod starts without it."""


class ProgramEnvSource(Document):
    """All keys of a Secret or a ConfigMap as variables, as in a pod; the operator's own variables win over them."""

    model_config = ruled(one_of("an entry of envFrom", "secretRef", "configMapRef"))

    prefix: Text | None = None
    """What each variable's name begins with."""
    secret_ref: _ObjectName | None = None
    """A Secret."""
    config_map_ref: _ObjectName | None = None
    """A ConfigMap."""


class _PortProtocol(StrEnum):
    TCP = "TCP"
    UDP = "UDP"


class ProgramPort(Document):
    """A port that the program listens on: its Services have it, and spec.networkPolicy.executorClients reach it."""

    name: Annotated[
        str, StringConstraints(pattern=_PORT_NAME, max_length=15), Field(examples=["http"])
    ]
    """Its name, in the Services too."""
    container_port: PortNumber
    """The number."""
    protocol: _PortProtocol = _PortProtocol.TCP
    """TCP or UDP."""


class _ExecProbe(Document):
    """A command in the container."""

    command: Annotated[list[Argument], Field(max_length=64)]
    """The command with its arguments; 0 is well."""


class _HttpHeader(Document):
    """A header of the question."""

    name: Text
    """Its name."""
    value: Annotated[str, StringConstraints(max_length=1024)]
    """Its value."""


class _HttpProbe(Document):
    """A GET at the pod."""

    path: Path | None = None
    """What is asked for; / where left out."""
    port: _PortOfProbe
    """A port's number or its name."""
    scheme: Annotated[str, StringConstraints(max_length=5)] | None = None
    """HTTP or HTTPS."""
    http_headers: Annotated[list[_HttpHeader], Field(max_length=16)] | None = None
    """Headers."""


class _TcpProbe(Document):
    """A connection to the pod."""

    port: _PortOfProbe
    """A port's number or its name."""


class _GrpcProbe(Document):
    """gRPC's question for health at the pod."""

    port: PortNumber
    """The port's number."""
    service: Text | None = None
    """Which service."""


_Number = Annotated[int, Field(ge=1, le=86400)]


class ProgramProbe(Document):
    """How the kubelet asks whether the program is well, as in a pod."""

    model_config = ruled(one_of("a probe", "exec", "httpGet", "tcpSocket", "grpc"))

    exec: _ExecProbe | None = None
    """A command in the container."""
    http_get: _HttpProbe | None = None
    """A GET at the pod."""
    tcp_socket: _TcpProbe | None = None
    """A connection to the pod."""
    grpc: _GrpcProbe | None = None
    """gRPC's question for health."""
    initial_delay_seconds: int | None = Field(default=None, ge=0, le=86400)
    """How long after the start the first question waits."""
    period_seconds: _Number | None = None
    """How often it is asked."""
    timeout_seconds: _Number | None = None
    """How long an answer may take."""
    success_threshold: _Number | None = None
    """How many good answers in a row make it well."""
    failure_threshold: _Number | None = None
    """How many bad ones make it unwell."""
    termination_grace_period_seconds: _Number | None = None
    """How long a program that is unwell may take to end."""


class _Capabilities(Document):
    """Linux capabilities."""

    add: Annotated[list[Text], Field(max_length=32)] | None = None
    """Given beside the runtime's own."""
    drop: Annotated[list[Text], Field(max_length=32)] | None = None
    """Taken away; ALL where left out."""


class _ProfileType(StrEnum):
    RUNTIME_DEFAULT = "RuntimeDefault"
    LOCALHOST = "Localhost"
    UNCONFINED = "Unconfined"


class _Profile(Document):
    """A profile of the kernel's filters."""

    type: _ProfileType
    """Which one."""
    localhost_profile: Path | None = None
    """A file of the node."""


class ProgramSecurity(Document):
    """The container's security context, as in a pod, over what Pod Security's restricted asks for; never privileged."""

    allow_privilege_escalation: bool | None = None
    """Whether it may gain rights; false where left out."""
    capabilities: _Capabilities | None = None
    """Linux capabilities; none where left out."""
    read_only_root_filesystem: bool | None = None
    """Whether the image's own files can't be written; false where left out."""
    run_as_group: int | None = Field(default=None, ge=0)
    """Its group; 1000 where left out."""
    run_as_non_root: bool | None = None
    """Whether the kubelet refuses root; true where left out."""
    run_as_user: int | None = Field(default=None, ge=0)
    """Its user; 1000 where left out, whatever the image says."""
    seccomp_profile: _Profile | None = None
    """Which calls to the kernel it may make; RuntimeDefault where left out."""
    app_armor_profile: _Profile | None = None
    """AppArmor's profile."""
