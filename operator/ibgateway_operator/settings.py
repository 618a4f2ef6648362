"""The operator's settings: read once from the environment, frozen.

Each field says its default, its meaning and what breaks when it is wrong.
"""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ibgateway_api.week import Calendar
from ibgateway_runtime.errors import SettingsError

DEFAULT_LEASE: Final = "ibgateway-operator"
DEFAULT_CALENDAR_FILE: Final = "/etc/ibgateway-operator/calendar.json"


@dataclass(frozen=True)
class Images:
    """What the children run; a wrong name shows as ImagePullBackOff on the pods."""

    agent: str
    executor: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    registry: str = ""
    """Where a gateway's image is pulled from that names no registry, and the default one; empty changes none."""


@dataclass(frozen=True)
class OperatorSettings:
    """Everything the operator is told from outside."""

    images: Images
    watch_namespaces: tuple[str, ...] = ()
    """The namespaces that are served; none serves all, which needs a ClusterRole."""
    own_namespace: str = "default"
    """Where the operator runs: NetworkPolicies let it in from there."""
    instance: str = "ibgateway-operator"
    """The pod's name: shown in Events, and the Lease's holder, so no two processes may share it."""
    lease: str = DEFAULT_LEASE
    """The Lease in `own_namespace` whose holder works; operators of one release share it, and the
    watchdog reads it: with another one it calls the operator away."""
    calendar: Calendar = field(default_factory=Calendar)
    """IBKR's times; wrong ones open the restart window at the wrong moment."""
    liveness_port: int = 8089
    """/healthz; 0 serves none."""
    metrics_port: int = 8088
    """/metrics; 0 serves none."""
    metrics_from: tuple[Mapping[str, Any], ...] = ()
    """Peers, as in a NetworkPolicy, that may read the metrics of the gateways' pods; none keeps everybody out."""
    log_level: str = "INFO"


def from_environment(env: Mapping[str, str]) -> OperatorSettings:
    """Settings from environment variables. Raises SettingsError with the variable's name."""
    images = Images(
        agent=_required(env, "OPERATOR_AGENT_IMAGE"),
        executor=_required(env, "OPERATOR_EXECUTOR_IMAGE"),
        pull_policy=env.get("OPERATOR_IMAGE_PULL_POLICY", "IfNotPresent"),
        pull_secrets=_list(env.get("OPERATOR_IMAGE_PULL_SECRETS", "")),
        registry=env.get("OPERATOR_IMAGE_REGISTRY", ""),
    )
    return OperatorSettings(
        images=images,
        watch_namespaces=namespaces_from(env),
        own_namespace=env.get("POD_NAMESPACE", "default"),
        instance=env.get("POD_NAME") or f"{platform.node()}-{os.getpid()}",
        lease=env.get("OPERATOR_LEASE", DEFAULT_LEASE),
        calendar=calendar_from(Path(env.get("OPERATOR_CALENDAR_FILE", DEFAULT_CALENDAR_FILE))),
        liveness_port=_port(env, "OPERATOR_LIVENESS_PORT", 8089),
        metrics_port=_port(env, "OPERATOR_METRICS_PORT", 8088),
        metrics_from=_peers(env),
        log_level=env.get("OPERATOR_LOG_LEVEL", "INFO"),
    )


def namespaces_from(env: Mapping[str, str]) -> tuple[str, ...]:
    """The namespaces that are served; none for all. Raises SettingsError where nothing is said."""
    if "WATCH_NAMESPACE" not in env:
        raise SettingsError("WATCH_NAMESPACE is not set: name namespaces, or set it empty for all")
    return _list(env["WATCH_NAMESPACE"])


def calendar_from(file: Path) -> Calendar:
    """IBKR's times from a JSON file; the published ones where there is no file."""
    try:
        return Calendar.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Calendar()
    except OSError as error:
        raise SettingsError(
            f"the calendar file {file} can't be read: {error.strerror}; OPERATOR_CALENDAR_FILE names one JSON file"
        ) from error
    except ValidationError as error:
        raise SettingsError(f"the calendar file {file} is not usable: {error}") from error


def _required(env: Mapping[str, str], name: str) -> str:
    if value := env.get(name):
        return value
    raise SettingsError(f"{name} is not set")


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _peers(env: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    name = "OPERATOR_METRICS_FROM"
    try:
        peers = json.loads(env.get(name) or "[]")
    except ValueError as error:
        raise SettingsError(f"{name} is no JSON: {error}") from error
    # An empty peer is everybody; whoever means that says so with an empty podSelector and namespaceSelector.
    if isinstance(peers, list) and all(isinstance(peer, dict) and peer for peer in peers):
        return tuple(peers)
    raise SettingsError(f"{name} is no list of peers of a NetworkPolicy")


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    raise SettingsError(f"{name} is not a port: {text!r}")
