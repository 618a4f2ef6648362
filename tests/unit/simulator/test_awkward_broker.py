"""A broker that is slow, silent or terse, where a test asks for it."""

import asyncio

import pytest

from simulator_fakes.ibkr_world import IbkrWorld, TwsClient

AAPL_DETAILS = "9|8|{}|265598||||||||||||||||"
EXECUTIONS = "7|3|1|0|||||||"
OPEN_ORDERS_END = ["53", "1"]


async def _faults(world: IbkrWorld, **faults: object) -> None:
    await world.call("PATCH", "/v1/faults", faults)


async def _client(world: IbkrWorld) -> TwsClient:
    await world.login()
    return await world.tws()


def _snapshot(req_id: int) -> str:
    return f"1|11|{req_id}|265598|AAPL|STK||0.0|||SMART||USD|AAPL||0||1|0|"


async def test_one_contract_is_asked_for_in_vain_and_the_others_are_not(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, mute_symbols=["AAPL"])
    client.send(AAPL_DETAILS.format(5))
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
    await _faults(world, mute_symbols=["IBM"])
    client.send(AAPL_DETAILS.format(6))
    assert (await client.next())[0] == "10"


async def test_a_snapshots_end_may_come_long_after_its_prices(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, snapshot_seconds=3600)
    client.send(_snapshot(7))
    client.send("8|1|1")
    seen = [(await client.next())[0] for _ in range(7)]
    assert "1" in seen
    assert "57" not in seen
    assert seen[-1] == "9"
    await _faults(world, snapshot_seconds=0.01)
    client.send(_snapshot(8))
    assert await client.until("57") == ["57", "1", "8"]


async def test_a_handshake_may_take_its_time(world: IbkrWorld) -> None:
    await world.login()
    await _faults(world, handshake_seconds=3600)
    shaking = asyncio.create_task(world.tws())
    await world.frame("v178")
    await _faults(world, handshake_seconds=0)
    await world.tws(18)
    assert not shaking.done()
    shaking.cancel()
    await asyncio.gather(shaking, return_exceptions=True)


async def test_connections_may_be_accepted_and_closed(world: IbkrWorld) -> None:
    await world.login()
    await _faults(world, close_at_once=True)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await world.tws()


@pytest.mark.parametrize("code", [100, 163, 383, 435, 478, 502, 504, 10311])
async def test_an_order_may_be_refused_without_a_status(world: IbkrWorld, code: int) -> None:
    client = await _client(world)
    await _faults(world, refuse_next=code)
    client.order(1)
    error = await client.next()
    assert (error[0], error[2], error[3]) == ("4", "1", str(code))
    assert await world.call("GET", "/v1/orders") == []
    client.order(2)
    assert (await client.until("5"))[1] == "2"


async def test_a_cancel_may_be_refused_once(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, refuse_cancel_next=161, hold_fills=True)
    client.order(1)
    await client.until("5")
    client.send("4|1|1|")
    assert (await client.error(161))[2] == "1"
    client.send("4|1|1|")
    assert (await client.error(202))[2] == "1"


async def test_an_order_rejected_while_nobody_listened_is_completed_as_inactive(
    world: IbkrWorld,
) -> None:
    client = await _client(world)
    await _faults(world, lose_next="rejected")
    client.order(1, ref="lost")
    await client.end()
    again = await world.tws()
    again.send("99|1")
    assert "Inactive" in await again.until("101")


async def test_an_order_may_be_dropped_without_a_word(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, lose_next="silently")
    client.order(1)
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
    assert await world.call("GET", "/v1/orders") == []


@pytest.mark.parametrize("fault", [{"unacknowledged": True}, {"ack_seconds": 3600}])
async def test_an_order_may_be_booked_and_not_acknowledged(
    world: IbkrWorld, fault: dict[str, object]
) -> None:
    client = await _client(world)
    await _faults(world, hold_fills=True, **fault)
    client.order(1)
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
    assert len(await world.call("GET", "/v1/orders")) == 1
    client.send("5|1")
    assert (await client.next())[0] == "5"


async def test_a_late_acknowledgement_comes(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, hold_fills=True, ack_seconds=0.05)
    client.order(1)
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
    assert (await client.next())[0] in ("3", "4", "5")


async def test_open_orders_may_be_unknown_for_a_moment(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, hold_fills=True, orders_empty_seconds=3600)
    client.order(1)
    await client.until("3")
    again = await world.tws(18)
    again.send("16|1")
    assert await again.next() == OPEN_ORDERS_END
    await _faults(world, orders_empty_seconds=0)
    again.send("16|1")
    assert (await again.next())[0] == "5"


async def test_accounts_may_be_unknown_for_a_moment(world: IbkrWorld) -> None:
    await world.login()
    await _faults(world, accounts_empty_seconds=3600)
    client = await world.tws(start=False)
    client.send("71|2|17|")
    assert await client.until("15") == ["15", "1", ""]
    await _faults(world, accounts_empty_seconds=0)
    client.send("17|1")
    assert await client.until("15") == ["15", "1", "DU1234567"]


async def test_the_link_may_go_and_come_while_a_request_is_under_way(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, flap_next=7)
    client.send(EXECUTIONS)
    seen = [await client.next() for _ in range(3)]
    assert [fields[3] for fields in seen[:2]] == ["1100", "1102"]
    assert seen[2][0] == "55"
    client.send(EXECUTIONS)
    assert (await client.next())[0] == "55"


async def test_a_clock_that_is_set_back_makes_a_healthy_broker_forget_nothing(
    world: IbkrWorld,
) -> None:
    client = await _client(world)
    await _faults(world, hold_fills=True)
    client.order(1)
    await client.until("3")
    await world.call("PATCH", "/v1/clock", {"offset_seconds": -3600})
    client.send("17|1")
    assert await client.until("15") == ["15", "1", "DU1234567"]
    client.send("16|1")
    assert (await client.next())[0] == "5"


@pytest.mark.parametrize("when", ["after-booking", "rejected"])
async def test_a_refusal_that_nobody_hears_is_noted_under_its_order_and_harms_no_later_one(
    world: IbkrWorld, when: str
) -> None:
    client = await _client(world)
    await _faults(world, refuse_next=163)
    await _faults(world, lose_next=when)
    client.order(1, ref="refused")
    await client.end()
    events = await world.call("GET", "/v1/events")
    told = [event for event in events if event.get("order_ref") == "refused"]
    assert [event["kind"] for event in told] == ["order_lost", "order_refused"]
    assert (told[0]["when"], told[1]["code"], told[1]["order_id"]) == (when, 163, 1)
    assert await world.call("GET", "/v1/orders") == []
    again = await world.tws()
    again.order(2, ref="later")
    assert (await again.until("3"))[2] == "PreSubmitted"


async def test_a_refused_order_is_noted_and_a_booked_or_rejected_one_is_not(
    world: IbkrWorld,
) -> None:
    client = await _client(world)
    await _faults(world, refuse_next=383)
    client.order(1, ref="refused")
    await client.error(383)
    client.order(2, ref="booked")
    await client.until("3", "2")
    await _faults(world, reject_next="not enough margin")
    client.order(3, ref="rejected")
    await client.error(201)
    events = await world.call("GET", "/v1/events")
    refused = [event for event in events if event["kind"] == "order_refused"]
    assert [(event["order_ref"], event["code"]) for event in refused] == [("refused", 383)]


async def test_completed_orders_may_be_unknown_for_a_moment(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, completed_empty_seconds=3600)
    client.order(1)
    await client.until("59")
    client.send("99|0")
    assert await client.next() == ["102"]
    client.send(EXECUTIONS)
    assert (await client.next())[0] == "11"
    await client.until("55")
    await _faults(world, completed_empty_seconds=0)
    client.send("99|0")
    assert (await client.next())[0] == "101"
