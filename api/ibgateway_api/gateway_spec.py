"""The part of the spec that shapes the IB Gateway pod."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from ibgateway_api.document import Document
from ibgateway_api.fields import (
    ENV_PATTERN,
    IMAGE_DIGEST_PATTERN,
    REPOSITORY_PATTERN,
    AnnotationMap,
    LabelMap,
    NamedRef,
    PullPolicy,
    StorageSpec,
    Text,
    ZoneName,
    image_reference,
    rule,
    ruled,
)
from ibgateway_api.pod_fields import Affinity, Resources, Toleration, verbatim

HEAP_OVERHEAD_MIB: Final = 640
"""What the JVM needs beside its heap, with Xvfb, x11vnc and socat."""


OWNED_VARIABLES: Final = (
    *("RELOGIN_AFTER_TWOFA_TIMEOUT", "TWOFA_TIMEOUT_ACTION", "TWOFA_DEVICE", "TRADING_MODE"),
    *("START_SCRIPTS", "AUTO_RESTART_TIME", "AUTO_LOGOFF_TIME", "EXISTING_SESSION_DETECTED_ACTION"),
    *("READ_ONLY_API", "JAVA_HEAP_SIZE", "TIME_ZONE", "TZ", "CUSTOM_CONFIG", "SSH_TUNNEL"),
)
"""Variables of the image that only the operator sets, beside those that begin with TWS_."""


class LoginDriver(StrEnum):
    """What drives the login dialogs, and so the log grammar."""

    IBC = "ibc"


class ImageSpec(Document):
    """The gateway's image."""

    model_config = ruled(
        rule(
            "self.digest != '' || !(self.tag in ['latest', 'stable'])",
            "name a version in image.tag, or pin image.digest: a moving tag restarts into a push",
        )
    )

    repository: Annotated[
        str,
        StringConstraints(pattern=REPOSITORY_PATTERN, max_length=253),
        Field(examples=["ghcr.io/gnzsnz/ib-gateway"]),
    ] = "ghcr.io/gnzsnz/ib-gateway"
    """Image name without tag."""
    tag: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", max_length=128),
        Field(examples=["10.45.1j"]),
    ] = "10.45.1j"
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


class EnvVar(Document):
    """One more environment variable of the gateway container."""

    model_config = ruled(
        rule(
            "!self.name.startsWith('TWS_') && !self.name.startsWith('VNC_SERVER_PASSWORD')"
            f" && !(self.name in {list(OWNED_VARIABLES)})",
            "this variable is owned by the operator: use the field of the spec that stands for it",
        )
    )

    name: Annotated[
        str,
        StringConstraints(pattern=ENV_PATTERN, max_length=128),
        Field(examples=["JAVA_OPTIONS"]),
    ]
    """Name of the variable."""
    value: Annotated[str, StringConstraints(max_length=4096)] = ""
    """Its value. Secrets do not belong here."""


class GatewaySpec(Document):
    """The IB Gateway pod."""

    model_config = ruled(
        rule(
            "self.timeZone != 'America/New_York' || !self.autoRestartTime.matches("
            "'^(11:[0-5][0-9] PM|12:[0-5][0-9] AM|0[12]:[0-5][0-9] AM)$')",
            "gateway.autoRestartTime lies in IBKR's nightly reset or Friday's outage"
            " (11:00 PM to 03:00 AM New York): choose a time before or after it",
        ),
        rule(
            "!has(self.resources) || !has(self.resources.limits) || !('memory' in self.resources.limits)"
            " || !isQuantity(string(self.resources.limits['memory']))"
            " || quantity(string(self.resources.limits['memory'])).asApproximateFloat()"
            f" >= double(self.javaHeapMiB + {HEAP_OVERHEAD_MIB}) * 1048576.0",
            f"gateway.resources.limits.memory is under javaHeapMiB and {HEAP_OVERHEAD_MIB} MiB more: the"
            " gateway would be killed in mid-session; with the default heap of 1024 write 1664Mi or"
            " more, or lower javaHeapMiB",
        ),
    )

    image: ImageSpec = ImageSpec()
    """The gateway's image."""
    login_driver: LoginDriver = LoginDriver.IBC
    """What drives the login dialogs."""
    time_zone: ZoneName = "America/New_York"
    """The gateway's own zone: autoRestartTime is read in it."""
    auto_restart_time: Annotated[
        str,
        StringConstraints(pattern=r"^(0[1-9]|1[0-2]):[0-5][0-9] (AM|PM)$", max_length=8),
        Field(examples=["10:00 PM"]),
    ] = "10:00 PM"
    """Nightly restart by token, without a push; hh:mm AM or PM with two digits."""
    two_factor_device: Text = "IB Key"
    """The second factor's name exactly as IBKR lists it."""
    read_only_api: bool = False
    """Refuse orders at the gateway."""
    java_heap_mi_b: int = Field(default=1024, ge=256, le=16384, alias="javaHeapMiB")
    """Java heap in MiB; the memory request covers it."""
    resources: Annotated[dict[str, Any], verbatim(Resources)] = {}
    """Resource requirements of the gateway container; limits.memory covers the heap and 640 MiB."""
    storage: StorageSpec = StorageSpec()
    """Settings and the attempt ledger."""
    env: list[EnvVar] = Field(
        default=[],
        max_length=32,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """More environment variables."""
    node_selector: LabelMap = {}
    """Node labels the pod wants."""
    tolerations: list[Annotated[dict[str, Any], verbatim(Toleration)]] = Field(
        default=[], max_length=16
    )
    """Taints the pod tolerates."""
    affinity: Annotated[dict[str, Any], verbatim(Affinity)] = {}
    """Where the pod may run, as in a pod."""
    image_pull_secrets: list[NamedRef] = Field(
        default=[],
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Secrets for pulling the image."""
    priority_class_name: Text = ""
    """Priority class of the pod."""
    pod_annotations: AnnotationMap = {}
    """More annotations of the pod."""
