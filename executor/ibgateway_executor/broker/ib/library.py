"""The IB library that this environment has, ib_async or its predecessor ib_insync, without numpy.

The events of both (eventkit) import numpy for statistics over events, 11 MiB of memory and a third of the start. It is
loaded the first time somebody uses it.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from types import ModuleType
from typing import Any

__all__ = ["client_log", "ib_library", "later", "library_name"]


class PendingModule(ModuleType):
    """Stands for a module that is imported when the first thing of it is used."""

    def __getattr__(self, name: str) -> Any:
        _withdraw(self)
        return getattr(importlib.import_module(self.__name__), name)


def _withdraw(stand_in: PendingModule) -> None:
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]


@contextmanager
def later(name: str) -> Iterator[None]:
    """Who imports the module meanwhile is given one that is loaded later; everybody else the module itself."""
    if name in sys.modules:
        yield
        return
    stand_in = sys.modules[name] = PendingModule(name)
    try:
        yield
    finally:
        _withdraw(stand_in)


with later("numpy"):
    try:
        import ib_async as ib_library
    except ModuleNotFoundError as missing:
        if missing.name != "ib_async":
            raise
        import ib_insync as ib_library


def library_name() -> str:
    """Which one it is, such as "ib_async 2.1.0"."""
    name: str = ib_library.__name__
    return f"{name} {version(name)}"


def client_log() -> str:
    """The name of the log in which the library's client tells of itself."""
    return f"{ib_library.__name__}.client"
