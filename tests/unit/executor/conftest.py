"""Ledgers in files, and worlds on them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from executor_fakes import ConnectionWorld, DispatchWorld, IntakeWorld, empty_ledger, open_hooked
from ibgateway_executor.ledger.sqlite import SqliteStore, open_sqlite


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    path = tmp_path / "ledger.db"
    path.write_bytes(empty_ledger())
    opened = open_sqlite(path)
    opened.stamp("paper")
    yield opened
    opened.close()


@pytest.fixture
async def dispatch(tmp_path: Path) -> AsyncIterator[DispatchWorld]:
    world = DispatchWorld(open_hooked(tmp_path / "ledger.db"))
    yield world
    world.ledger.close()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[ConnectionWorld]:
    world = ConnectionWorld(open_hooked(tmp_path / "ledger.db"))
    yield world
    world.ledger.close()


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[IntakeWorld]:
    world = IntakeWorld(open_hooked(tmp_path / "ledger.db"))
    async with world.http:
        yield world
    world.ledger.close()
