"""Volumes of a program of one's own, as a pod has them, and where they stand in its container.

Passed on as they are, like what is in `pod_fields`. No kind is offered that Pod Security's `restricted`
forbids, nor a token of the API server; ephemeral claims are left out for the size of their schema.
"""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from ibgateway_api.document import Document
from ibgateway_api.fields import Text, rule, ruled
from ibgateway_api.pod_fields import Quantity, Word

TOKEN_MOUNT: Final = "/run/secrets/ibgateway"  # noqa: S105 - a path
"""Where a program finds the token for the gate's report."""
TOKEN_VOLUME: Final = "ibgateway-token"  # noqa: S105 - a name

_TOKEN_FOLDERS: Final = ("/run", "/run/secrets", TOKEN_MOUNT)
_OVER_TOKEN: Final = (
    "/",
    *(
        f"{root}{folder}{end}"
        for root in ("", "/var")
        for folder in _TOKEN_FOLDERS
        for end in ("", "/")
    ),
)
"""Mounts that would hide the token; /var/run is a link to /run in most images."""

Path = Annotated[str, StringConstraints(max_length=1024)]
FileMode = Annotated[int, Field(ge=0, le=0o777)]
_VOLUME_NAME: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"


def one_of(what: str, *fields: str) -> dict[str, str]:
    """A rule that exactly one of several fields is there."""
    counted = " + ".join(f"(has(self.{field}) ? 1 : 0)" for field in fields)
    return rule(f"{counted} == 1", f"{what} has exactly one of {', '.join(fields)}")


class PodField(Document):
    """A field of the pod."""

    api_version: Text | None = None
    """Version of its schema."""
    field_path: Text
    """Which one, such as metadata.name."""


class ResourceField(Document):
    """A request or a limit of the container."""

    container_name: Text | None = None
    """Which container; needed in volumes."""
    resource: Text
    """Which one, such as limits.memory."""
    divisor: Quantity | None = None
    """The unit that it is given in."""


class _KeyToPath(Document):
    """Where one key goes."""

    key: Word
    """The key."""
    path: Path
    """Its file, below the mount."""
    mode: FileMode | None = None
    """The file's mode."""


_Items = Annotated[list[_KeyToPath], Field(max_length=64)]


class _ConfigMapFiles(Document):
    """Files from a ConfigMap."""

    name: Word
    """Its name."""
    items: _Items | None = None
    """Which keys; left out: all."""
    default_mode: FileMode | None = None
    """Mode of the files."""
    optional: bool | None = None
    """Whether the pod starts without it."""


class _SecretFiles(Document):
    """Files from a Secret."""

    secret_name: Word
    """Its name."""
    items: _Items | None = None
    """Which keys; left out: all."""
    default_mode: FileMode | None = None
    """Mode of the files."""
    optional: bool | None = None
    """Whether the pod starts without it."""


class _EmptyDir(Document):
    """A directory that goes with the pod."""

    medium: Text | None = None
    """Memory, or empty for the node's disk."""
    size_limit: Quantity | None = None
    """How much it may hold."""


class _ClaimMount(Document):
    """A PersistentVolumeClaim of one's own."""

    claim_name: Word
    """Its name."""
    read_only: bool | None = None
    """Whether nothing may be written."""


class _DownwardFile(Document):
    """One file about the pod."""

    model_config = ruled(one_of("a file about the pod", "fieldRef", "resourceFieldRef"))

    path: Path
    """The file, below the mount."""
    field_ref: PodField | None = None
    """A field of the pod."""
    resource_field_ref: ResourceField | None = None
    """A request or a limit of a container."""
    mode: FileMode | None = None
    """The file's mode."""


class _DownwardFiles(Document):
    """Files about the pod."""

    items: list[_DownwardFile] = Field(max_length=16)
    """The files."""
    default_mode: FileMode | None = None
    """Mode of the files."""


class _NamedObject(Document):
    """A Secret in the same namespace."""

    name: Word
    """Its name."""


class _CsiVolume(Document):
    """A volume that a driver makes for the pod, such as secrets of a vault."""

    driver: Text
    """The driver's name."""
    read_only: bool | None = None
    """Whether nothing may be written."""
    fs_type: Text | None = None
    """Its file system."""
    volume_attributes: Annotated[dict[str, Text], Field(max_length=32)] | None = None
    """What the driver is told."""
    node_publish_secret_ref: _NamedObject | None = None
    """A Secret that the driver is given."""


class _ProjectedSecret(Document):
    """Files from a Secret, beside others."""

    name: Word
    """Its name."""
    items: _Items | None = None
    """Which keys; left out: all."""
    optional: bool | None = None
    """Whether the pod starts without it."""


class _ProjectedDownward(Document):
    """Files about the pod, beside others."""

    items: list[_DownwardFile] = Field(max_length=16)
    """The files."""


class _ProjectedSource(Document):
    """One source of several."""

    model_config = ruled(one_of("a projected source", "secret", "configMap", "downwardAPI"))

    secret: _ProjectedSecret | None = None
    """A Secret."""
    config_map: _ProjectedSecret | None = None
    """A ConfigMap."""
    downward_api: _ProjectedDownward | None = Field(default=None, alias="downwardAPI")
    """The pod itself."""


class _Projected(Document):
    """Several sources in one directory."""

    sources: list[_ProjectedSource] = Field(max_length=16)
    """The sources."""
    default_mode: FileMode | None = None
    """Mode of the files."""


class ProgramVolume(Document):
    """A volume, as in a pod: of the kinds that Pod Security's restricted allows, but for ephemeral claims."""

    model_config = ruled(
        rule(
            f"self.name != '{TOKEN_VOLUME}'",
            f"{TOKEN_VOLUME} is the operator's volume: give this one another name",
        ),
        one_of(
            "a volume",
            *("configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"),
            *("downwardAPI", "csi"),
        ),
    )

    name: Annotated[
        str, StringConstraints(pattern=_VOLUME_NAME, max_length=63), Field(examples=["strategy"])
    ]
    """What volumeMounts call it."""
    config_map: _ConfigMapFiles | None = None
    """Files from a ConfigMap."""
    secret: _SecretFiles | None = None
    """Files from a Secret."""
    empty_dir: _EmptyDir | None = None
    """A directory that goes with the pod."""
    persistent_volume_claim: _ClaimMount | None = None
    """A PersistentVolumeClaim of one's own."""
    projected: _Projected | None = None
    """Several sources in one directory."""
    downward_api: _DownwardFiles | None = Field(default=None, alias="downwardAPI")
    """Files about the pod."""
    csi: _CsiVolume | None = None
    """A volume that a driver makes for the pod."""


class ProgramMount(Document):
    """Where a volume stands in the container, as in a pod."""

    model_config = ruled(
        rule(
            "self.mountPath.startsWith('/') && !self.mountPath.contains(':')"
            " && !self.mountPath.contains('..') && !self.mountPath.contains('//')"
            " && !self.mountPath.contains('/./') && !self.mountPath.endsWith('/.')",
            "mountPath is an absolute path without ':', '..', '/./' and '//': e.g. /var/lib/strategy",
        ),
        rule(
            f"!(self.mountPath in {[*_OVER_TOKEN]})"
            f" && !self.mountPath.startsWith('{TOKEN_MOUNT}/')"
            f" && !self.mountPath.startsWith('/var{TOKEN_MOUNT}/')",
            f"{TOKEN_MOUNT} has the operator's token: mount this volume elsewhere, and none over /run",
        ),
    )

    name: Annotated[str, StringConstraints(max_length=63)]
    """The volume."""
    mount_path: Path
    """Where it stands."""
    sub_path: Path | None = None
    """Which part of the volume."""
    sub_path_expr: Path | None = None
    """The same, with variables."""
    read_only: bool | None = None
    """Whether nothing may be written."""
