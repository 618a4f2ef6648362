"""API clients over real sockets: start-up, what each is answered and what only others hear."""

import asyncio
import datetime as dt

import pytest

from simulator_fakes.clock import HeldClock
from simulator_fakes.ibkr_world import PATIENCE, IbkrWorld, ibkr_world


async def test_start_up_says_accounts_then_the_next_id(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws(start=False)
    client.send("71|2|17|")
    assert await client.next() == ["15", "1", "DU1234567"]
    assert await client.next() == ["9", "1", "1"]
    assert (await client.next())[3] == "2104"


async def test_a_client_id_is_used_by_one_connection(world: IbkrWorld) -> None:
    await world.login()
    first = await world.tws(17)
    second = await world.tws(17, start=False)
    second.send("71|2|17|")
    await second.error(326)
    await second.end()
    first.send("49|1")
    assert (await first.until("49"))[2].isdigit()


async def test_an_order_fills_and_only_its_client_hears_of_it(world: IbkrWorld) -> None:
    await world.login()
    buyer, other = await world.tws(17), await world.tws(18)
    buyer.order(1, ref="mine")
    await buyer.until("59")
    other.send("8|1|1")
    assert await other.next() == ["9", "1", "1"]
    other.send("7|3|5|0|||||||")
    fill = await other.until("11", "5")
    assert fill[26] == "mine"
    await other.until("55", "1", "5")
    (order,) = await world.call("GET", "/v1/orders")
    assert (order["order_ref"], order["status"], order["client_id"]) == ("mine", "Filled", 17)


async def test_open_orders_are_the_clients_own_and_all_are_everybodys(world: IbkrWorld) -> None:
    await world.login()
    await world.call("PATCH", "/v1/faults", {"hold_fills": True})
    mine, other = await world.tws(17), await world.tws(18)
    mine.order(1)
    await mine.until("3", "1", "Submitted")
    other.send("5|1")
    assert await other.next() == ["53", "1"]
    other.send("16|1")
    assert (await other.next())[:2] == ["5", "1"]
    await other.until("53")


@pytest.mark.parametrize("action", ["", "buy", "SSHORT", "HOLD"])
async def test_an_order_that_neither_buys_nor_sells_is_refused(
    world: IbkrWorld, action: str
) -> None:
    await world.login()
    client = await world.tws()
    client.order(1, action)
    refused = await client.error(321)
    assert (refused[2], "Invalid order action" in refused[4]) == ("1", True)
    assert await world.call("GET", "/v1/orders") == []


async def test_a_read_only_gateway_answers_orders_with_321(world: IbkrWorld) -> None:
    await world.login(read_only=True)
    client = await world.tws()
    client.order(1)
    assert (await client.error(321))[2] == "1"
    client.send("5|1")
    assert (await client.error(321))[2] == "-1"
    client.send("61|1")
    assert await client.until("62") == ["62", "1"]
    assert await world.call("GET", "/v1/orders") == []


async def test_the_time_is_not_told_twice_within_a_second() -> None:
    clock = HeldClock(dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC))
    async with ibkr_world(clock.now) as world:
        await world.login()
        client = await world.tws()
        client.send("49|1")
        await client.until("49")
        client.send("49|1")
        client.send("8|1|1")
        assert (await client.next())[0] == "9"
        clock.advance(1)
        client.send("49|1")
        assert await client.next() == ["49", "1", "1795194001"]


async def test_an_unknown_session_gets_no_connection(world: IbkrWorld) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.ibkr.broker_port)
    writer.write(b'{"session": "made up"}\n')
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


async def test_next_ids_can_be_rolled_back(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    client.order(40)
    await client.until("59")
    await world.call(
        "PATCH", "/v1/next-ids", {"account": "DU1234567", "client_id": 17, "value": 38}
    )
    client.send("8|1|1")
    assert (await client.until("9"))[2] == "38"
