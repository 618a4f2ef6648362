"""The environment of both programs, read once at the start; nothing is read later.

IBKR's side: SIMULATOR_IBKR_PORT 9100, SIMULATOR_BROKER_PORT 9101, SIMULATOR_BIND 127.0.0.1,
SIMULATOR_USERS_FILE, and SIMULATOR_<name of a login rule in capitals>. The gateway's side is
what run.sh gives it; the image contract's variables keep their names.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ibgateway_simulator.errors import SimulatorSettingsError
from ibgateway_simulator.model.users import DEFAULT_USERS, LoginRules, User, user_from


@dataclass(frozen=True, slots=True)
class IbkrSettings:
    """Where IBKR's side listens and who may log in."""

    bind: str
    port: int
    broker_port: int
    users: tuple[User, ...]
    rules: LoginRules


def ibkr_settings(environ: Mapping[str, str]) -> IbkrSettings:
    """Settings of `ibkr`; raises SettingsError with the variable's name."""
    return IbkrSettings(
        bind=environ.get("SIMULATOR_BIND", "127.0.0.1"),
        port=_port(environ, "SIMULATOR_IBKR_PORT", 9100),
        broker_port=_port(environ, "SIMULATOR_BROKER_PORT", 9101),
        users=_users(environ.get("SIMULATOR_USERS_FILE", "")),
        rules=_rules(environ),
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
    patch: dict[str, Any] = {}
    for field in dataclasses.fields(LoginRules):
        value = environ.get(f"SIMULATOR_{field.name.upper()}", "")
        if value:
            patch[field.name] = _like(getattr(rules, field.name), value, field.name)
    return dataclasses.replace(rules, **patch)


def _like(example: Any, value: str, name: str) -> Any:
    if isinstance(example, str):
        return value
    try:
        return type(example)(float(value))
    except ValueError:
        raise SimulatorSettingsError(
            f"SIMULATOR_{name.upper()} is not a number: {value!r}"
        ) from None
