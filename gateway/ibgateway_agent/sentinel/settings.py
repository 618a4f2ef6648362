"""Where the sentinel finds its files and ports. Pure: the mapping comes in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_agent.environment import port
from ibgateway_agent.sentinel.nightly import DailyRestart, nightly_restart
from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.settings import SentinelSettings


@dataclass(frozen=True)
class SentinelEnvironment:
    """What the pod tells the sentinel; everything else stands in the settings file.

    `nightly` is when the gateway beside it restarts itself, None for never. `bind` empty means every address. `api_port` None takes the trading mode's own port inside the
    pod (4002 paper, 4001 live); tests give one of their own.
    """

    settings_file: Path
    run_dir: Path
    state_dir: Path
    token_file: Path
    gate_token_file: Path = Path("/run/secrets/gate/token")
    notifications_dir: Path = Path("/run/secrets/notifications")
    nightly: DailyRestart | None = None
    bind: str = ""
    port: int = names.PORT_SENTINEL
    metrics_port: int = names.PORT_SENTINEL_METRICS
    api_port: int | None = None
    command_port: int = names.PORT_IBC


def environment(env: Mapping[str, str]) -> SentinelEnvironment:
    """The environment from its variables; every one has the pod's own value as default.

    SettingsError names the variable that makes no sense.
    """
    api = port(env, "SENTINEL_API_PORT", 1) if env.get("SENTINEL_API_PORT") else None
    return SentinelEnvironment(
        settings_file=Path(env.get("SENTINEL_SETTINGS", "/etc/ibgateway/settings.json")),
        run_dir=Path(env.get("SENTINEL_RUN_DIR", "/run/ibgateway")),
        state_dir=Path(env.get("SENTINEL_STATE_DIR", "/var/lib/ibgateway")),
        token_file=Path(env.get("SENTINEL_TOKEN_FILE", "/run/secrets/agent/token")),
        gate_token_file=Path(env.get("SENTINEL_GATE_TOKEN_FILE", "/run/secrets/gate/token")),
        notifications_dir=Path(env.get("SENTINEL_NOTIFICATIONS_DIR", "/run/secrets/notifications")),
        nightly=nightly_restart(env.get("AUTO_RESTART_TIME", ""), env.get("TIME_ZONE", "")),
        bind=env.get("SENTINEL_BIND", ""),
        port=port(env, "SENTINEL_PORT", names.PORT_SENTINEL),
        metrics_port=port(env, "SENTINEL_METRICS_PORT", names.PORT_SENTINEL_METRICS),
        api_port=api,
        command_port=port(env, "SENTINEL_COMMAND_PORT", names.PORT_IBC),
    )


def api_port(environment: SentinelEnvironment, settings: SentinelSettings) -> int:
    """The API's port behind socat."""
    if environment.api_port is not None:
        return environment.api_port
    live = settings.trading_mode is TradingMode.LIVE
    return names.PORT_API_INSIDE_LIVE if live else names.PORT_API_INSIDE_PAPER
