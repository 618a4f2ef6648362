"""What a VNC password is worth: VNC looks at eight characters of it and at no more. Pure."""

import itertools
from typing import Final

from ibgateway_api import names

LENGTH: Final = 8
"""RFC 6143, 7.2.2: the password is the DES key of eight bytes, and is cut off there."""
SHORTEST: Final = 6
FEWEST_CHARACTERS: Final = 4
COMMON: Final = frozenset(
    {
        *("password", "passw0rd", "passwort", "letmein1", "changeme", "secret", "default", "geheim"),
        *("qwertyui", "qwerty", "qwertz", "qwertzui", "asdfghjk", "1q2w3e4r", "iloveyou", "welcome"),
        *("welcome1", "admin123", "abc123", "trustno1", "football", "baseball", "superman", "dragon"),
        *("sunshine", "princess", "whatever", "test1234", "trading", "ibgatewa", "vncvnc"),
    }
)  # fmt: skip
"""The head of every list of passwords, and what stands near at hand; eight characters at most."""


def is_default(password: str) -> bool:
    """Whether VNC can't tell it from the documented default."""
    return password[:LENGTH] == names.DEFAULT_VNC_PASSWORD


def is_cut_off(password: str) -> bool:
    """Whether it has characters that VNC does not look at."""
    return len(password) > LENGTH


def guessable(password: str, user_name: str) -> str:
    """Why its eight characters are soon guessed, in words that follow the key's name; empty where they are not."""
    seen = password[:LENGTH].casefold()
    if len(seen) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    if seen in COMMON:
        return "is, in the eight characters that VNC looks at, one of the most common passwords"
    if len(set(seen)) < FEWEST_CHARACTERS:
        return f"has fewer than {FEWEST_CHARACTERS} different characters"
    if _is_run(seen):
        return "is a run of neighbouring characters"
    if user_name and seen == user_name[:LENGTH].casefold():
        return "is the beginning of IB_USERNAME"
    return ""


def _is_run(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return steps in ({1}, {-1})
