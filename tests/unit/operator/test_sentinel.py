"""Listening to a sentinel over real HTTP: news at once, heartbeats, silence, a process that restarts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import SentinelReport
from ibgateway_operator.errors import EndpointUnavailableError
from ibgateway_operator.observe.http import Endpoint, HttpClient, by_address
from ibgateway_operator.observe.sentinel import Sentinels
from operator_fakes import report

KEY = Key("trading", "paper")
TOKEN = "canary-token"
HOST = "paper-gateway-0.paper-gateway-pods.trading.svc:8090"


@dataclass
class FakeSentinel:
    """A sentinel that says what the test tells it to say."""

    report: SentinelReport
    requests: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, said: SentinelReport) -> None:
        self.report = said
        self.changed.set()

    async def status(self, request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != f"Bearer {TOKEN}" or request.host != HOST:
            return web.Response(status=401)
        self.requests.append(request.query_string)
        response = web.StreamResponse()
        await response.prepare(request)
        after = int(request.query.get("after", -1))
        while self.report.sequence <= after:
            await response.write(b"\n")
            self.changed.clear()
            await self.changed.wait()
        await response.write(self.report.to_json().encode() + b"\n")
        return response

    async def post(self, request: web.Request) -> web.Response:
        self.posted.append(f"{request.path} {await request.text()}")
        return web.Response(status=202)


@dataclass
class Bench:
    sentinel: FakeSentinel
    sentinels: Sentinels
    peer: Endpoint
    news: "asyncio.Queue[Key]"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    sentinel = FakeSentinel(report(LoginState.AWAITING_APPROVAL, sequence=1))
    app = web.Application()
    app.add_routes(
        [
            web.get("/v1/status", sentinel.status),
            web.post("/v1/restarts", sentinel.post),
            web.post("/v1/login-requests", sentinel.post),
        ]
    )
    news: asyncio.Queue[Key] = asyncio.Queue()
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        loop = asyncio.get_running_loop()
        sentinels = Sentinels(HttpClient(session), loop.time, news.put_nowait)
        peer = Endpoint(by_address(str(server.host), int(server.port or 0)), HOST, TOKEN)
        yield Bench(sentinel, sentinels, peer, news)
        await sentinels.close()


async def next_report(bench: Bench) -> SentinelReport:
    async with asyncio.timeout(20):
        assert await bench.news.get() == KEY
    news = bench.sentinels.news(KEY)
    assert news is not None
    assert news.report is not None
    return news.report


async def test_the_state_is_news_and_so_is_each_change(bench: Bench) -> None:
    bench.sentinels.follow(KEY, bench.peer)
    assert (await next_report(bench)).state is LoginState.AWAITING_APPROVAL
    bench.sentinel.say(report(sequence=2))
    assert (await next_report(bench)).state is LoginState.LOGGED_IN
    assert bench.sentinel.requests[:2] == ["", "after=1&wait=30"]
    assert bench.sentinels.age(KEY) < 20.0


async def test_the_same_report_once_more_is_no_news(bench: Bench) -> None:
    bench.sentinels.follow(KEY, bench.peer)
    first = await next_report(bench)
    bench.sentinel.say(first.model_copy(update={"sequence": 1}))
    bench.sentinel.say(report(LoginState.STOPPED, sequence=3))
    assert (await next_report(bench)).sequence == 3
    assert bench.news.empty()


async def test_heartbeats_are_heard_and_are_no_news(bench: Bench) -> None:
    bench.sentinels.follow(KEY, bench.peer)
    await next_report(bench)
    before = bench.sentinels.news(KEY)
    assert before is not None
    async with asyncio.timeout(20):
        while (bench.sentinels.news(KEY) or before).heard <= before.heard:
            bench.sentinel.changed.set()
            await asyncio.sleep(0.01)
    assert bench.news.empty()


async def test_the_end_of_a_silence_is_news_although_nothing_changed() -> None:
    time = 100.0
    told: list[Key] = []
    async with aiohttp.ClientSession() as session:
        sentinels = Sentinels(HttpClient(session), lambda: time, told.append)
        sentinels._heard(KEY, report())
        time = 104.0
        sentinels._heard(KEY, None)
        assert told == [KEY]
        assert sentinels.age(KEY) == 0.0
        time = 109.5
        assert sentinels.age(KEY) == 5.5
        sentinels._heard(KEY, None)
    assert told == [KEY, KEY]


async def test_a_wrong_token_is_silence_and_no_crash(bench: Bench) -> None:
    wrong = Endpoint(bench.peer.url, HOST, "another")
    bench.sentinels.follow(KEY, wrong)
    await asyncio.sleep(0.05)
    assert bench.sentinels.news(KEY) is None
    bench.sentinels.follow(KEY, bench.peer)
    assert (await next_report(bench)).sequence == 1


async def test_a_gateway_that_is_forgotten_is_not_listened_to(bench: Bench) -> None:
    bench.sentinels.follow(KEY, bench.peer)
    await next_report(bench)
    bench.sentinels.forget(KEY)
    assert bench.sentinels.news(KEY) is None
    assert bench.sentinels.age(KEY) == float("inf")


async def test_requests_carry_their_id(bench: Bench) -> None:
    await bench.sentinels.request_restart(bench.peer, "2026-11-22T06:00:00Z")
    await bench.sentinels.request_login(bench.peer, "2026-11-18T15:00:00Z")
    assert bench.sentinel.posted == [
        '/v1/restarts {"id":"2026-11-22T06:00:00Z"}',
        '/v1/login-requests {"id":"2026-11-18T15:00:00Z"}',
    ]


async def test_a_sentinel_that_is_not_there_is_an_error_with_its_name(bench: Bench) -> None:
    nobody = Endpoint("http://127.0.0.1:1", HOST, TOKEN)
    with pytest.raises(EndpointUnavailableError, match="paper-gateway-0"):
        await bench.sentinels.request_login(nobody, "2026-11-18T15:00:00Z")


@pytest.mark.parametrize(
    ("ip", "url"), [("10.0.0.9", "http://10.0.0.9:8090"), ("fd00::9", "http://[fd00::9]:8090")]
)
def test_pods_are_reached_by_address(ip: str, url: str) -> None:
    assert by_address(ip, 8090) == url
