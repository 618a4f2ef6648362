"""What goes wrong between IBKR and an API client when a test asks for it."""

import asyncio
from typing import Any

import pytest

from simulator_fakes.ibkr_world import PATIENCE, IbkrWorld


async def test_while_the_link_is_lost_only_the_gateway_answers(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    await world.call("POST", "/v1/connectivity", {"state": "lost"})
    await client.error(1100)
    client.send("9|8|1|265598||||||||||||||||")
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
    client.order(1, ref="lost")
    await world.call("POST", "/v1/connectivity", {"state": "restored", "code": 1101})
    await client.error(1101)
    client.send("16|1")
    assert await client.next() == ["53", "1"]
    assert await world.call("GET", "/v1/orders") == []


async def test_an_order_of_the_outage_is_placed_later_if_the_gateway_keeps_such(
    world: IbkrWorld,
) -> None:
    await world.login()
    await world.call("PATCH", "/v1/faults", {"resubmit": True})
    client = await world.tws()
    await world.call("POST", "/v1/connectivity", {"state": "lost"})
    await client.error(1100)
    client.order(1, ref="late")
    client.send("8|1|1")
    await client.until("9")
    await world.call("POST", "/v1/connectivity", {"state": "restored"})
    await client.until("59")
    assert [o["order_ref"] for o in await world.call("GET", "/v1/orders")] == ["late"]


@pytest.mark.parametrize(("when", "booked"), [("before-booking", []), ("after-booking", ["lost"])])
async def test_a_connection_breaks_around_the_booking(
    world: IbkrWorld, when: str, booked: list[str]
) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"lose_next": when})
    client.order(1, ref="lost")
    await client.end()
    assert [o["order_ref"] for o in await world.call("GET", "/v1/orders")] == booked
    again = await world.tws()
    again.send("8|1|1")
    assert (await again.until("9"))[2] == ("2" if booked else "1")


async def test_an_order_may_arrive_long_after_it_was_lost_whoever_has_its_id_by_then(
    world: IbkrWorld,
) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"lose_next": "late", "hold_fills": True})
    client.order(1, ref="lost")
    await client.end()
    assert await world.call("GET", "/v1/orders") == []
    again = await world.tws()
    again.order(1, ref="lost")
    await again.until("3")
    (late,) = await world.call("POST", "/v1/late-orders")
    booked = await world.call("GET", "/v1/orders")
    assert [(o["order_ref"], o["order_id"], o["status"]) for o in booked] == [
        ("lost", 1, "Submitted"),
        ("lost", 1, "Submitted"),
    ]
    audit = await world.call("GET", "/v1/audit")
    fates = [(a["fate"], a["perm_id"]) for a in audit["arrivals"]]
    assert fates == [("booked", late["perm_id"]), ("booked", booked[0]["perm_id"])]
    assert booked[0]["perm_id"] < late["perm_id"]
    assert await world.call("POST", "/v1/late-orders") == []


async def test_connections_are_dropped_by_client_id(world: IbkrWorld) -> None:
    await world.login()
    first, second = await world.tws(17), await world.tws(18)
    assert await world.call("POST", "/v1/connections/drop", {"client_id": 17}) == {"dropped": 1}
    await first.end()
    second.send("8|1|1")
    await second.until("9")


async def test_a_muted_server_says_nothing_and_records_everything(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"mute": True})
    client.order(1)
    frames: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while not frames:
            frames = await world.call("GET", "/v1/frames?direction=in&message=3")
    await world.call("PATCH", "/v1/faults", {"mute": False})
    client.send("8|1|1")
    assert (await client.until("9"))[0] == "9"


async def test_too_many_messages_get_100_and_the_third_time_a_closed_connection(
    world: IbkrWorld,
) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"max_rate": 5})
    for _ in range(18):
        client.send("14|1|1")
    await client.error(100)
    await client.error(100)
    await client.error(100)
    await client.end()


async def test_silent_requests_get_no_answer(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"silent_requests": [7]})
    client.send("7|3|1|0|||||||")
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
