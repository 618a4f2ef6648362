"""The unmodified client libraries against the simulator, each in an environment of its own."""

import asyncio
import datetime as dt

import pytest

from library_stories import CLIENTS, STORY, environment, logged_in, told
from rust_programs import rust_program

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("module", "version"), [("ib_async", 178), ("ib_insync", 176)])
async def test_an_asyncio_client_connects_with_defaults_trades_and_cancels(
    module: str, version: int
) -> None:
    python = await asyncio.to_thread(environment, module)
    async with logged_in() as (_, url, port):
        story = str(CLIENTS / "async_story.py")
        document = await told(python, story, module, "127.0.0.1", str(port), url)
    assert document == {**STORY, "server_version": version, "sessions": 1}


async def test_ibkrs_own_client_of_pypi_trades_and_cancels() -> None:
    python = await asyncio.to_thread(environment, "ibapi")
    async with logged_in() as (_, url, port):
        document = await told(python, str(CLIENTS / "ibapi_story.py"), "127.0.0.1", str(port), url)
    assert document == {**STORY, "server_version": 157}


async def test_ibkrs_own_client_of_today_is_told_the_same_in_protobuf() -> None:
    python = await asyncio.to_thread(environment, "nautilus_ibapi")
    async with logged_in() as (ibkr, url, port):
        story = str(CLIENTS / "nautilus_story.py")
        document = await told(python, story, "127.0.0.1", str(port), url)
        frames = ibkr.ibkr.frames
    assert document == {**STORY, "server_version": 225}
    asked = [frame for frame in frames if frame["direction"] == "in"][1:]
    assert all(len(frame["fields"]) == 1 and "content" in frame for frame in asked)
    placed = [frame["content"]["order"] for frame in asked if frame["fields"] == ["3"]]
    assert [order["orderRef"] for order in placed] == ["market", "limit", "partial", "rejected"]


@pytest.mark.timeout(1200)  # the first one builds it
async def test_rusts_client_is_told_the_same_in_protobuf() -> None:
    program = await asyncio.to_thread(rust_program, CLIENTS / "rust_ibapi")
    async with logged_in() as (_, url, port):
        document = await told(program, "127.0.0.1", str(port), url)
    assert document == {**STORY, "server_version": 225}


async def test_the_simulator_saw_exactly_the_orders_that_the_client_sent() -> None:
    python = await asyncio.to_thread(environment, "ib_async")
    async with logged_in() as (ibkr, url, port):
        story = str(CLIENTS / "async_story.py")
        await told(python, story, "ib_async", "127.0.0.1", str(port), url)
        placed = [
            frame["fields"][26]
            for frame in ibkr.ibkr.frames
            if frame["direction"] == "in" and frame["fields"][0] == "3"
        ]
    assert placed == ["market", "limit", "partial", "rejected"]


@pytest.mark.parametrize("module", ["ib_async", "ib_insync"])
async def test_an_order_on_open_is_taken_before_the_open_executed_in_it_and_refused_after_it(
    module: str,
) -> None:
    python = await asyncio.to_thread(environment, module)
    opening = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=30)
    session = [opening.isoformat(), (opening + dt.timedelta(hours=6)).isoformat()]
    async with logged_in([session]) as (ibkr, url, port):
        story = str(CLIENTS / "opening_story.py")
        where = ("127.0.0.1", str(port), url, opening.isoformat())
        document = await told(python, story, module, *where)
        placed = [
            frame["fields"][16:22]
            for frame in ibkr.ibkr.frames
            if frame["direction"] == "in" and frame["fields"][0] == "3"
        ]
    notice = (
        "Order Message:\nBUY {} AAPL NASDAQ\nWarning: your order will not be placed at the exchange"
    )
    assert document == {
        "booked": ["PreSubmitted", "PreSubmitted"],
        "before": [0.0, 0.0],
        "notices": [[399, notice.format(10)], [399, notice.format(5)]],
        "at_the_open": [["Filled", 10.0, 190.0], ["Cancelled", 0.0, 0.0]],
        "too_late": [[201, "Order rejected - reason:Exchange is closed."], 0.0],
    }
    assert placed == [
        ["BUY", "10", "MKT", "", "", "OPG"],
        ["BUY", "5", "LMT", "189.0", "", "OPG"],
        ["BUY", "1", "MKT", "", "", "OPG"],
    ]
