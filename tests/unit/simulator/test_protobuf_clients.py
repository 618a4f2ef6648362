"""API clients that speak protobuf, over real sockets: the same broker, beside clients that speak text."""

import datetime as dt

import pytest

from ibgateway_simulator.tws.protobuf import schema
from simulator_fakes.clock import HeldClock
from simulator_fakes.ibkr_world import IbkrWorld, ibkr_world
from simulator_fakes.protobuf_client import ProtobufClient, protobuf_client

AAPL = {"symbol": "AAPL", "secType": "STK", "currency": "USD"}


async def number(client: ProtobufClient) -> int:
    """Of the next message."""
    return (await client.next())[0]


async def test_start_up_says_accounts_then_the_next_id(world: IbkrWorld) -> None:
    await world.login()
    client = await protobuf_client(world, start=False)
    client.send(71, "StartApiRequest", clientId=17)
    assert [await number(client) for _ in range(5)] == [15, 9, 4, 4, 4]


async def test_a_client_id_is_used_by_one_connection_in_either_protocol(world: IbkrWorld) -> None:
    await world.login()
    await world.tws(17)
    second = await protobuf_client(world, start=False)
    second.send(71, "StartApiRequest", clientId=17)
    await second.error(326)
    await second.end()


async def test_both_protocols_show_one_book(world: IbkrWorld) -> None:
    await world.login()
    await world.call("PATCH", "/v1/faults", {"hold_fills": True})
    current, old = await protobuf_client(world, 17), await world.tws(18)
    current.order(1, orderRef="in protobuf")
    await current.until(3, "OrderStatus", status="Submitted")
    old.order(1, ref="in text")
    await old.until("3", "1", "Submitted")
    old.send("16|1")
    told = [await old.until("5"), await old.until("5")]
    assert [(fields[23], fields[24]) for fields in told] == [
        ("in protobuf", "17"),
        ("in text", "18"),
    ]
    current.send(16, "AllOpenOrdersRequest")
    orders = [(await current.until(5, "OpenOrder"))["order"] for _ in range(2)]
    assert [(order["orderRef"], order["clientId"]) for order in orders] == [
        ("in protobuf", 17),
        ("in text", 18),
    ]


async def test_frames_of_both_protocols_are_recorded_under_the_same_numbers(
    world: IbkrWorld,
) -> None:
    await world.login()
    current, old = await protobuf_client(world, 17), await world.tws(18)
    current.order(1, orderRef="in protobuf")
    await current.until(59, "CommissionAndFeesReport")
    old.order(1, ref="in text")
    await old.until("59")
    placed = await world.call("GET", "/v1/frames?direction=in&message=3")
    assert [frame["fields"][26:27] for frame in placed] == [[], ["in text"]]
    assert "content" not in placed[1]
    assert placed[0]["fields"] == ["3"]
    assert placed[0]["content"] == {
        "orderId": 1,
        "contract": {"conId": 265598, "exchange": "SMART"},
        "order": {
            "action": "BUY",
            "totalQuantity": "10",
            "orderType": "MKT",
            "tif": "DAY",
            "orderRef": "in protobuf",
        },
    }
    (report,) = await world.call("GET", "/v1/frames?direction=out&message=59&client_id=17")
    assert report["content"]["commissionAndFees"] == 1.0
    arrivals = (await world.call("GET", "/v1/audit"))["arrivals"]
    assert [(row["order_ref"], row["fate"]) for row in arrivals] == [
        ("in protobuf", "booked"),
        ("in text", "booked"),
    ]


async def test_the_link_is_lost_and_restored_in_protobuf(world: IbkrWorld) -> None:
    await world.login()
    client = await protobuf_client(world)
    await world.call("POST", "/v1/connectivity", {"state": "lost"})
    assert (await client.error(1100))["id"] == -1
    client.send(61, "PositionsRequest")
    client.send(8, "IdsRequest", numIds=1)
    assert await number(client) == 9
    await world.call("POST", "/v1/connectivity", {"state": "restored", "code": 1101})
    await client.error(1101)
    client.send(61, "PositionsRequest")
    assert await number(client) == 62


@pytest.mark.parametrize("action", ["", "buy", "SSHORT", "HOLD"])
async def test_an_order_that_neither_buys_nor_sells_is_refused(
    world: IbkrWorld, action: str
) -> None:
    await world.login()
    client = await protobuf_client(world)
    client.order(1, action=action)
    refused = await client.error(321)
    assert (refused["id"], "Invalid order action" in refused["errorMsg"]) == (1, True)
    assert await world.call("GET", "/v1/orders") == []


async def test_a_read_only_gateway_answers_orders_with_321(world: IbkrWorld) -> None:
    await world.login(read_only=True)
    client = await protobuf_client(world)
    client.order(1)
    assert (await client.error(321))["id"] == 1
    assert await world.call("GET", "/v1/orders") == []


async def test_the_time_is_not_told_twice_within_a_second_in_either_unit() -> None:
    clock = HeldClock(dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC))
    async with ibkr_world(clock.now) as world:
        await world.login()
        client = await protobuf_client(world)
        client.send(49, "CurrentTimeRequest")
        client.send(105, "CurrentTimeInMillisRequest")
        client.send(8, "IdsRequest", numIds=1)
        assert [await number(client), await number(client)] == [49, 9]
        clock.advance(1)
        client.send(105, "CurrentTimeInMillisRequest")
        told = await client.until(109, "CurrentTimeInMillis")
        assert told == {"currentTimeInMillis": "1795194001000"}


async def test_an_unknown_contract_is_200_and_a_cancelled_request_says_nothing(
    world: IbkrWorld,
) -> None:
    await world.login()
    client = await protobuf_client(world)
    wanted = schema.make("Contract", **{**AAPL, "symbol": "NOPE"})
    client.send(9, "ContractDataRequest", reqId=5, contract=wanted)
    assert (await client.error(200))["id"] == 5
    client.send(106, "CancelContractData", reqId=5)
    client.send(8, "IdsRequest", numIds=1)
    assert await number(client) == 9


async def test_a_request_that_nobody_knows_is_505(world: IbkrWorld) -> None:
    await world.login()
    client = await protobuf_client(world)
    client.send_bytes(20, b"\x08\x07")
    told = await client.error(505)
    assert (told["id"], told["errorMsg"]) == (7, "Fatal Error: Unknown message id 20.")


async def test_what_one_protocol_can_not_say_breaks_no_client_of_the_other(
    world: IbkrWorld,
) -> None:
    await world.login()
    await world.call("PATCH", "/v1/faults", {"hold_fills": True})
    current, old = await protobuf_client(world, 17), await world.tws(18)
    old.order(5_000_000_000)
    await old.error(103)
    current.order(1, orderRef="a\0b")
    await current.until(3, "OrderStatus", status="Submitted")
    old.send("16|1")
    assert (await old.until("5"))[23] == "ab"
    await old.until("53")


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\xff\x01"])
async def test_what_is_no_message_ends_its_connection_and_no_other(
    world: IbkrWorld, content: bytes
) -> None:
    await world.login()
    broken, other = await protobuf_client(world, 17), await protobuf_client(world, 18)
    broken.send_bytes(3, content)
    await broken.end()
    other.order(1)
    assert (await other.until(3, "OrderStatus", status="Filled"))["filled"] == "10"
    assert len(await world.call("GET", "/v1/orders")) == 1
