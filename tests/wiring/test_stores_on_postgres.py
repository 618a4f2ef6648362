"""What the unit tests ask of a store, asked of PostgreSQL: every test there that takes an `OrderStore`."""

import importlib.util
import inspect
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ibgateway_executor.ledger.postgres import PostgresStore, postgres_store
from ibgateway_executor.ledger.sqlite import OrderStore

UNIT = Path(__file__).parents[1] / "unit" / "executor"
MODULES = (
    *("test_archive", "test_history", "test_insertion", "test_rebalance_rows", "test_sightings"),
    "test_sqlite_store",
)


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
            if name.startswith("test_") and _store_of(test) is OrderStore:
                assert name not in found, f"{name} is in two modules"
                found[name] = test
    return found


def _store_of(test: object) -> object:
    parameter = inspect.signature(test).parameters.get("store") if callable(test) else None
    return parameter and parameter.annotation


SHARED = shared()
globals().update(SHARED)


@pytest.fixture
def store(postgres_url: Path) -> Iterator[PostgresStore]:
    made = postgres_store(postgres_url, time.monotonic)
    made.stamp("paper")
    yield made
    made.close()


def test_most_of_what_a_store_has_to_do_is_asked_here_too() -> None:
    assert len(SHARED) > 35
