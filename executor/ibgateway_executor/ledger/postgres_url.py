"""The database's URL, which holds its password: read from a file, and never part of any message."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote

from ibgateway_executor.errors import LedgerUnavailableError, StartRefusedError

_SCHEMES: Final = ("postgresql://", "postgres://")
_SECRET_PARAMETERS: Final = frozenset({"password", "passfile", "sslpassword"})
_SHORTEST: Final = 2
"""A password that is one letter can't be struck out of a text."""


def read_url(path: Path) -> str:
    """What the file says now: it is mounted from a Secret, which may change.

    LedgerUnavailableError where it can't be read, StartRefusedError for something that is no URL.
    """
    try:
        url = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerUnavailableError(
            f"the database's URL can't be read from {path.name} ({type(error).__name__}): see that the Secret of "
            "spec.executor.database.postgresSecretRef has the key"
        ) from None
    if not url.startswith(_SCHEMES):
        raise StartRefusedError(
            "the Secret of spec.executor.database.postgresSecretRef holds no PostgreSQL URL: write it as "
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full"
        )
    return url


def without_secrets(text: str, url: str) -> str:
    """The text with everything struck out that stands before the host, or is a secret parameter.

    A password with a sign that should have been written as %40 is taken for a part of the host, and then told.
    """
    rest = url.partition("://")[2]
    person, _, place = rest.rpartition("@")
    words = set(re.split(r"[:@/]", person))
    words |= {
        value for name, value in parse_qsl(place.partition("?")[2]) if name in _SECRET_PARAMETERS
    }
    words |= {unquote(word) for word in words}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST:
            text = text.replace(word, "***")
    return text
