"""Reading environment variables, with one clear sentence where one makes no sense. Pure."""

from collections.abc import Mapping

from ibgateway_runtime.errors import SettingsError


def port(env: Mapping[str, str], name: str, default: int) -> int:
    """A port number; SettingsError names the variable. Empty is the default."""
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SettingsError(f"{name} must be a port number from 1 to 65535, not {text!r}")
    return int(text)
