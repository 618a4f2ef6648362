"""News of the login over a real HTTP connection."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_executor.news import News, follow

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def report(sequence: int, state: LoginState, boot: str = "b1") -> SentinelReport:
    return SentinelReport(boot=boot, sequence=sequence, at=NOON, state=state, since=NOON)


class Server:
    """Answers the first question at once and holds the second until told."""

    def __init__(self) -> None:
        self.queries: list[dict[str, str]] = []
        self.tokens: list[str] = []
        self.answers: asyncio.Queue[SentinelReport | None] = asyncio.Queue()

    async def status(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        self.tokens.append(request.headers["Authorization"])
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"\n")
        told = await self.answers.get()
        if told is None:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(told.to_json().encode() + b"\n")
        return response


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    made = Server()
    app = web.Application()
    app.router.add_get("/v1/status", made.status)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_reports_are_followed_and_a_break_asks_afresh(
    server: tuple[Server, str], caplog: pytest.LogCaptureFixture
) -> None:
    sentinel, url = server
    changed = asyncio.Event()
    news = News(changed.set)
    sentinel.answers.put_nowait(report(3, LoginState.AWAITING_APPROVAL))
    with caplog.at_level(logging.INFO):
        task = asyncio.create_task(follow(news, url, lambda: b"t0ken"))
        await _heard(news, changed, LoginState.AWAITING_APPROVAL)
        sentinel.answers.put_nowait(report(4, LoginState.LOGGED_IN))
        await _heard(news, changed, LoginState.LOGGED_IN)
        assert news.logged_in
        sentinel.answers.put_nowait(None)
        sentinel.answers.put_nowait(report(1, LoginState.STARTING, boot="b2"))
        await _heard(news, changed, LoginState.STARTING)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert sentinel.queries[:4] == [
        {},
        {"after": "3", "wait": "30"},
        {"after": "4", "wait": "30"},
        {},
    ]
    assert set(sentinel.tokens) == {"Bearer t0ken"}
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        f"no news from the sentinel at {url}: ClientPayloadError"
    ]
    assert "t0ken" not in caplog.text


async def _heard(news: News, changed: asyncio.Event, state: LoginState) -> None:
    async with asyncio.timeout(30):
        while news.report is None or news.report.state is not state:
            await changed.wait()
            changed.clear()


def test_old_news_is_no_news() -> None:
    clock = [100.0]
    news = News(lambda: None, lambda: clock[0])
    assert news.age == float("inf")
    news.tell(report(1, LoginState.LOGGED_IN))
    assert news.logged_in
    clock[0] = 105.1
    assert (round(news.age, 1), news.logged_in) == (5.1, False)
    news.byte()
    assert news.logged_in
