"""The environment of IBKR's side."""

from pathlib import Path

import pytest

from ibgateway_simulator.errors import SimulatorSettingsError
from ibgateway_simulator.ibkr.settings import ibkr_settings
from ibgateway_simulator.model.users import DEFAULT_USERS, ExpiryDialog, LoginMode, LoginRules, User


def test_without_variables_the_defaults_hold() -> None:
    settings = ibkr_settings({})
    assert (settings.bind, settings.port, settings.broker_port) == ("127.0.0.1", 9100, 9101)
    assert (settings.users, settings.rules) == (DEFAULT_USERS, LoginRules())


def test_every_login_rule_has_a_variable() -> None:
    environ = {"SIMULATOR_LOCKOUT_AFTER": "3", "SIMULATOR_EXPIRY_DIALOG": "silent"}
    rules = LoginRules(lockout_after=3, expiry_dialog=ExpiryDialog.SILENT)
    assert ibkr_settings(environ).rules == rules


def test_users_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text(
        '{"users": [{"name": "u", "password": "p", "account": "U1", "modes": ["live"]}]}'
    )
    users = ibkr_settings({"SIMULATOR_USERS_FILE": str(file)}).users
    assert users == (User("u", "p", "U1", (LoginMode.LIVE,), two_factor=True),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIMULATOR_IBKR_PORT", "http"),
        ("SIMULATOR_LOCKOUT_AFTER", "often"),
        ("SIMULATOR_REJECTION", "odd"),
        ("SIMULATOR_USERS_FILE", "/nowhere/users.json"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SimulatorSettingsError, match=name):
        ibkr_settings({name: value})
