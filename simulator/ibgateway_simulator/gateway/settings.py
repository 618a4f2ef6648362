"""What a gateway process is told: config.ini, the environment of run.sh, its settings folder.

Values are read once. The folder `<settings>/<name of forty letters>/` is the user's: there the
autorestart file lies and what the Gateway itself remembers.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ibgateway_simulator.errors import SimulatorSettingsError
from ibgateway_simulator.gateway import properties

RESTART_TIME = re.compile(r"(0[1-9]|1[0-2]):[0-5]\d (AM|PM)")
MASKED = frozenset({"IbLoginId", "IbPassword", "FIXLoginId", "FIXPassword"})


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Everything a gateway process works with."""

    ini_path: Path
    ini: Mapping[str, str]
    settings_dir: Path
    flags_dir: Path
    session_id: str
    restart: str
    name: str
    ibkr_url: str
    broker_port: int
    api_port: int
    zone: str
    pause: float
    restart_seconds: float | None
    term_code: int

    def option(self, key: str, default: str = "") -> str:
        """A setting of config.ini as it stands there, blanks included; empty ones are the default."""
        return self.ini.get(key, "") or default

    @property
    def mode(self) -> str:
        """Paper unless live is written out."""
        return self.option("TradingMode", "paper").lower()

    @property
    def restart_time(self) -> str:
        """AutoRestartTime when it is one, else empty."""
        value = self.option("AutoRestartTime")
        return value if RESTART_TIME.fullmatch(value) else ""

    @property
    def has_config_tasks(self) -> bool:
        """Whether IBC has anything to set after the login."""
        return bool(self.option("ReadOnlyApi") or self.option("AutoRestartTime"))

    def masked(self) -> list[str]:
        """The lines of IBC's settings dump, with login and password hidden."""
        return [
            f"    {key}={'***' if key in MASKED and value else value}"
            for key, value in sorted(self.ini.items())
        ]


def gateway_settings(arguments: list[str], environ: Mapping[str, str]) -> GatewaySettings:
    """Settings from `gateway <config.ini> [-Drestart=<folder>]` and the environment."""
    paths = [Path(word) for word in arguments if not word.startswith("-")]
    if len(paths) != 1 or not paths[0].is_file():
        raise SimulatorSettingsError("gateway needs the path of config.ini")
    restart = [word.partition("=")[2] for word in arguments if word.startswith("-Drestart=")]
    folder = Path(environ.get("TWS_SETTINGS_PATH") or Path.home() / "Jts")
    seconds = environ.get("SIMULATOR_RESTART_SECONDS", "")
    return GatewaySettings(
        ini_path=paths[0],
        ini=properties.parse(paths[0].read_bytes().decode("latin-1")),
        settings_dir=folder,
        flags_dir=Path(environ.get("IBC_FLAGS", "/tmp")),  # noqa: S108 -- where ibcstart.sh looks
        session_id=environ.get("IBC_SESSION_ID", ""),
        restart=restart[0] if restart else "",
        name=environ.get("SIMULATOR_GATEWAY_NAME") or os.uname().nodename,
        ibkr_url=environ.get("SIMULATOR_IBKR_URL", "").rstrip("/"),
        broker_port=int(environ.get("SIMULATOR_BROKER_PORT", "9101")),
        api_port=int(environ.get("API_PORT", "4002")),
        zone=_zone(folder / environ.get("TWS_INI", "jts.ini")),
        pause=float(environ.get("SIMULATOR_WINDOW_SECONDS", "0.05")),
        restart_seconds=float(seconds) if seconds else None,
        term_code=int(environ.get("SIMULATOR_TERM_CODE", "143")),
    )


def _zone(jts_ini: Path) -> str:
    if jts_ini.is_file():
        for line in jts_ini.read_text(encoding="utf-8").splitlines():
            if line.startswith("TimeZone="):
                return line.partition("=")[2].strip() or "Etc/UTC"
    return "Etc/UTC"


def user_folder(settings_dir: Path, user: str) -> Path:
    """Where the Gateway keeps what belongs to one user."""
    digest = hashlib.sha256(user.encode()).hexdigest()[:40]
    return settings_dir / "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the Gateway remembers between starts; a fresh one is read-only, as the real one."""

    read_only: bool = True
    restart_time: str = ""
    master_client_id: str = ""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What a person sets in the window of Configure > Settings; an empty id is none."""

    read_only: bool
    master_client_id: str = ""


def remembered(folder: Path) -> Remembered:
    """What was kept in the user's folder; defaults when there is nothing or it is damaged."""
    try:
        document: Any = json.loads((folder / "simulator.json").read_text(encoding="utf-8"))
        return Remembered(
            bool(document["read_only"]),
            str(document["restart_time"]),
            str(document.get("master_client_id", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Remembered()


def remember(folder: Path, kept: Remembered) -> None:
    """Keep it in the user's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulator.json").write_text(json.dumps(asdict(kept)), encoding="utf-8")
