"""What a Gateway says that does not have IBKR, shares it, or has only just come back from yesterday."""

import datetime as dt

import pytest

from ibgateway_simulator.model.notices import FARMS, NOTICES, text_of
from simulator_fakes.ibkr_world import IbkrWorld, TwsClient, ibkr_world, utc_now

AAPL_DETAILS = "9|8|{}|265598||||||||||||||||"
AAPL_PRICES = "1|11|{}|265598|AAPL|STK||0.0|||SMART||USD|AAPL||0||1|0|"


async def _faults(world: IbkrWorld, **faults: object) -> None:
    await world.call("PATCH", "/v1/faults", faults)


async def _client(world: IbkrWorld) -> TwsClient:
    await world.login()
    return await world.tws()


async def test_a_gateway_without_a_broker_starts_and_has_200_and_10159(world: IbkrWorld) -> None:
    await world.login()
    await _faults(world, broker_link_down=True)
    client = await world.tws(start=False)
    client.send("71|2|17|")
    assert (await client.error(2110))[4] == NOTICES[2110]
    client.send(AAPL_DETAILS.format(5))
    client.send(AAPL_PRICES.format(6))
    client.send("8|1|1")
    told = [(await client.until("4", "2", req))[3] for req in ("5", "6")]
    assert told == ["200", "10159"]
    await _faults(world, broker_link_down=False)
    client.send(AAPL_DETAILS.format(7))
    assert (await client.until("10"))[1] == "7"


@pytest.mark.parametrize("code", [1300, 2103, 2105, 2107, 2108, 2109, 2110, 2119, 2157, 2159, 9999])
async def test_any_notice_can_be_told(world: IbkrWorld, code: int) -> None:
    client = await _client(world)
    assert await world.call("POST", "/v1/notices", {"code": code}) == {"told": 1}
    assert await client.error(code) == ["4", "2", "-1", str(code), text_of(code), ""]


async def test_a_notice_goes_to_one_client_and_may_have_other_words(world: IbkrWorld) -> None:
    first = await _client(world)
    second = await world.tws(18)
    said = {"code": 2103, "text": "broken:eufarm", "client_id": 18}
    assert await world.call("POST", "/v1/notices", said) == {"told": 1}
    await world.call("POST", "/v1/notices", {"code": 2108})
    assert (await second.error(2103))[4] == "broken:eufarm"
    assert (await first.next())[3] == "2108"


async def test_a_competing_session_has_the_prices(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, competing_data=True)
    client.send(AAPL_PRICES.format(6))
    assert (await client.error(10197))[2] == "6"
    client.send(AAPL_DETAILS.format(7))
    assert (await client.next())[0] == "10"


async def test_the_id_of_a_client_that_has_gone_may_linger(world: IbkrWorld) -> None:
    first = await _client(world)
    await _faults(world, client_id_lingers_seconds=3600)
    first.writer.transport.abort()
    await world.event("api_client_gone")
    again = await world.tws(start=False)
    again.send("71|2|17|")
    await again.error(326)
    await again.end()
    await world.tws(18)
    await _faults(world, client_id_lingers_seconds=0)
    await world.tws(17)


async def test_who_connects_during_an_outage_may_be_told_nothing() -> None:
    ahead = [0.0]
    async with ibkr_world(lambda: utc_now() + dt.timedelta(seconds=ahead[0])) as world:
        told = await _client(world)
        await _faults(world, lost_said_once=True)
        await world.call("POST", "/v1/connectivity", {"state": "lost"})
        await told.error(1100)
        untold = await world.tws(18)
        ahead[0] = 60.0
        world.ibkr.ibkr.tick()
        untold.send("49|1")
        assert (await untold.next())[0] == "49"
        await _faults(world, lost_said_once=False)
        await untold.error(1100)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus"])
async def test_hours_may_be_in_a_time_zone_that_nobody_knows(world: IbkrWorld, zone: str) -> None:
    client = await _client(world)
    await _faults(world, time_zone_id=zone)
    client.send(AAPL_DETAILS.format(5))
    details = await client.until("10")
    assert "US/Eastern" not in details
    assert details[details.index("Computers") + 2] == zone


async def test_a_what_if_may_be_answered_without_figures_first(world: IbkrWorld) -> None:
    client = await _client(world)
    await _faults(world, what_if_unset_first=True)
    fields = [
        "3",
        "1",
        "265598",
        "AAPL",
        "STK",
        "",
        "0.0",
        "",
        "",
        "SMART",
        "",
        "USD",
        "AAPL",
        "",
        "",
        "",
        "BUY",
        "10",
        "MKT",
        "0",
        "0",
        "DAY",
        "",
        "",
        "",
        "0",
        "",
        "1",
    ]
    fields += [""] * (114 - len(fields))
    fields[84] = "1"
    client.send("|".join(fields))
    first, second = await client.until("5"), await client.until("5")
    assert first[92] == second[92] == "1"
    assert first[94:107] == ["1.7976931348623157E308"] * 12 + [""]
    assert (second[97], second[106]) == ("1900", "USD")


async def test_what_was_done_yesterday_is_told_by_nobody() -> None:
    ahead = [dt.timedelta()]
    async with ibkr_world(lambda: utc_now() + ahead[0]) as world:
        client = await _client(world)
        client.order(1, ref="today")
        await client.until("59")
        client.send("99|0")
        assert "today" in await client.until("101")
        await client.until("102")
        ahead[0] = dt.timedelta(days=1)
        client.send("99|0")
        assert await client.next() == ["102"]


def test_what_a_client_is_told_when_it_starts_has_words() -> None:
    assert [text_of(code).partition(":")[2] for code in FARMS] == ["usfarm", "ushmds", "secdefil"]
