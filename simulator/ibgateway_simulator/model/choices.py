"""A word from outside becomes a member of a closed set, or an error that lists the set."""

from enum import StrEnum
from typing import TypeVar

from ibgateway_simulator.errors import SimulatorConflictError

Choice = TypeVar("Choice", bound=StrEnum)


def choice(choices: type[Choice], word: object, *, of: str) -> Choice:
    """The member that the word names; raises SimulatorConflictError, where `of` says for what."""
    for known in choices:
        if known == word:
            return known
    raise SimulatorConflictError(f"{of} is one of {tuple(str(known) for known in choices)}")
