"""The pod of a program of one's own in the executor's place: the user's container, and what tells it where its gateway is. Pure.

Its only container has a name of its own, so that whoever sees the pod knows what runs in it: an executor
can be asked over HTTP, a program can't.
"""

from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.executor_spec import ExecutorSpec
from ibgateway_api.names import Component
from ibgateway_api.program_fields import OWNED_NAMES, OWNED_PREFIX, ProgramImage
from ibgateway_api.volume_fields import TOKEN_MOUNT, TOKEN_VOLUME
from ibgateway_operator.desired.containers import (
    container_security,
    env,
    mount,
    pod_spec,
    port,
    pull_secrets,
    pulled_from,
    secret_volume,
)
from ibgateway_operator.desired.input import DesiredInput, pod_labels
from ibgateway_operator.model.manifests import Manifest

GRACE_SECONDS: Final = 30
"""From SIGTERM to SIGKILL where the spec says nothing, as in a pod."""
MODEST: Final = {"requests": {"cpu": "50m", "memory": "128Mi"}}
"""Without any request a pod is the first that a node under pressure gives up."""


def program_template(given: DesiredInput, image: ProgramImage) -> Manifest:
    """One container of the user's; the gate is a readiness gate beside its own probe."""
    executor = given.spec.executor
    own = [ref.name for ref in executor.image_pull_secrets]
    token = secret_volume(TOKEN_VOLUME, given.children.gate_token, names.SECRET_TOKEN)
    return {
        "metadata": {"labels": pod_labels(given, Component.EXECUTOR)},
        "spec": pod_spec(
            given.children.executor,
            readinessGates=[{"conditionType": names.READINESS_GATE}],
            terminationGracePeriodSeconds=grace_seconds(executor),
            containers=[_container(given, image)],
            volumes=[*executor.volumes, token],
            **pull_secrets(given, own),
        ),
    }


def grace_seconds(executor: ExecutorSpec) -> int:
    """How long it may take from SIGTERM on."""
    return executor.termination_grace_period_seconds or GRACE_SECONDS


def _container(given: DesiredInput, image: ProgramImage) -> Manifest:
    spec = given.spec.executor
    wanted: dict[str, Any] = {
        "command": list(spec.command),
        "args": list(spec.args),
        "envFrom": list(spec.env_from),
        "ports": [{**port(p.name, p.container_port), "protocol": p.protocol} for p in spec.ports],
        "livenessProbe": spec.liveness_probe,
        "readinessProbe": spec.readiness_probe,
        "startupProbe": spec.startup_probe,
    }
    return {
        "name": names.CONTAINER_PROGRAM,
        "image": pulled_from(given.images.registry, image),
        "imagePullPolicy": image.pull_policy,
        "env": [*program_env(given), *(v for v in spec.env if not _is_owned(v))],
        "resources": spec.resources or MODEST,
        "securityContext": _security(spec),
        "volumeMounts": [*spec.volume_mounts, mount(TOKEN_VOLUME, TOKEN_MOUNT, read_only=True)],
        **{field: value for field, value in wanted.items() if value},
    }


def program_env(given: DesiredInput) -> list[Manifest]:
    """Where its gateway is and what it may do there; the user's variables can name these."""
    return env(
        IB_HOST=given.children.gateway,
        IB_PORT=str(names.PORT_API),
        IB_CLIENT_ID=str(given.spec.executor.client_id),
        IB_ACCOUNTS=",".join(given.spec.executor.accounts),
        TRADING_MODE=given.spec.trading_mode,
        IBGATEWAY_STATUS_URL=_status_url(given),
        IBGATEWAY_TOKEN_FILE=f"{TOKEN_MOUNT}/{names.SECRET_TOKEN}",
    )


def _status_url(given: DesiredInput) -> str:
    host = f"{given.children.gateway_pods}.{given.key.namespace}.svc"
    return f"http://{host}:{names.PORT_SENTINEL}/v1/gate"


def _is_owned(variable: Manifest) -> bool:
    """Whether the API server would have refused it: an object may be older than its rules."""
    name = str(variable.get("name", ""))
    return name in OWNED_NAMES or name.startswith(OWNED_PREFIX)


def _security(spec: ExecutorSpec) -> Manifest:
    """The restricted context, and over it what the user says; capabilities one by one."""
    ours, theirs = container_security(read_only_root=False), dict(spec.security_context or {})
    capabilities = {**ours["capabilities"], **(theirs.get("capabilities") or {})}
    return {**ours, **theirs, "capabilities": capabilities}
