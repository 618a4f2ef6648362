"""What the console is told by its environment, read once at the start. The mapping comes in.

The display is fixed here; nothing that a viewer sends can change it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_agent.console.guard import normal_origin
from ibgateway_agent.console.login_words import GatewayIdentity
from ibgateway_agent.environment import port
from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.names import Key
from ibgateway_api.spec import ConsoleAuth
from ibgateway_runtime.errors import SettingsError


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP address as configured."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ButtonFiles:
    """What the console needs where a person may press buttons: the VNC password and the agent token, in files."""

    vnc_password: Path
    agent_token: Path


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The console's configuration.

    `hosts` and `allowed_origins` are lower case; `token_file` is None in password mode; `api` is what
    a NetworkPolicy must keep the console from, `sentinel` who knows the login, both None when not told; `buttons` is
    None where nothing may be asked for;
    `bind` None means every address.
    """

    gateway: GatewayIdentity
    display: TcpAddress
    token_file: Path | None
    hosts: frozenset[str]
    allowed_origins: frozenset[str]
    api: TcpAddress | None
    sentinel: TcpAddress | None
    buttons: ButtonFiles | None
    static: Path
    bind: str | None
    port: int
    admin_port: int

    @property
    def auth(self) -> ConsoleAuth:
        """What a viewer is asked for."""
        return ConsoleAuth.PASSWORD if self.token_file is None else ConsoleAuth.TOKEN


def from_env(env: Mapping[str, str]) -> ConsoleSettings:
    """The settings in `env`; raises SettingsError with the variable's name."""
    return ConsoleSettings(
        gateway=_gateway(env),
        display=TcpAddress(
            _host(env, "CONSOLE_VNC_HOST"), port(env, "CONSOLE_VNC_PORT", names.PORT_VNC)
        ),
        token_file=_token_file(env),
        hosts=frozenset(host.lower() for host in _list(env, "CONSOLE_HOSTS")),
        allowed_origins=_origins(env),
        api=_address(env, "CONSOLE_API", names.PORT_API),
        sentinel=_address(env, "CONSOLE_SENTINEL", names.PORT_SENTINEL),
        buttons=_buttons(env),
        static=Path(env.get("CONSOLE_STATIC") or "/opt/novnc"),
        bind=env.get("CONSOLE_BIND") or None,
        port=port(env, "CONSOLE_PORT", names.PORT_NOVNC),
        admin_port=port(env, "CONSOLE_ADMIN_PORT", names.PORT_NOVNC_ADMIN),
    )


def _buttons(env: Mapping[str, str]) -> ButtonFiles | None:
    """Both files or none; and somebody who takes what is asked for."""
    given = ("CONSOLE_AGENT_TOKEN_FILE", "CONSOLE_VNC_PASSWORD_FILE", "CONSOLE_SENTINEL_HOST")
    if not any(env.get(name, "").strip() for name in given[:2]):
        return None
    token, password, _ = (_required(env, name) for name in given)
    return ButtonFiles(Path(password), Path(token))


def token_reader(file: Path) -> Callable[[], bytes]:
    """Reads the token anew at each call, so that a renewed Secret counts at once; b"" if unreadable."""

    def read() -> bytes:
        try:
            return file.read_bytes().strip()
        except OSError:
            return b""

    return read


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _host(env: Mapping[str, str], name: str) -> str:
    host = _required(env, name)
    try:
        host.encode("idna")
    except UnicodeError:
        raise SettingsError(f"{name} is no host name: {host!r}") from None
    return host


def _list(env: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in env.get(name, "").split(",") if part.strip()]


def _token_file(env: Mapping[str, str]) -> Path | None:
    mode = env.get("CONSOLE_AUTH") or ConsoleAuth.PASSWORD
    if mode not in list(ConsoleAuth):
        raise SettingsError(f"CONSOLE_AUTH must be password or token, not {mode!r}")
    return Path(_required(env, "CONSOLE_TOKEN_FILE")) if mode == ConsoleAuth.TOKEN else None


def _origins(env: Mapping[str, str]) -> frozenset[str]:
    origins = set()
    for text in _list(env, "CONSOLE_ALLOWED_ORIGINS"):
        origin = normal_origin(text)
        if origin is None:
            raise SettingsError(
                f"CONSOLE_ALLOWED_ORIGINS: {text!r} is no origin such as https://vnc.example.com"
            )
        origins.add(origin)
    return frozenset(origins)


def _gateway(env: Mapping[str, str]) -> GatewayIdentity:
    namespace, _, name = env.get("CONSOLE_NAME", "").partition("/")
    mode = env.get("CONSOLE_MODE") or None
    if mode is not None and mode not in list(TradingMode):
        raise SettingsError(f"CONSOLE_MODE must be paper or live, not {mode!r}")
    key = Key(namespace, name) if namespace and name else None
    return GatewayIdentity(key, TradingMode(mode) if mode else None)


def _address(env: Mapping[str, str], name: str, default_port: int) -> TcpAddress | None:
    if not env.get(f"{name}_HOST", "").strip():
        return None
    return TcpAddress(_host(env, f"{name}_HOST"), port(env, f"{name}_PORT", default_port))
