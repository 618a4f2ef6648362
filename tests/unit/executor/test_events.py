"""Server-sent events: every change in its order, resumed from any place, for as many readers as there is room."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from executor_fakes import NOON, IntakeWorld
from ibgateway_api.gate import Open
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake import server
from ibgateway_executor.intake.event_feed import EventFeed, StreamTimings
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.rebalance.progress import RebalanceRun, cancel


def told(chunk: bytes) -> list[tuple[str, Any, int]]:
    """The events of a chunk: name, document, id."""
    found = []
    for block in chunk.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), int(fields["id"])))
    return found


async def heard(stream: AsyncGenerator[bytes], count: int) -> list[tuple[str, Any, int]]:
    """The next events, however they come; heartbeats are not counted."""
    found: list[tuple[str, Any, int]] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += told(await anext(stream))
    return found


@asynccontextmanager
async def running(intake: IntakeWorld) -> AsyncIterator[None]:
    looking = asyncio.create_task(intake.feed.run())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def test_a_stream_begins_with_how_things_stand_and_then_tells_each_change(
    intake: IntakeWorld,
) -> None:
    await intake.place("k0")
    place = await intake.feed.begin(None)
    async with running(intake), aclosing(intake.feed.events(place)) as stream:
        assert await anext(stream) == b"id: 1\nretry: 2000\n\n"
        gate, pause = await heard(stream, 2)
        assert gate == (
            "gate",
            {"open": False, "reason": "AwaitingApproval", "message": "a push waits"},
            1,
        )
        assert (pause[0], pause[1]["paused"], pause[2]) == ("pause", False, 1)
        await intake.place("k1")
        ((kind, document, number),) = await heard(stream, 1)
        assert (kind, number) == ("order", 2)
        assert document == {
            "order": "id1",
            "number": 1,
            "at": "2026-11-23T17:00:00+00:00",
            "from": None,
            "to": "Accepted",
            "reason": "",
            "message": "",
            "cause": "client",
            "evidence": {},
        }
        await intake.http.delete("/v1/orders/id0")
        ((_, document, number),) = await heard(stream, 1)
        assert (document["order"], document["from"], document["to"]) == (
            "id0",
            "Accepted",
            "Cancelled",
        )
        assert number == 3


async def test_gate_and_pause_are_told_when_they_change_and_not_again(intake: IntakeWorld) -> None:
    async with running(intake), aclosing(intake.feed.events(0)) as stream:
        await heard(stream, 2)
        intake.gate = Open()
        ((kind, document, _),) = await heard(stream, 1)
        assert (kind, document["open"]) == ("gate", True)
        await intake.http.post("/v1/pause", json={"by": "R.", "reason": "r"})
        ((kind, document, _),) = await heard(stream, 1)
        assert (kind, document["by"]) == ("pause", "R.")
        await intake.place("k1")
        assert [kind for kind, *_ in await heard(stream, 1)] == ["order"]


async def test_a_change_is_told_at_once_and_not_with_the_next_heartbeat(
    intake: IntakeWorld,
) -> None:
    feed = EventFeed(
        intake.ledger,
        lambda: intake.gate,
        monotonic=intake.time.clock.monotonic,
        timings=StreamTimings(look=0.001, beat=600),
    )
    looking = asyncio.create_task(feed.run())
    async with aclosing(feed.events(await feed.begin(None))) as stream:
        await heard(stream, 2)
        waiting = asyncio.create_task(heard(stream, 1))
        await asyncio.sleep(0)
        await intake.place("k0")
        assert [kind for kind, *_ in await waiting] == ["order"]
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def test_a_stream_goes_on_after_the_last_event_also_over_a_restart(
    intake: IntakeWorld,
) -> None:
    for number in range(3):
        await intake.place(f"k{number}")
    first = intake.feed.events(await intake.feed.begin(0))
    async with aclosing(first):
        found = [event for event in await heard(first, 5) if event[0] == "order"]
    assert [(document["order"], at) for _, document, at in found] == [
        ("id0", 1),
        ("id1", 2),
        ("id2", 3),
    ]
    again = intake.feed.events(await intake.feed.begin(1))
    async with aclosing(again):
        found = [event for event in await heard(again, 4) if event[0] == "order"]
    assert [at for *_, at in found] == [2, 3]


async def test_a_rebalance_is_told_among_the_orders_and_resumed_like_them(
    intake: IntakeWorld,
) -> None:
    await intake.place("k0")
    made = RebalanceRun("r1", 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
    async with running(intake), aclosing(intake.feed.events(1)) as stream:
        await heard(stream, 2)
        await intake.ledger.rebalances.accept("k1", "h", made)
        ((kind, document, number),) = await heard(stream, 1)
        assert (kind, number) == ("rebalance", 2)
        assert document == {
            "rebalance": "r1",
            "number": 1,
            "at": "2026-11-23T17:00:00+00:00",
            "from": None,
            "to": "Accepted",
            "reason": "",
            "message": "",
            "cause": "client",
            "evidence": {"account": "DU1234567"},
        }
        await intake.ledger.rebalances.advance("r1", cancel, ChangeCause.CLIENT)
        ((kind, document, number),) = await heard(stream, 1)
        assert (kind, document["from"], document["to"], number) == (
            "rebalance",
            "Accepted",
            "Cancelled",
            3,
        )
    async with aclosing(intake.feed.events(await intake.feed.begin(2))) as again:
        found = [event for event in await heard(again, 3) if event[0] == "rebalance"]
    assert [(document["to"], at) for _, document, at in found] == [("Cancelled", 3)]


async def test_a_change_of_a_rebalance_is_told_at_once_also_where_nobody_waits_for_it(
    intake: IntakeWorld,
) -> None:
    feed = EventFeed(
        intake.ledger,
        lambda: intake.gate,
        monotonic=intake.time.clock.monotonic,
        timings=StreamTimings(look=0.001, beat=600),
    )
    looking = asyncio.create_task(feed.run())
    made = RebalanceRun("r1", 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
    async with aclosing(feed.events(await feed.begin(None))) as stream:
        await heard(stream, 2)
        waiting = asyncio.create_task(heard(stream, 1))
        storing = asyncio.create_task(intake.ledger.rebalances.accept("k1", "h", made))
        await asyncio.sleep(0)
        storing.cancel()
        assert [kind for kind, *_ in await waiting] == ["rebalance"]
    looking.cancel()
    await asyncio.gather(looking, storing, return_exceptions=True)


async def test_more_lines_than_are_read_at_once_all_come_in_their_order(
    intake: IntakeWorld,
) -> None:
    for number in range(250):
        await intake.place(f"k{number}")
    async with aclosing(intake.feed.events(0)) as stream:
        found = await heard(stream, 252)
    assert [at for kind, _, at in found if kind == "order"] == list(range(1, 251))


async def test_a_place_that_the_ledger_never_had_is_refused(intake: IntakeWorld) -> None:
    await intake.place("k0")
    with pytest.raises(OrderRefusedError, match="the newest event is 1: ") as refused:
        await intake.feed.begin(2)
    assert (refused.value.status, refused.value.code) == (422, "UnknownEvent")
    assert intake.feed.streams == 0


async def test_there_are_only_so_many_streams(intake: IntakeWorld) -> None:
    await asyncio.gather(intake.feed.begin(None), intake.feed.begin(None))
    answer = await intake.http.get("/v1/events")
    assert (answer.status_code, answer.json()["code"]) == (503, "TooManyStreams")
    assert answer.headers["Retry-After"] == "5"
    intake.feed.left()
    assert await intake.feed.begin(None) == 0


@pytest.mark.parametrize("last", ["-1", "x", "9223372036854775808", "1.5"])
async def test_what_is_no_place_is_refused(intake: IntakeWorld, last: str) -> None:
    answer = await intake.http.get("/v1/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["header"] == "Last-Event-ID"


async def test_a_silent_stream_shows_that_it_lives(intake: IntakeWorld) -> None:
    async with running(intake), aclosing(intake.feed.events(0)) as stream:
        await heard(stream, 2)
        assert await anext(stream) == b": beat\n\n"


async def test_a_reader_that_is_too_slow_is_told_so_and_closed(intake: IntakeWorld) -> None:
    await intake.place("k0")
    async with aclosing(intake.feed.events(0)) as stream:
        await heard(stream, 3)
        intake.time.advance(11)
        ((kind, document, number),) = await heard(stream, 1)
        assert (kind, document["reason"], number) == ("closed", "slow", 1)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_the_end_of_the_executor_comes_after_the_last_change(intake: IntakeWorld) -> None:
    async with aclosing(intake.feed.events(0)) as stream:
        await heard(stream, 2)
        await intake.place("k0")
        await intake.feed.end()
        assert [kind for kind, *_ in await heard(stream, 2)] == ["order", "closed"]
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    with pytest.raises(OrderRefusedError):
        await intake.feed.begin(None)


async def test_a_reader_that_goes_away_and_a_server_that_ends_leave_no_stream(
    intake: IntakeWorld,
) -> None:
    with server._listening("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    serving = asyncio.create_task(
        server.serve(intake.app, bind="127.0.0.1", port=port, end=intake.feed.end)
    )
    url = f"http://127.0.0.1:{port}/v1/events"
    headers = {"Authorization": "Bearer client-secret", "Last-Event-ID": "0"}
    async with asyncio.timeout(60), running(intake), httpx.AsyncClient() as client:
        await _until(lambda: _answers(client, f"http://127.0.0.1:{port}/openapi.json"))
        async with client.stream("GET", url, headers=headers) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            assert stream.headers["Cache-Control"] == "no-store"
            await anext(stream.aiter_bytes())
            assert intake.feed.streams == 1
        await _until(lambda: _yes(intake.feed.streams == 0))
        async with client.stream("GET", url, headers=headers) as stream:
            parts = stream.aiter_bytes()
            await anext(parts)
            serving.cancel()
            rest = b"".join([part async for part in parts])
        assert told(rest)[-1][1]["reason"] == "ends"
        await asyncio.gather(serving, return_exceptions=True)
        assert intake.feed.streams == 0


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.ConnectError:
        return False


async def _yes(value: bool) -> bool:
    return value


async def _until(look: Any) -> None:
    while not await look():  # noqa: ASYNC110 - a socket and another task are waited for
        await asyncio.sleep(0.01)


async def test_a_place_that_a_ledger_which_was_put_back_lacks_is_refused_also_behind_newer_ones(
    intake: IntakeWorld,
) -> None:
    await intake.place("k0")
    with intake.ledger._store._database.direct() as file:  # type: ignore[attr-defined]
        file.execute("UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'order_history'")
    await intake.place("k1")
    with pytest.raises(OrderRefusedError, match="the newest event is 1001: "):
        await intake.feed.begin(2)
    for known in (0, 1, 1001):
        assert await intake.feed.begin(known) == known
        intake.feed.left()
