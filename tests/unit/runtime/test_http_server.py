"""Serving an application and its metrics."""

import asyncio
import logging
import socket

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from host_processes import free_port
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.http_server import served
from ibgateway_runtime.metrics import metrics_route
from leaving_clients import come_and_go


async def test_metrics_are_brought_up_to_date_at_each_scrape() -> None:
    registry, port = CollectorRegistry(), free_port()
    scrapes = Gauge("scrapes", "Counted by the test.", registry=registry)

    async def before() -> None:
        scrapes.inc()

    app = web.Application()
    app.add_routes([metrics_route(registry, before)])
    async with (
        served(app, bind="127.0.0.1", port=port),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for count in (1, 2):
            async with session.get("/metrics") as answer:
                assert answer.content_type == "text/plain"
                assert f"scrapes {count}.0" in await answer.text()


async def test_a_port_that_is_taken_names_itself() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} can't be opened"):
            async with served(web.Application(), bind="127.0.0.1", port=port):
                raise AssertionError("served on a port of somebody else")


async def test_a_long_poll_does_not_hold_up_the_end() -> None:
    asked, port = asyncio.Event(), free_port()

    async def poll(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/poll", poll)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, asyncio.timeout(30):
        async with served(app, bind="127.0.0.1", port=port, stop_seconds=0.1):
            waiting = asyncio.create_task(session.get("/poll"))
            await asked.wait()
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_who_goes_away_from_a_scrape_leaves_nothing_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry, port = CollectorRegistry(), free_port()
    app = web.Application()
    app.add_routes([metrics_route(registry, lambda: asyncio.sleep(0.001))])
    with caplog.at_level(logging.INFO):
        async with served(app, bind="127.0.0.1", port=port):
            await come_and_go(port, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    assert caplog.text == ""
