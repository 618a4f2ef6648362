"""Ledgers in files, and worlds on them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_fakes import ConnectionWorld, DispatchWorld, IntakeWorld, open_hooked


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
