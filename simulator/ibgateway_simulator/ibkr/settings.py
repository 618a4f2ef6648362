"""The environment of IBKR's side, read once at the start; nothing is read later.

SIMULATOR_IBKR_PORT 9100, SIMULATOR_BROKER_PORT 9101, SIMULATOR_BIND 127.0.0.1,
SIMULATOR_USERS_FILE, and SIMULATOR_<name of a login rule in capitals>.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorSettingsError
from ibgateway_simulator.model.users import (
    DEFAULT_USERS,
    LoginMode,
    LoginRules,
    User,
    changed_rules,
)


@dataclass(frozen=True, slots=True)
class IbkrSettings:
    """Where IBKR's side listens and who may log in."""

    bind: str
    port: int
    broker_port: int
    users: tuple[User, ...]
    rules: LoginRules


def ibkr_settings(environ: Mapping[str, str]) -> IbkrSettings:
    """Settings of `ibkr`; raises SimulatorSettingsError with the variable's name."""
    return IbkrSettings(
        bind=environ.get("SIMULATOR_BIND", "127.0.0.1"),
        port=_port(environ, "SIMULATOR_IBKR_PORT", 9100),
        broker_port=_port(environ, "SIMULATOR_BROKER_PORT", 9101),
        users=_users(environ.get("SIMULATOR_USERS_FILE", "")),
        rules=_rules(environ),
    )


def user_from(document: Mapping[str, Any]) -> User:
    """A user from JSON: name, password, account or accounts, optional modes, two_factor and devices."""
    try:
        words = tuple(document.get("modes", ["paper"]))
        name, password = str(document["name"]), str(document["password"])
        accounts = [str(item) for item in document.get("accounts") or [document["account"]]]
    except KeyError as missing:
        raise SimulatorSettingsError(f"a user needs the key {missing}") from None
    if not words or any(word not in tuple(LoginMode) for word in words):
        raise SimulatorSettingsError(f"modes of user {name} are paper and live, not {words}")
    modes = tuple(LoginMode(word) for word in words)
    devices = tuple(str(device) for device in document.get("devices", ()))
    two_factor = bool(document.get("two_factor", True))
    return User(
        *(name, password, accounts[0], modes),
        two_factor=two_factor,
        devices=devices,
        further_accounts=tuple(accounts[1:]),
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, "")
    if value and not value.isdigit():
        raise SimulatorSettingsError(f"{name} is not a port: {value!r}")
    return int(value or default)


def _users(path: str) -> tuple[User, ...]:
    if not path:
        return DEFAULT_USERS
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SimulatorSettingsError(f"SIMULATOR_USERS_FILE {path}: {error}") from error
    return tuple(user_from(user) for user in document["users"])


def _rules(environ: Mapping[str, str]) -> LoginRules:
    rules = LoginRules()
    for field in dataclasses.fields(LoginRules):
        name = f"SIMULATOR_{field.name.upper()}"
        value = environ.get(name, "")
        if value:
            rules = _with_rule(rules, field.name, value, variable=name)
    return rules


def _with_rule(rules: LoginRules, field: str, value: str, *, variable: str) -> LoginRules:
    present = getattr(rules, field)
    try:
        typed = value if isinstance(present, str) else type(present)(float(value))
        return changed_rules(rules, {field: typed})
    except SimulatorConflictError as error:
        raise SimulatorSettingsError(f"{variable}: {error}") from None
    except ValueError:
        raise SimulatorSettingsError(f"{variable} is not a number: {value!r}") from None
