"""What the unit tests ask of a dispatcher and of the API before it, with the ledger in PostgreSQL: the commits in their order, what a
cancel or a fill crosses, what a crash leaves.
"""

import importlib.util
import inspect
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from executor_fakes import DispatchWorld, HookedStore
from ibgateway_executor.ledger.postgres import PostgresStore
from ibgateway_executor.ledger.postgres_database import PostgresDatabase
from ibgateway_executor.ledger.store import Change

UNIT = Path(__file__).parents[1] / "unit" / "executor"
MODULES = (
    "test_cancels",
    "test_limit_check",
    "test_narrowed_limits",
    "test_replacements",
    "test_submit",
)


class HookedPostgresStore(PostgresStore):
    """As `HookedStore`, on PostgreSQL."""

    after_reserve: Callable[[], None] = staticmethod(lambda: None)

    def reserve(self, order_uid: str, **how: Any) -> Change:
        change = super().reserve(order_uid, **how)
        self.after_reserve()
        return change


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"on_postgres_{name}", UNIT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shared() -> dict[str, object]:
    """Tests by name, of which each module has names of its own."""
    found: dict[str, object] = {}
    for module in map(loaded, MODULES):
        for name, test in vars(module).items():
            if name.startswith("test_") and _of_a_dispatcher(test):
                assert name not in found, f"{name} is in two modules"
                found[name] = test
    return found


def _of_a_dispatcher(test: object) -> bool:
    """Whether it takes a world, and no file of its own beside."""
    names = inspect.signature(test).parameters if callable(test) else {}
    return "dispatch" in names and "tmp_path" not in names


SHARED = shared()
globals().update(SHARED)


@pytest.fixture
async def dispatch(postgres_url: Path) -> AsyncIterator[DispatchWorld]:
    store = HookedPostgresStore(PostgresDatabase(postgres_url, time.monotonic))
    store.stamp("paper")
    world = DispatchWorld(cast("HookedStore", store))
    yield world
    world.ledger.close()


def test_most_of_what_a_dispatcher_has_to_do_is_asked_here_too() -> None:
    assert len(SHARED) > 40
