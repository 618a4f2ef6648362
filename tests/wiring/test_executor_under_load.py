"""A slow, strict or rude gateway, and rude clients: the executor keeps its pace and its patience."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from executor_world import CLIENT_TOKEN, ExecutorWorld, until, world
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.pacing import MessageKind, MessagePacer
from ibgateway_executor.errors import NoAnswerError
from ibgateway_executor.orders.order import Contract

AAPL = Contract(265598, exchange="SMART")
TOO_FAST = "100"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


async def errors(here: ExecutorWorld, code: str) -> list[Any]:
    """Errors of this code that the gateway has sent."""
    frames = await here.ibkr.get("/v1/frames?direction=out&message=4")
    return [frame["fields"] for frame in frames if frame["fields"][3] == code]


async def starts(here: ExecutorWorld) -> int:
    """How often an API client has introduced itself."""
    return len(await here.ibkr.get("/v1/frames?direction=in&message=71"))


async def test_a_last_price_that_came_before_the_snapshots_end_sends_the_order(
    here: ExecutorWorld,
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"snapshot_seconds": 3600})
    here.configure(max_order_value="2000")
    await here.executor.start()
    await here.log_in()
    await here.ready()
    at = time.monotonic()
    _, order = await here.place("k1")
    _, large = await here.place("k2", quantity=11)
    await here.reaches(order["id"], "Filled")
    rejected = await here.reaches(large["id"], "Rejected")
    assert rejected["reason"] == "OrderValueLimit"
    assert time.monotonic() - at < 10, "nothing waited for the snapshot's end"


async def test_bid_and_ask_that_came_before_the_end_count_once_the_time_is_over(
    here: ExecutorWorld,
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"snapshot_seconds": 3600, "no_last_price": True})
    await here.gateway.login()
    broker = await ib.connect(
        ib.GatewayAddress("127.0.0.1", here.gateway.port, 17),
        lambda _: None,
        MessagePacer(time.monotonic),
        ib.RequestLimits(price=3),
    )
    assert await broker.price(AAPL) == Decimal("190.01")
    await here.ibkr.send("PATCH", "/v1/faults", {"mute_symbols": ["AAPL"]})
    with pytest.raises(NoAnswerError):
        await broker.price(AAPL)
    broker.close()


async def test_a_handshake_of_three_seconds_succeeds_at_the_first_attempt(
    here: ExecutorWorld,
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"handshake_seconds": 3})
    await here.executor.start()
    await here.log_in()
    await here.ready()
    assert await starts(here) == 1
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Filled")


async def test_a_port_that_accepts_and_closes_is_dialled_later_and_later(
    here: ExecutorWorld,
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"close_at_once": True})
    await here.executor.start()
    await here.up()
    await here.log_in()
    await asyncio.sleep(8)
    assert 4 <= here.gateway.accepted <= 12
    await here.ibkr.send("PATCH", "/v1/faults", {"close_at_once": False})
    await here.ready()


async def test_an_error_100_is_logged_and_slows_the_lookups_down(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"max_rate": 12})
    await here.executor.start()
    await here.log_in()
    await here.ready()
    orders = [(await here.place(f"k{n}", contract={"symbol": f"X{n}"}))[1] for n in range(45)]
    for order in orders:
        await here.reaches(order["id"], "Rejected")
    assert 1 <= len(await errors(here, TOO_FAST)) <= 2, "the third one would have ended it"
    assert await starts(here) == 1
    log = here.executor.log.read_text()
    assert "the gateway says that messages come too fast: 100" in log


async def test_three_hundred_symbols_at_once_stay_below_fifty_messages_a_second(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.up()
    known = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN", "TSLA", "SPY", "QQQ", "VOO", "BND", "GLD")
    symbols = [*(f"X{n}" for n in range(300 - len(known))), *known]
    placed = [here.place(f"k{n}", contract={"symbol": symbol}) for n, symbol in enumerate(symbols)]
    orders = [order for _, order in await asyncio.gather(*placed)]
    await here.log_in()
    at = time.monotonic()
    for order in orders[: -len(known)]:
        await here.reaches(order["id"], "Rejected")
    for order in orders[-len(known) :]:
        await here.reaches(order["id"], "Filled")
    assert await errors(here, TOO_FAST) == []
    assert await starts(here) == 1
    asked = await here.ibkr.get("/v1/frames?direction=in&message=9")
    assert len(asked) == 300
    assert time.monotonic() - at >= (300 - 15) / MessageKind.LOOKUP.value - 1


async def test_a_thousand_requests_that_are_never_finished_end_while_orders_are_taken(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.up()
    port = here.executor.port
    head = (
        f"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {CLIENT_TOKEN}\r\n"
    )
    half = f"{head}Content-Length: 900\r\n\r\n{{".encode()
    at = time.monotonic()
    clients = []
    for _ in range(1000):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(half)
        clients.append((reader, writer))
    slowest = 0.0
    for number in range(20):
        before = time.monotonic()
        status, _ = await here.place(f"k{number}")
        assert status == 202
        slowest = max(slowest, time.monotonic() - before)
    assert slowest < 5

    async def gone() -> bool:
        return all(reader.at_eof() or reader.exception() for reader, _ in clients)

    reading = [asyncio.create_task(_drain(reader)) for reader, _ in clients]
    await until("every half request was ended", gone)
    assert time.monotonic() - at < 40
    await asyncio.gather(*reading)
    for _, writer in clients:
        writer.close()
    assert (await here.place("k20"))[0] == 202


async def _drain(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1000):
            pass
    except ConnectionError:
        return
