"""The console's environment."""

from pathlib import Path

import pytest

from ibgateway_agent.console.login_words import GatewayIdentity
from ibgateway_agent.console.settings import TcpAddress, from_env, token_reader
from ibgateway_api.accounts import TradingMode
from ibgateway_api.names import Key
from ibgateway_api.spec import ConsoleAuth
from ibgateway_runtime.errors import SettingsError

POD = "paper-gateway-0.paper-gateway-pods.trading.svc"
LEAST = {"CONSOLE_VNC_HOST": POD}


def test_the_display_alone_is_enough() -> None:
    settings = from_env(LEAST)
    assert settings.display == TcpAddress(POD, 5900)
    assert settings.auth is ConsoleAuth.PASSWORD
    assert (settings.api, settings.sentinel) == (None, None)
    assert settings.gateway == GatewayIdentity()
    assert settings.static == Path("/opt/novnc")
    assert (settings.bind, settings.port, settings.admin_port) == (None, 6080, 6081)


def test_every_variable_counts() -> None:
    settings = from_env(
        {
            "CONSOLE_VNC_HOST": POD,
            "CONSOLE_VNC_PORT": "5901",
            "CONSOLE_AUTH": "token",
            "CONSOLE_TOKEN_FILE": "/run/secrets/agent/token",
            "CONSOLE_HOSTS": "paper-novnc, Paper-noVNC.trading.svc,",
            "CONSOLE_ALLOWED_ORIGINS": "https://vnc.example.com",
            "CONSOLE_API_HOST": POD,
            "CONSOLE_API_PORT": "4004",
            "CONSOLE_SENTINEL_HOST": POD,
            "CONSOLE_SENTINEL_PORT": "8099",
            "CONSOLE_NAME": "trading/paper",
            "CONSOLE_MODE": "live",
            "CONSOLE_STATIC": "/srv/page",
            "CONSOLE_BIND": "127.0.0.1",
            "CONSOLE_PORT": "7000",
            "CONSOLE_ADMIN_PORT": "7001",
        }
    )
    assert settings.display == TcpAddress(POD, 5901)
    assert settings.auth is ConsoleAuth.TOKEN
    assert settings.token_file == Path("/run/secrets/agent/token")
    assert settings.hosts == {"paper-novnc", "paper-novnc.trading.svc"}
    assert settings.allowed_origins == {"https://vnc.example.com:443"}
    assert settings.api == TcpAddress(POD, 4004)
    assert settings.sentinel == TcpAddress(POD, 8099)
    assert settings.gateway == GatewayIdentity(Key("trading", "paper"), TradingMode.LIVE)
    assert settings.static == Path("/srv/page")
    assert (settings.bind, settings.port, settings.admin_port) == ("127.0.0.1", 7000, 7001)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"CONSOLE_VNC_HOST": ""}, "CONSOLE_VNC_HOST is not set"),
        ({"CONSOLE_VNC_HOST": "a..b"}, "CONSOLE_VNC_HOST is no host name: 'a..b'"),
        ({"CONSOLE_VNC_PORT": "vnc"}, "CONSOLE_VNC_PORT must be a port number"),
        ({"CONSOLE_PORT": "0"}, "CONSOLE_PORT must be a port number"),
        ({"CONSOLE_ADMIN_PORT": "65536"}, "CONSOLE_ADMIN_PORT must be a port number"),
        ({"CONSOLE_MODE": "Live"}, "CONSOLE_MODE must be paper or live, not 'Live'"),
        ({"CONSOLE_AUTH": "none"}, "CONSOLE_AUTH must be password or token, not 'none'"),
        ({"CONSOLE_AUTH": "token"}, "CONSOLE_TOKEN_FILE is not set"),
        ({"CONSOLE_ALLOWED_ORIGINS": "*"}, "CONSOLE_ALLOWED_ORIGINS: '\\*' is no origin"),
    ],
)
def test_a_wrong_environment_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        from_env({**LEAST, **change})


def test_the_token_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    read = token_reader(file)
    assert read() == b""
    file.write_text("first\n")
    assert read() == b"first"
    file.write_text("second\n")
    assert read() == b"second"
