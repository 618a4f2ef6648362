"""What the unit tests ask of a dispatcher and of the API before it, with the ledger in PostgreSQL: the commits in their order, what a
cancel or a fill crosses, what a crash leaves.
"""

import inspect
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from borrowed_tests import borrowed
from executor_fakes import DispatchWorld, HookedStore
from ibgateway_executor.ledger.postgres import PostgresStore
from ibgateway_executor.ledger.postgres_database import PostgresDatabase
from ibgateway_executor.ledger.store import Change

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


def _of_a_dispatcher(test: object) -> bool:
    """Whether it takes a world, and no file of its own beside."""
    names = inspect.signature(test).parameters if callable(test) else {}
    return "dispatch" in names and "tmp_path" not in names


SHARED = borrowed(MODULES, _of_a_dispatcher)
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
