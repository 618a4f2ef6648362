"""The gateway's pod template: IB Gateway behind its wrapper, with the sentinel as native sidecar. Pure.

Anything that changes here changes the template, and with it costs a push at the next start; so
labels, settings and the operator's own version stay out of it where they can.
"""

from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.gateway_spec import HEAP_OVERHEAD_MIB, GatewaySpec
from ibgateway_api.names import Component
from ibgateway_api.pod_fields import CPU_REQUEST
from ibgateway_operator.desired.config import IBC_KEY, PRESTOP_KEY, WRAPPER_KEY
from ibgateway_operator.desired.containers import (
    AGENT_TOKEN_DIR,
    GATE_TOKEN_DIR,
    NOTIFICATIONS_DIR,
    SECRET_MODE,
    SETTINGS_DIR,
    bounded,
    config_volume,
    container_security,
    env,
    http_probe,
    mount,
    optional_secret_volume,
    pod_spec,
    port,
    pull_secrets,
    pulled_from,
    scratch,
    secret_volume,
)
from ibgateway_operator.desired.input import DesiredInput, pod_labels
from ibgateway_operator.model.manifests import Manifest

GRACE_SECONDS: Final = 180
"""Time for preStop: PAUSE acts at a full minute; a kill strands IBKR's session slot for hours."""
STAYS: Final = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""No node is given up only because a gateway would fit on another one; spec.gateway.podAnnotations may say otherwise."""
RUN_DIR: Final = "/run/ibgateway"
STATE_DIR: Final = "/var/lib/ibgateway"
HOME: Final = "/home/ibgateway"
SETTINGS_PATH: Final = f"{HOME}/tws_settings"
"""Never `Jts`: it holds the program, and an old volume would shadow a new version."""
CREDENTIALS_DIR: Final = "/run/secrets/ib"


def pod_template(given: DesiredInput) -> Manifest:
    """The template of the StatefulSet."""
    gateway = given.spec.gateway
    meta: Manifest = {
        "labels": pod_labels(given, Component.GATEWAY),
        "annotations": STAYS | dict(gateway.pod_annotations),
    }
    return {
        "metadata": meta,
        "spec": pod_spec(
            given.children.gateway,
            terminationGracePeriodSeconds=GRACE_SECONDS,
            initContainers=[_sentinel(given)],
            containers=[_gateway(given)],
            volumes=_volumes(given),
            **_placement(gateway),
            **pull_secrets(given, [ref.name for ref in gateway.image_pull_secrets]),
        ),
    }


def _placement(gateway: GatewaySpec) -> Manifest:
    wanted: Manifest = {
        "nodeSelector": dict(gateway.node_selector),
        "tolerations": list(gateway.tolerations),
        "affinity": dict(gateway.affinity),
        "priorityClassName": gateway.priority_class_name,
    }
    return {name: value for name, value in wanted.items() if value}


def _gateway(given: DesiredInput) -> Manifest:
    gateway = given.spec.gateway
    return {
        "name": "gateway",
        "image": pulled_from(given.images.registry, gateway.image),
        "imagePullPolicy": gateway.image.pull_policy,
        "command": ["bash", f"{SETTINGS_DIR}/{WRAPPER_KEY}"],
        "env": _gateway_env(given),
        "ports": [port("api", given.api_port), port("vnc", names.PORT_VNC)],
        "resources": resources(gateway),
        "lifecycle": {"preStop": {"exec": {"command": ["bash", f"{SETTINGS_DIR}/{PRESTOP_KEY}"]}}},
        "securityContext": container_security(read_only_root=False),
        "volumeMounts": [
            mount("data", SETTINGS_PATH, sub_path="settings"),
            mount("run", RUN_DIR),
            mount("config", SETTINGS_DIR, read_only=True),
            mount("start-scripts", f"{HOME}/init-scripts/start", read_only=True),
            mount("credentials", CREDENTIALS_DIR, read_only=True),
        ],
    }


def _gateway_env(given: DesiredInput) -> list[Manifest]:
    gateway = given.spec.gateway
    owned = env(
        TWS_USERID_FILE=f"{CREDENTIALS_DIR}/{names.SECRET_USERNAME}",
        TWS_PASSWORD_FILE=f"{CREDENTIALS_DIR}/{names.SECRET_PASSWORD}",
        VNC_SERVER_PASSWORD_FILE=f"{CREDENTIALS_DIR}/{names.SECRET_VNC_PASSWORD}",
        TRADING_MODE=given.spec.trading_mode,
        TWS_SETTINGS_PATH=SETTINGS_PATH,
        START_SCRIPTS="init-scripts/start",
        **_nightly(gateway),
        TZ="Etc/UTC",
        TWOFA_DEVICE=gateway.two_factor_device,
        TWOFA_TIMEOUT_ACTION="exit",
        RELOGIN_AFTER_TWOFA_TIMEOUT="no",
        READ_ONLY_API="yes" if gateway.read_only_api else "no",
        JAVA_HEAP_SIZE=str(gateway.java_heap_mi_b),
    )
    return [*owned, *(env(**{v.name: v.value})[0] for v in gateway.env)]


def _nightly(gateway: GatewaySpec) -> dict[str, str]:
    """When the gateway restarts itself: told to it and to the sentinel, which holds trading for it."""
    return {"AUTO_RESTART_TIME": gateway.auto_restart_time, "TIME_ZONE": gateway.time_zone}


def resources(gateway: GatewaySpec) -> Manifest:
    """The user's resources over a request that covers the heap; no CPU limit: it would burn pushes."""
    requests = {"cpu": CPU_REQUEST, "memory": f"{gateway.java_heap_mi_b + HEAP_OVERHEAD_MIB}Mi"}
    wanted: dict[str, Any] = dict(gateway.resources)
    return {**wanted, "requests": requests | dict(wanted.get("requests") or {})}


def _sentinel(given: DesiredInput) -> Manifest:
    health = names.PORT_SENTINEL
    return {
        "name": "sentinel",
        "image": given.images.agent,
        "imagePullPolicy": given.images.pull_policy,
        "restartPolicy": "Always",
        "command": ["python3", "-m", "ibgateway_agent", "sentinel"],
        "env": env(
            SENTINEL_SETTINGS=f"{SETTINGS_DIR}/settings.json",
            SENTINEL_RUN_DIR=RUN_DIR,
            SENTINEL_STATE_DIR=STATE_DIR,
            SENTINEL_TOKEN_FILE=f"{AGENT_TOKEN_DIR}/{names.SECRET_TOKEN}",
            SENTINEL_GATE_TOKEN_FILE=f"{GATE_TOKEN_DIR}/{names.SECRET_TOKEN}",
            SENTINEL_NOTIFICATIONS_DIR=NOTIFICATIONS_DIR,
            **_nightly(given.spec.gateway),
        ),
        "ports": [port("sentinel", health), port("metrics", names.PORT_SENTINEL_METRICS)],
        "resources": bounded(cpu="20m", memory="96Mi", limit="256Mi"),
        "startupProbe": http_probe("/healthz", health, period=1, failures=60),
        "livenessProbe": http_probe("/healthz", health, period=10, failures=6, timeout=5),
        "readinessProbe": http_probe("/readyz?held", health, period=1, failures=1),
        "securityContext": container_security(read_only_root=True),
        "volumeMounts": [
            mount("data", STATE_DIR, sub_path="sentinel"),
            mount("run", RUN_DIR),
            mount("config", SETTINGS_DIR, read_only=True),
            mount("agent-token", AGENT_TOKEN_DIR, read_only=True),
            mount("gate-token", GATE_TOKEN_DIR, read_only=True),
            mount("notifications", NOTIFICATIONS_DIR, read_only=True),
            mount("tmp", "/tmp"),  # noqa: S108 - a mount point in the container
        ],
    }


def _volumes(given: DesiredInput) -> list[Manifest]:
    return [
        scratch("run"),
        scratch("tmp"),
        config_volume("config", given.children.gateway),
        config_volume("start-scripts", given.children.gateway, IBC_KEY),
        secret_volume("agent-token", given.children.agent_token, names.SECRET_TOKEN),
        secret_volume("gate-token", given.children.gate_token, names.SECRET_TOKEN),
        optional_secret_volume(
            "notifications", _notifications(given), names.SECRET_URLS, names.SECRET_HEARTBEAT
        ),
        _credentials(given),
    ]


def _notifications(given: DesiredInput) -> str:
    """Mounted whether it is used or not: with this name it begins to be used without another template."""
    named = given.spec.notifications.secret_ref
    return named.name if named else given.children.notifications


def _credentials(given: DesiredInput) -> Manifest:
    """User name and password together, so that both are of one state of the Secret, and the VNC password.

    The latter is the user's own or the default.
    """
    user = given.spec.credentials_secret_ref.name
    vnc = user if given.vnc_from_user else given.vnc_secret
    return {
        "name": "credentials",
        "projected": {
            "defaultMode": SECRET_MODE,
            "sources": [
                _source(user, names.SECRET_USERNAME, names.SECRET_PASSWORD),
                _source(vnc, names.SECRET_VNC_PASSWORD),
            ],
        },
    }


def _source(secret: str, *keys: str) -> Manifest:
    items = [{"key": key, "path": key} for key in keys]
    return {"secret": {"name": secret, "items": items}}
