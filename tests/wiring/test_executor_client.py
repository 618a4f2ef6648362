"""The project's own client with a real executor process and the simulator's IBKR."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import pytest

from executor_world import CLIENT_TOKEN, ExecutorWorld, world
from ibgateway.client import AsyncExecutorClient, OrderRequest
from ibgateway_api.executor_documents import GateDocument, OrderChange

PATIENCE = 120.0
BUY = OrderRequest.market("AAPL", "BUY", 10)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


def client_of(here: ExecutorWorld) -> AsyncExecutorClient:
    return AsyncExecutorClient(here.orders.url, token=CLIENT_TOKEN)


async def test_what_an_order_does_is_heard_over_a_restart(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.up()
    async with client_of(here) as client, asyncio.timeout(PATIENCE):
        placed = await client.place(BUY, key="k1")
        assert placed.new
        changes, gates = await heard_until_filled(here, client)
        assert (gates[0], gates[-1]) == (False, True)
        assert {change.order for change in changes} == {placed.order.id}
        numbers = [change.number for change in changes]
        assert numbers == list(range(1, len(numbers) + 1))
        history = [entry.number async for entry in client.history(placed.order.id)]
        assert history[: len(numbers)] == numbers
        again = await client.place(BUY, key="k1")
        assert (again.new, again.order.state) == (False, "Filled")


async def heard_until_filled(
    here: ExecutorWorld, client: AsyncExecutorClient
) -> tuple[list[OrderChange], list[bool]]:
    """Changes and whether the gate was open; the executor is killed once the stream runs, and starts anew with a login."""
    changes: list[OrderChange] = []
    gates: list[bool] = []
    async with aclosing(client.events(after=0)) as events:
        async for event in events:
            if isinstance(event.data, GateDocument):
                gates.append(event.data.open)
                if len(gates) == 1:
                    await here.executor.kill()
                    await here.executor.start()
                    await here.log_in()
            if isinstance(event.data, OrderChange):
                changes.append(event.data)
                if event.data.after == "Filled":
                    break
    return changes, gates


async def test_what_a_fill_has_changed_is_told_by_ibkr(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    async with client_of(here) as client:
        order = (await client.place(BUY, key="k1")).order
        await here.reaches(order.id, "Filled")
        (held,) = (await client.positions()).positions
        assert (held.contract.symbol, held.quantity) == ("AAPL", Decimal(10))
        told = await client.executions()
        assert told.problem is None
        assert sum(execution.quantity for execution in told.executions) == 10
        assert {(e.order_ref, e.side) for e in told.executions} == {(order.order_ref, "BUY")}
        account = await client.account()
        assert account.account == "DU1234567"
        assert account.net_liquidation > 0


async def test_streams_are_told_that_the_executor_ends(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.up()
    async with client_of(here) as client, asyncio.timeout(PATIENCE):
        async with aclosing(client.events()) as events:
            await anext(events)
            ending = asyncio.create_task(here.executor.kill(signal.SIGTERM))
            names = []
            async for event in events:
                names.append(event.name)
                if event.name == "closed":
                    break
        assert names[-1] == "closed"
        assert await ending == 0
