"""docs/migration.md: nothing of what people come from is left out."""

import re
from pathlib import Path

import pytest

from ibgateway_api.gateway_spec import OWNED_VARIABLES

PAGE = (Path(__file__).parents[3] / "docs/migration.md").read_text()
COMPOSE = (
    *("IB_USERNAME", "IB_PASSWORD", "TRADING_MODE", "VNC_PASSWORD", "4001", "6080"),
    *("docker-compose ps ibkr", "docker-compose logs -f ibkr", "http://localhost:6080"),
    *("60 seconds", "Sunday", "01:00 New York", "three minutes", "IB Key", "SMS", "a week"),
    *("manual login", "last hour before the close", "IBKR Mobile", "paper"),
)
"""Variables, ports, commands and promises of the docker-compose service."""
IMAGE = (
    *("TWS_USERID", "TWS_PASSWORD", "TWS_PASSWORD_FILE", "TWS_USERID_PAPER", "TWS_SETTINGS_PATH"),
    *("VNC_SERVER_PASSWORD", "TWS_COLD_RESTART", "BYPASS_WARNING", "X_SCRIPTS", "IBC_SCRIPTS"),
)


def left_of(text: str) -> list[str]:
    """The first cells of all tables."""
    return re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)


@pytest.mark.parametrize("word", COMPOSE)
def test_everything_of_the_compose_service_is_on_the_left(word: str) -> None:
    assert any(word.lower() in cell.lower() for cell in left_of(PAGE)), word


def test_a_restart_is_one_while_logged_in_too() -> None:
    [row] = [row for row in PAGE.splitlines() if "`docker-compose restart ibkr`" in row]
    assert "kubectl ibgateway restart paper" in row
    assert "kubectl delete pod paper-gateway-0" in row
    assert row.index("login-requested-at") > row.index("Not logged in")


@pytest.mark.parametrize("variable", [*OWNED_VARIABLES, *IMAGE])
def test_every_variable_of_the_image_is_on_the_left(variable: str) -> None:
    assert any(re.search(rf"`{variable}\b", cell) for cell in left_of(PAGE)), variable
