"""What every pod of ours has in common: the restricted security context, probes, small volumes. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Final

from ibgateway_api.gateway_spec import ImageSpec
from ibgateway_api.program_fields import ProgramImage
from ibgateway_operator.desired.input import USER_ID, DesiredInput
from ibgateway_operator.model.manifests import Manifest

AGENT_TOKEN_DIR: Final = "/run/secrets/agent"  # noqa: S105 - a path
GATE_TOKEN_DIR: Final = "/run/secrets/gate"  # noqa: S105 - a path
NOTIFICATIONS_DIR: Final = "/run/secrets/notifications"
SETTINGS_DIR: Final = "/etc/ibgateway"
PULL_SECRETS: Final = "imagePullSecrets"
_DEFAULT: Final = ImageSpec().repository
_HOST: Final = re.compile(r"^([^/]*[.:][^/]*|localhost)/")
"""What stands before an image's name that says where it is: a host or a port, as the container runtimes read it."""
SECRET_MODE: Final = 0o440
"""Readable by the pod's group, which fsGroup sets, and by nobody else."""


def pod_security() -> Manifest:
    """The pod's security context under Pod Security's `restricted`."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(*, read_only_root: bool) -> Manifest:
    """A container's security context; only the gateway's image needs a writable root."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": read_only_root,
        "runAsNonRoot": True,
    }


def http_probe(path: str, port: int, *, period: int, failures: int, timeout: int = 2) -> Manifest:
    """An HTTP probe; times in seconds."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
        "successThreshold": 1,
    }


def bounded(*, cpu: str, memory: str, limit: str) -> Manifest:
    """Resources of a program of ours: several times what it was seen to use, and no CPU limit."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}


def env(**values: str) -> list[Manifest]:
    """Environment variables in the order given."""
    return [{"name": name, "value": value} for name, value in values.items()]


def port(name: str, number: int) -> Manifest:
    """A named container port."""
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def mount(name: str, path: str, *, read_only: bool = False, sub_path: str = "") -> Manifest:
    """A volume mount."""
    result: Manifest = {"name": name, "mountPath": path}
    return (
        result
        | ({"readOnly": True} if read_only else {})
        | ({"subPath": sub_path} if sub_path else {})
    )


def secret_volume(name: str, secret: str, *keys: str) -> Manifest:
    """A volume with the named keys of a Secret and nothing else."""
    items = [{"key": key, "path": key} for key in keys]
    return {
        "name": name,
        "secret": {"secretName": secret, "items": items, "defaultMode": SECRET_MODE},
    }


def optional_secret_volume(name: str, secret: str, *keys: str) -> Manifest:
    """The same, with what there is of it: the pod waits for none of it, and has it once it is there."""
    volume = secret_volume(name, secret, *keys)
    return {**volume, "secret": {**volume["secret"], "optional": True}}


def config_volume(name: str, config_map: str, *keys: str) -> Manifest:
    """A volume with a ConfigMap, or with the named keys of it; its scripts may be run."""
    source: Manifest = {"name": config_map, "defaultMode": 0o555}
    if keys:
        source["items"] = [{"key": key, "path": key} for key in keys]
    return {"name": name, "configMap": source}


def scratch(name: str) -> Manifest:
    """An emptyDir."""
    return {"name": name, "emptyDir": {}}


def pull_secrets(given: DesiredInput, own: Sequence[str] = ()) -> Manifest:
    """The pod's pull secrets: the resource's and the operator's; nothing where there are none."""
    named = dict.fromkeys([*own, *given.images.pull_secrets])
    return {PULL_SECRETS: [{"name": name} for name in named]} if named else {}


def pulled_from(registry: str, image: ImageSpec | ProgramImage) -> str:
    """The user's image as the kubelet pulls it: from `registry` where the spec names no other one.

    The default image's own registry is nobody's wish, so it gives way.
    """
    named = _HOST.match(image.repository) is not None
    if not registry or (named and image.repository != _DEFAULT):
        return image.reference
    return f"{registry}/{_HOST.sub('', image.reference)}"


def pod_spec(account: str, **rest: Any) -> Manifest:
    """A pod spec without API token, service links or shared process namespace."""
    return {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        **rest,
    }
