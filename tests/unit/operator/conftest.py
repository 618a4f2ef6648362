"""Worlds that must be stopped at the end; everything else the tests build themselves."""

from collections.abc import AsyncIterator

import pytest

from operator_fakes import FakeApiServer, FakeHttpClient, OperatorWorld, operator_world


@pytest.fixture
async def world() -> AsyncIterator[OperatorWorld]:
    """A paper gateway that was just created, with its credentials."""
    async with operator_world() as world:
        yield world


@pytest.fixture
async def trading(world: OperatorWorld) -> OperatorWorld:
    """A gateway that is logged in, with all its pods, and settled."""
    await world.log_in()
    return world


@pytest.fixture
def http() -> FakeHttpClient:
    """Sentinel, executor and console, none of which answers yet."""
    return FakeHttpClient()


@pytest.fixture
def api_server() -> FakeApiServer:
    """An empty API server whose watches show everything at once."""
    return FakeApiServer()


@pytest.fixture
async def created() -> AsyncIterator[OperatorWorld]:
    """A gateway that was just created; from here on the watches show nothing by themselves."""
    async with operator_world(lag=True) as world:
        yield world


@pytest.fixture
async def lagging(created: OperatorWorld) -> OperatorWorld:
    """A gateway that trades and is settled; every watch has shown everything."""
    await created.log_in()
    assert await created.reconcile() == []
    assert created.deliver() == []
    return created
