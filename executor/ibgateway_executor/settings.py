"""Where the executor finds things: environment, settings file, tokens.

The settings file and the tokens are read again when they change, because a ConfigMap and a Secret
change under a running pod. What is fixed for a process (addresses, client id, mode) is read once.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from ibgateway_api.names import PORT_EXECUTOR, PORT_EXECUTOR_METRICS
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.errors import StartRefusedError

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class ExecutorEnvironment:
    """Paths, bind address and ports of this process."""

    settings: Path
    token: Path
    agent_token: Path
    data: Path
    bind: str
    port: int
    health_port: int


def read_environment(values: Mapping[str, str]) -> ExecutorEnvironment:
    """The environment's variables; every one has the pod's path as its default."""
    return ExecutorEnvironment(
        settings=Path(values.get("EXECUTOR_SETTINGS", "/etc/ibgateway/settings.json")),
        token=Path(values.get("EXECUTOR_TOKEN_FILE", "/run/secrets/executor/token")),
        agent_token=Path(values.get("EXECUTOR_AGENT_TOKEN_FILE", "/run/secrets/agent/token")),
        data=Path(values.get("EXECUTOR_DATA_DIR", "/var/lib/ibgateway")),
        bind=values.get("EXECUTOR_BIND", "0.0.0.0"),  # noqa: S104 - a pod serves its Service
        port=int(values.get("EXECUTOR_PORT", PORT_EXECUTOR)),
        health_port=int(values.get("EXECUTOR_HEALTH_PORT", PORT_EXECUTOR_METRICS)),
    )


class WatchedFile(Generic[T]):
    """A file's meaning, read again when the file has changed; the last good one while it is bad."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self._path = path
        self._parse = parse
        self._stamp: tuple[int, int, int] | None = None
        self._value: T | None = None
        self._complaint = ""

    def value(self) -> T:
        """The present meaning; StartRefusedError while there has never been a good one."""
        try:
            self._refresh()
        except (OSError, ValueError) as error:
            complaint = f"{self._path} can't be read: {_reason(error)}"
            if self._value is None:
                raise StartRefusedError(complaint) from error
            if complaint != self._complaint:
                logger.warning("%s; going on with what it said before", complaint)
            self._complaint = complaint
        if self._value is None:
            raise StartRefusedError(f"{self._path} is empty")
        return self._value

    def _refresh(self) -> None:
        found = self._path.stat()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._value = self._parse(self._path.read_text(encoding="utf-8"))
            self._stamp, self._complaint = stamp, ""


def watched_settings(path: Path) -> WatchedFile[ExecutorSettings]:
    """The settings document."""
    return WatchedFile(path, ExecutorSettings.model_validate_json)


def watched_token(path: Path) -> WatchedFile[bytes]:
    """A token's bytes without surrounding white space; an empty one is refused."""
    return WatchedFile(path, _token)


def _token(text: str) -> bytes:
    stripped = text.strip()
    if not stripped:
        raise ValueError("the token is empty")
    return stripped.encode()


def _reason(error: Exception) -> str:
    """Without the file's content: it may be a secret."""
    if isinstance(error, ValidationError):
        return f"{error.error_count()} fields are wrong, first {error.errors()[0]['loc']}"
    return str(error)
