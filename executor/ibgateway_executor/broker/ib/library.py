"""ib_async without what it imports and the executor never uses: numpy, 11 MiB of memory and a third of the start.

Its events (eventkit) import numpy for statistics over events. It is loaded the first time somebody uses it.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


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
    import ib_async

__all__ = ["ib_async"]
