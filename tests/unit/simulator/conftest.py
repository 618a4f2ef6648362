"""What several of the simulator's tests start from."""

from collections.abc import AsyncIterator

import pytest

from simulator_fakes.ibkr_world import IbkrWorld, ibkr_world


@pytest.fixture
async def world() -> AsyncIterator[IbkrWorld]:
    async with ibkr_world() as made:
        yield made
