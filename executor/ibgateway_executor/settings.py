"""Where the executor finds things: the environment's paths, bind address and ports.

The settings file and the tokens themselves are read again when they change. What is fixed for a
process (addresses, client id, mode) is read once, at the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ibgateway_api.names import PORT_EXECUTOR, PORT_EXECUTOR_METRICS
from ibgateway_runtime.errors import SettingsError

LEDGER: Final = "ledger.db"
"""The ledger's file in the data folder."""


@dataclass(frozen=True)
class ExecutorEnvironment:
    """Paths, bind address and ports of this process."""

    settings: Path
    token: Path
    agent_token: Path
    targets_token: Path
    data: Path
    database: Path | None
    """The file with the URL of a PostgreSQL; None: the ledger is SQLite below `data`."""
    backup: Path | None
    """Where copies of the ledger are kept; None: nowhere."""
    backup_hours: int
    backup_keep: int
    bind: str
    port: int
    health_port: int


def read_environment(values: Mapping[str, str]) -> ExecutorEnvironment:
    """The environment's variables; every one has the pod's path as its default.

    SettingsError for a port that is no number.
    """
    database = values.get("EXECUTOR_DATABASE_URL_FILE", "")
    backup = values.get("EXECUTOR_BACKUP_DIR", "")
    return ExecutorEnvironment(
        settings=Path(values.get("EXECUTOR_SETTINGS", "/etc/ibgateway/settings.json")),
        token=Path(values.get("EXECUTOR_TOKEN_FILE", "/run/secrets/executor/token")),
        agent_token=Path(values.get("EXECUTOR_AGENT_TOKEN_FILE", "/run/secrets/agent/token")),
        targets_token=Path(values.get("EXECUTOR_TARGETS_TOKEN_FILE", "/run/secrets/targets/token")),
        data=Path(values.get("EXECUTOR_DATA_DIR", "/var/lib/ibgateway")),
        database=Path(database) if database else None,
        backup=Path(backup) if backup else None,
        backup_hours=_number(values, "EXECUTOR_BACKUP_HOURS", 24),
        backup_keep=_number(values, "EXECUTOR_BACKUP_KEEP", 7),
        bind=values.get("EXECUTOR_BIND", "0.0.0.0"),  # noqa: S104 - a pod serves its Service
        port=_port(values, "EXECUTOR_PORT", PORT_EXECUTOR),
        health_port=_port(values, "EXECUTOR_HEALTH_PORT", PORT_EXECUTOR_METRICS),
    )


def _number(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not text.isdecimal() or not int(text):
        raise SettingsError(f"{name} is {text!r}: give a whole number above 0, such as {default}")
    return int(text)


def _port(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    try:
        return int(text)
    except ValueError as error:
        raise SettingsError(f"{name} is {text!r}: give a port number, such as {default}") from error
