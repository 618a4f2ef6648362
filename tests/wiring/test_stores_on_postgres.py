"""What the unit tests ask of a store, asked of PostgreSQL: every test there that takes an `OrderStore`."""

import inspect
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from borrowed_tests import borrowed
from ibgateway_executor.ledger.postgres import PostgresStore, postgres_store
from ibgateway_executor.ledger.sqlite import OrderStore

MODULES = (
    *("test_archive", "test_history", "test_insertion", "test_rebalance_rows", "test_sightings"),
    "test_sqlite_store",
)


def _store_of(test: object) -> object:
    parameter = inspect.signature(test).parameters.get("store") if callable(test) else None
    return parameter and parameter.annotation


SHARED = borrowed(MODULES, lambda test: _store_of(test) is OrderStore)
globals().update(SHARED)


@pytest.fixture
def store(postgres_url: Path) -> Iterator[PostgresStore]:
    made = postgres_store(postgres_url, time.monotonic)
    made.stamp("paper")
    yield made
    made.close()


def test_most_of_what_a_store_has_to_do_is_asked_here_too() -> None:
    assert len(SHARED) > 35
