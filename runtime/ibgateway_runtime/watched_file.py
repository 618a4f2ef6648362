"""A file's meaning, read again when the file has changed; the last good one while it is bad.

A ConfigMap and a Secret change under a running pod; a restart may cost a push, so no program needs one.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from ibgateway_runtime.errors import SettingsError

logger = logging.getLogger(__name__)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class WatchedFile(Generic[T]):
    """`parse` turns the file's text into its meaning; it raises ValueError for text it can't use."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self._path = path
        self._parse = parse
        self._stamp: tuple[int, int, int] | None = None
        self._value: T | None = None
        self._complaint = ""

    @property
    def problem(self) -> str:
        """Why the last look gave no present meaning, but an earlier one; empty where it did."""
        return self._complaint

    def value(self) -> T:
        """The present meaning; SettingsError while there has never been a good one."""
        try:
            self._refresh()
        except (OSError, ValueError) as error:
            complaint = f"{self._path} can't be read: {_reason(error)}"
            if self._value is None:
                raise SettingsError(complaint) from error
            if complaint != self._complaint:
                logger.warning("%s; going on with what it said before", complaint)
            self._complaint = complaint
        if self._value is None:
            raise SettingsError(f"{self._path} is empty")
        return self._value

    def _refresh(self) -> None:
        found = self._path.stat()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._value = self._parse(self._path.read_text(encoding="utf-8"))
            self._stamp = stamp
        self._complaint = ""


def watched_document(path: Path, model: type[M]) -> WatchedFile[M]:
    """A settings file: one JSON document."""
    return WatchedFile(path, model.model_validate_json)


def watched_token(path: Path) -> WatchedFile[bytes]:
    """A token's bytes without surrounding white space; an empty one is refused."""
    return WatchedFile(path, _token)


def _token(text: str) -> bytes:
    stripped = text.strip()
    if not stripped:
        raise ValueError("the token is empty")
    return stripped.encode()


def _reason(error: Exception) -> str:
    """Without the file's content: it may be a secret."""
    if isinstance(error, ValidationError):
        return f"{error.error_count()} fields are wrong, first {error.errors()[0]['loc']}"
    return str(error)
