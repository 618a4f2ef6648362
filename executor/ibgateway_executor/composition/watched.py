"""What is read from files that may change under a running executor: its settings and its tokens."""

from collections.abc import Callable
from pathlib import Path

from ibgateway_api.settings import ExecutorSettings
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.watched_file import watched_token

Settings = Callable[[], ExecutorSettings]
Token = Callable[[], bytes]


def needed_token(path: Path) -> Token:
    """A token that is read again when it changes; SettingsError where there is none now."""
    watched = watched_token(path)
    watched.value()
    return watched.value


def optional_token(path: Path) -> Token:
    """A token that need not be there: then it is empty."""
    watched = watched_token(path)

    def token() -> bytes:
        try:
            return watched.value()
        except SettingsError:
            return b""

    return token
