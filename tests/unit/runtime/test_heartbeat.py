"""The dead man's switch: beats while all is well, and its address is nobody's to read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from ibgateway_runtime.clock import Clock
from ibgateway_runtime.notifications.heartbeat import Heartbeat


class Switch:
    """A service that waits for beats, and one gateway that gives them."""

    def __init__(self) -> None:
        self.beats: list[str] = []
        self.status, self.well, self.url = 200, True, ""
        self.heartbeat = Heartbeat(
            url=lambda: self.url,
            well=lambda: self.well,
            clock=Clock(now=lambda: datetime(2026, 11, 22, tzinfo=UTC), monotonic=lambda: 0.0),
        )

    async def get(self, request: web.Request) -> web.Response:
        self.beats.append(request.path)
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    made = Switch()
    app = web.Application()
    app.add_routes([web.get("/{tail:.*}", made.get)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/canary"
    yield made
    await runner.cleanup()


async def test_it_beats_while_all_is_well(switch: Switch) -> None:
    async with aiohttp.ClientSession() as session:
        await switch.heartbeat.beat(session)
        switch.well = False
        await switch.heartbeat.beat(session)
        switch.well, url, switch.url = True, switch.url, ""
        await switch.heartbeat.beat(session)
        assert switch.beats == ["/canary"]
        switch.url = url
        await switch.heartbeat.beat(session)
        assert len(switch.beats) == 2


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_who_does_not_hear_it_is_told_after_three_times(
    switch: Switch, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    switch.status = status
    async with aiohttp.ClientSession() as session:
        for expected in ("", "", "the heartbeat has not been taken since 2026-11-22T00:00:00Z"):
            await switch.heartbeat.beat(session)
            assert switch.heartbeat.trouble() == expected
        switch.status = 200
        await switch.heartbeat.beat(session)
    assert switch.heartbeat.trouble() == ""
    assert set(switch.beats) == {"/canary"}
    assert f"HTTP {status}" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/canary", "canary", "http://[canary"])
async def test_an_address_that_does_not_answer_ends_nothing(
    switch: Switch, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    switch.url = url
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            await switch.heartbeat.beat(session)
    assert switch.heartbeat.trouble()
    assert "canary" not in caplog.text + switch.heartbeat.trouble()
