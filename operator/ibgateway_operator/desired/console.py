"""The browser console's Deployment. Pure."""

from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_api.spec import ConsoleAuth
from ibgateway_operator.desired.containers import (
    AGENT_TOKEN_DIR,
    bounded,
    container_security,
    env,
    http_probe,
    mount,
    optional_secret_volume,
    pod_spec,
    port,
    pull_secrets,
    scratch,
    secret_volume,
)
from ibgateway_operator.desired.input import DesiredInput, manifest, pod_labels, selector
from ibgateway_operator.model.kinds import DEPLOYMENT
from ibgateway_operator.model.manifests import Manifest

TOKEN_DIR: Final = "/run/secrets/console"  # noqa: S105 - a path
VNC_DIR: Final = "/run/secrets/vnc"


def console(given: DesiredInput) -> list[Manifest]:
    """The Deployment, or nothing where the console is off."""
    if not given.spec.novnc.enabled:
        return []
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": selector(given, Component.CONSOLE)},
        "template": _pod_template(given),
    }
    return [manifest(given, DEPLOYMENT, given.children.novnc, Component.CONSOLE, spec=spec)]


def _by_token(given: DesiredInput) -> bool:
    return given.spec.novnc.auth is ConsoleAuth.TOKEN


def _has_buttons(given: DesiredInput) -> bool:
    """Only then the console holds what can ask for a login, and the password that a person shows for it."""
    allowed = given.spec.novnc.actions.allow(given.spec.trading_mode)
    return allowed and not (_is_open_to_pods(given) and given.vnc_is_default)


def _is_open_to_pods(given: DesiredInput) -> bool:
    """Whether any pod of the cluster reaches the page, and no token is asked for: then a password that all know guards nothing."""
    policy = given.spec.network_policy.enabled and not given.spec.novnc.allowed_origins
    return not policy and not _by_token(given)


def _pod_template(given: DesiredInput) -> Manifest:
    volumes = [scratch("tmp")]
    if _by_token(given):
        volumes.append(secret_volume("token", given.console_token, names.SECRET_TOKEN))
    if _has_buttons(given):
        vnc = given.spec.credentials_secret_ref.name if given.vnc_from_user else given.vnc_secret
        volumes.append(secret_volume("agent", given.children.agent_token, names.SECRET_TOKEN))
        volumes.append(optional_secret_volume("vnc", vnc, names.SECRET_VNC_PASSWORD))
    return {
        "metadata": {"labels": pod_labels(given, Component.CONSOLE)},
        "spec": pod_spec(
            given.children.novnc,
            terminationGracePeriodSeconds=10,
            containers=[_container(given)],
            volumes=volumes,
            **pull_secrets(given),
        ),
    }


def _container(given: DesiredInput) -> Manifest:
    mounts = [mount("tmp", "/tmp")]  # noqa: S108 - a mount point in the container
    if _by_token(given):
        mounts.append(mount("token", TOKEN_DIR, read_only=True))
    if _has_buttons(given):
        mounts.append(mount("agent", AGENT_TOKEN_DIR, read_only=True))
        mounts.append(mount("vnc", VNC_DIR, read_only=True))
    return {
        "name": "console",
        "image": given.images.agent,
        "imagePullPolicy": given.images.pull_policy,
        "command": ["python3", "-m", "ibgateway_agent", "console"],
        "env": _env(given),
        "ports": [port("novnc", names.PORT_NOVNC), port("health", names.PORT_NOVNC_ADMIN)],
        "resources": bounded(cpu="20m", memory="64Mi", limit="256Mi"),
        "startupProbe": http_probe("/healthz", names.PORT_NOVNC_ADMIN, period=1, failures=60),
        "livenessProbe": http_probe(
            "/healthz", names.PORT_NOVNC_ADMIN, period=10, failures=6, timeout=5
        ),
        "readinessProbe": http_probe("/healthz", names.PORT_NOVNC_ADMIN, period=2, failures=2),
        "securityContext": container_security(read_only_root=True),
        "volumeMounts": mounts,
    }


def _hosts(given: DesiredInput) -> list[str]:
    """The names under which the console is reached inside the cluster."""
    name = given.children.novnc
    service = f"{name}.{given.key.namespace}"
    return [name, service, f"{service}.svc", f"{service}.svc.cluster.local"]


def _env(given: DesiredInput) -> list[Manifest]:
    host = given.children.sentinel_host(given.key.namespace)
    values = env(
        CONSOLE_NAME=str(given.key),
        CONSOLE_MODE=str(given.spec.trading_mode),
        CONSOLE_VNC_HOST=host,
        CONSOLE_VNC_PORT=str(names.PORT_VNC),
        CONSOLE_AUTH=str(given.spec.novnc.auth),
        CONSOLE_HOSTS=",".join(_hosts(given)),
        CONSOLE_ALLOWED_ORIGINS=",".join(given.spec.novnc.allowed_origins),
        CONSOLE_API_HOST=host,
        CONSOLE_API_PORT=str(given.api_port),
        CONSOLE_SENTINEL_HOST=host,
        CONSOLE_SENTINEL_PORT=str(names.PORT_SENTINEL),
        CONSOLE_STATIC="/opt/novnc",
    )
    token = env(CONSOLE_TOKEN_FILE=f"{TOKEN_DIR}/{names.SECRET_TOKEN}")
    buttons = env(
        CONSOLE_AGENT_TOKEN_FILE=f"{AGENT_TOKEN_DIR}/{names.SECRET_TOKEN}",
        CONSOLE_VNC_PASSWORD_FILE=f"{VNC_DIR}/{names.SECRET_VNC_PASSWORD}",
    )
    return [
        *values,
        *(token if _by_token(given) else []),
        *(buttons if _has_buttons(given) else []),
    ]
