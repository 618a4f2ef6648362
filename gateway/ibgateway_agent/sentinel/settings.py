"""Where the sentinel finds its files and ports, and the settings file that is read again on change."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ibgateway_agent.errors import SettingsError
from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.settings import SentinelSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SentinelEnvironment:
    """What the pod tells the sentinel; everything else stands in the settings file.

    `bind` empty means every address. `api_port` None takes the trading mode's own port inside the
    pod (4002 paper, 4001 live); tests give one of their own.
    """

    settings_file: Path
    run_dir: Path
    state_dir: Path
    token_file: Path
    bind: str = ""
    port: int = names.PORT_SENTINEL
    metrics_port: int = names.PORT_SENTINEL_METRICS
    api_port: int | None = None
    command_port: int = names.PORT_IBC


def environment(env: Mapping[str, str]) -> SentinelEnvironment:
    """The environment from its variables; every one has the pod's own value as default."""
    api_port = env.get("SENTINEL_API_PORT", "")
    return SentinelEnvironment(
        settings_file=Path(env.get("SENTINEL_SETTINGS", "/etc/ibgateway/settings.json")),
        run_dir=Path(env.get("SENTINEL_RUN_DIR", "/run/ibgateway")),
        state_dir=Path(env.get("SENTINEL_STATE_DIR", "/var/lib/ibgateway")),
        token_file=Path(env.get("SENTINEL_TOKEN_FILE", "/run/secrets/agent/token")),
        bind=env.get("SENTINEL_BIND", ""),
        port=int(env.get("SENTINEL_PORT", str(names.PORT_SENTINEL))),
        metrics_port=int(env.get("SENTINEL_METRICS_PORT", str(names.PORT_SENTINEL_METRICS))),
        api_port=int(api_port) if api_port else None,
        command_port=int(env.get("SENTINEL_COMMAND_PORT", str(names.PORT_IBC))),
    )


def api_port(environment: SentinelEnvironment, settings: SentinelSettings) -> int:
    """The API's port behind socat."""
    if environment.api_port is not None:
        return environment.api_port
    live = settings.trading_mode == TradingMode.LIVE
    return names.PORT_API_INSIDE_LIVE if live else names.PORT_API_INSIDE_PAPER


class SettingsFile:
    """The settings as last read well; a file that breaks later keeps the good ones in force."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self.current = self._read()

    def refresh(self) -> bool:
        """Whether the settings changed since the last look."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return False
        self._seen = stamp
        try:
            before, self.current = self.current, self._read()
        except SettingsError as error:
            logger.error("the settings of before stay in force: %s", error)  # noqa: TRY400
            return False
        return before != self.current

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _read(self) -> SentinelSettings:
        try:
            return SentinelSettings.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError) as error:
            raise SettingsError(f"can't read {self._path}: {error}") from error
