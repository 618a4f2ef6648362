"""The executor's Deployment and the claim of its ledger; or a program of one's own in that Deployment. Pure.

The claim has no owner: a ledger outlives its resource. Its trading mode is stamped on it, so that a
live executor never adopts a paper ledger. For a program none is made, and one that is there stays.
"""

from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_operator.desired.containers import (
    AGENT_TOKEN_DIR,
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
    scratch,
    secret_volume,
)
from ibgateway_operator.desired.gateway import claim
from ibgateway_operator.desired.input import DesiredInput, manifest, pod_labels, selector
from ibgateway_operator.desired.program import program_template
from ibgateway_operator.model.kinds import DEPLOYMENT
from ibgateway_operator.model.manifests import Manifest, digest

DATA_DIR: Final = "/var/lib/ibgateway"
BACKUP_DIR: Final = "/var/lib/ibgateway-backup"
DATABASE_DIR: Final = "/run/secrets/database"
TOKEN_DIR: Final = "/run/secrets/executor"  # noqa: S105 - a path
TARGETS: Final = "targets-token"
TARGETS_DIR: Final = "/run/secrets/targets"


def executor(given: DesiredInput) -> list[Manifest]:
    """The claim and the Deployment, or nothing where the executor is off."""
    if not given.spec.executor.enabled:
        return []
    if given.spec.executor.image is not None:
        return [deployment(given)]
    storage = given.spec.executor.storage
    ledger = claim(given, Component.EXECUTOR, given.children.executor, storage=storage)
    return [ledger, deployment(given)]


def deployment(given: DesiredInput) -> Manifest:
    """The Deployment; its template's hash stands beside it, not in it."""
    template = pod_template(given)
    spec = {
        "replicas": given.executor_replicas,
        "strategy": {"type": "Recreate"},
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": selector(given, Component.EXECUTOR)},
        "template": template,
    }
    result = manifest(given, DEPLOYMENT, given.children.executor, Component.EXECUTOR, spec=spec)
    result["metadata"]["annotations"] = {names.ANNOTATION_TEMPLATE_HASH: template_hash(given)}
    return result


def template_hash(given: DesiredInput) -> str:
    """What names the executor's template."""
    return digest(pod_template(given))


def pod_template(given: DesiredInput) -> Manifest:
    """One container; the gate is both a readiness gate and its own probe."""
    if given.spec.executor.image is not None:
        return program_template(given, given.spec.executor.image)
    database = given.spec.executor.database.postgres_secret_ref
    return {
        "metadata": {"labels": pod_labels(given, Component.EXECUTOR)},
        "spec": pod_spec(
            given.children.executor,
            readinessGates=[{"conditionType": names.READINESS_GATE}],
            terminationGracePeriodSeconds=60,
            containers=[_container(given)],
            volumes=[
                {
                    "name": "data",
                    "persistentVolumeClaim": {"claimName": given.children.executor},
                },
                scratch("tmp"),
                config_volume("config", given.children.executor),
                secret_volume("token", given.children.executor_token, names.SECRET_TOKEN),
                secret_volume("agent-token", given.children.agent_token, names.SECRET_TOKEN),
                *_targets_volume(given),
                *_backup_volume(given),
                *([secret_volume("database", database.name, database.key)] if database else []),
            ],
            **pull_secrets(given),
        ),
    }


def _container(given: DesiredInput) -> Manifest:
    health = names.PORT_EXECUTOR_METRICS
    database = given.spec.executor.database.postgres_secret_ref
    url = {"EXECUTOR_DATABASE_URL_FILE": f"{DATABASE_DIR}/{database.key}"} if database else {}
    return {
        "name": "executor",
        "image": given.images.executor,
        "imagePullPolicy": given.images.pull_policy,
        "command": ["python3", "-m", "ibgateway_executor"],
        "env": env(
            EXECUTOR_SETTINGS=f"{SETTINGS_DIR}/settings.json",
            EXECUTOR_TOKEN_FILE=f"{TOKEN_DIR}/{names.SECRET_TOKEN}",
            EXECUTOR_AGENT_TOKEN_FILE=f"{AGENT_TOKEN_DIR}/{names.SECRET_TOKEN}",
            EXECUTOR_DATA_DIR=DATA_DIR,
            **url,
            **_backup_settings(given),
        ),
        "ports": [port("http", names.PORT_EXECUTOR), port("metrics", health)],
        "resources": bounded(cpu="50m", memory="128Mi", limit="512Mi"),
        "startupProbe": http_probe("/healthz", health, period=1, failures=120),
        "livenessProbe": http_probe("/healthz", health, period=10, failures=6, timeout=5),
        "readinessProbe": http_probe("/readyz?held", health, period=1, failures=1),
        "securityContext": container_security(read_only_root=True),
        "volumeMounts": [
            mount("data", DATA_DIR),
            mount("tmp", "/tmp"),  # noqa: S108 - a mount point in the container
            mount("config", SETTINGS_DIR, read_only=True),
            mount("token", TOKEN_DIR, read_only=True),
            mount("agent-token", AGENT_TOKEN_DIR, read_only=True),
            *(mount(TARGETS, TARGETS_DIR, read_only=True) for _ in _targets_volume(given)),
            *(mount("backup", BACKUP_DIR) for _ in _backup_volume(given)),
            *([mount("database", DATABASE_DIR, read_only=True)] if database else []),
        ],
    }


def _targets_volume(given: DesiredInput) -> list[Manifest]:
    """The token of the source of targets, under one name whatever its key is called; the pod does not wait for it."""
    targets = given.spec.executor.targets
    if targets is None or targets.token_secret_ref is None:
        return []
    ref = targets.token_secret_ref
    volume = optional_secret_volume(TARGETS, ref.name)
    items = [{"key": ref.key, "path": names.SECRET_TOKEN}]
    return [{**volume, "secret": {**volume["secret"], "items": items}}]


def _backup_volume(given: DesiredInput) -> list[Manifest]:
    backup = given.spec.executor.backup
    if backup is None:
        return []
    return [{"name": "backup", "persistentVolumeClaim": {"claimName": backup.claim_name}}]


def _backup_settings(given: DesiredInput) -> dict[str, str]:
    backup = given.spec.executor.backup
    if backup is None:
        return {}
    return {
        "EXECUTOR_BACKUP_DIR": BACKUP_DIR,
        "EXECUTOR_BACKUP_HOURS": str(backup.every_hours),
        "EXECUTOR_BACKUP_KEEP": str(backup.keep),
    }
