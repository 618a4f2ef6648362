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
from ibgateway_operator.model.memory import GatewayMemory, Memories
from ibgateway_operator.observe.observer import by_address
from ibgateway_operator.observe.sentinel import SentinelListener, Sentinels
from ibgateway_runtime.http_client import Endpoint, HttpClient
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


class Bench:
    """A gateway's listener on a sentinel over real HTTP."""

    def __init__(self, sentinel: FakeSentinel, http: HttpClient, url: str) -> None:
        loop = asyncio.get_running_loop()
        self.sentinel = sentinel
        self.http = http
        self.news: asyncio.Queue[Key] = asyncio.Queue()
        self.sentinels = Sentinels(http, loop.time, self.news.put_nowait)
        self.endpoint = Endpoint(url, HOST, TOKEN)
        self.memory = GatewayMemory("uid-1", 0.0)

    @property
    def listener(self) -> SentinelListener:
        return self.sentinels.listener(KEY, self.memory)

    def follow(self, endpoint: Endpoint | None) -> None:
        self.sentinels.follow(KEY, self.memory, endpoint)

    async def next_report(self) -> SentinelReport:
        async with asyncio.timeout(20):
            assert await self.news.get() == KEY
        assert self.listener.report is not None
        return self.listener.report


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    sentinel = FakeSentinel(report(LoginState.AWAITING_APPROVAL, sequence=1))
    app = web.Application()
    app.add_routes([web.get("/v1/status", sentinel.status)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = by_address(str(server.host), int(server.port or 0))
        made = Bench(sentinel, HttpClient(session), url)
        yield made
        made.follow(None)


async def test_the_state_is_told_and_so_is_each_change(bench: Bench) -> None:
    bench.follow(bench.endpoint)
    assert (await bench.next_report()).state is LoginState.AWAITING_APPROVAL
    bench.sentinel.say(report(sequence=2))
    assert (await bench.next_report()).state is LoginState.LOGGED_IN
    assert bench.sentinel.requests[:2] == ["", "after=1&wait=30"]
    assert bench.listener.age < 20.0


async def test_the_same_report_once_more_is_not_told(bench: Bench) -> None:
    bench.follow(bench.endpoint)
    first = await bench.next_report()
    bench.sentinel.say(first.model_copy(update={"sequence": 1}))
    bench.sentinel.say(report(LoginState.STOPPED, sequence=3))
    assert (await bench.next_report()).sequence == 3
    assert bench.news.empty()


async def test_heartbeats_are_heard_and_are_not_told(bench: Bench) -> None:
    bench.follow(bench.endpoint)
    await bench.next_report()
    before = bench.listener.follower.heard_at
    async with asyncio.timeout(20):
        while bench.listener.follower.heard_at <= before:
            bench.sentinel.changed.set()
            await asyncio.sleep(0.01)
    assert bench.news.empty()


async def test_a_wrong_token_is_silence_and_no_crash(bench: Bench) -> None:
    bench.follow(Endpoint(bench.endpoint.url, HOST, "another"))
    await asyncio.sleep(0.05)
    assert bench.listener.report is None
    bench.follow(bench.endpoint)
    assert (await bench.next_report()).sequence == 1


async def test_what_was_heard_outlives_a_change_of_address(bench: Bench) -> None:
    bench.follow(bench.endpoint)
    await bench.next_report()
    bench.follow(Endpoint("http://127.0.0.1:1", HOST, TOKEN))
    assert bench.listener.report is not None
    bench.follow(bench.endpoint)
    bench.sentinel.say(report(sequence=2))
    assert (await bench.next_report()).sequence == 2


async def test_a_gateway_that_is_forgotten_is_not_listened_to(bench: Bench) -> None:
    memories = Memories(lambda: 0.0)
    bench.memory = memories.of(KEY, "uid-1")
    bench.follow(bench.endpoint)
    await bench.next_report()
    listener = bench.listener
    assert memories.forget(KEY) is True
    assert listener.task is None
    assert memories.of(KEY, "uid-2").listening is None


async def test_a_listener_that_died_begins_anew_at_the_next_look(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.follow(bench.endpoint)
    await bench.next_report()
    task = bench.listener.task
    assert task is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    bench.follow(bench.endpoint)
    assert bench.listener.task not in (None, task)
    assert "sentinel of trading/paper ended by itself" in caplog.text


@pytest.mark.parametrize(
    ("ip", "url"), [("10.0.0.9", "http://10.0.0.9:8090"), ("fd00::9", "http://[fd00::9]:8090")]
)
def test_pods_are_reached_by_address(ip: str, url: str) -> None:
    assert by_address(ip, 8090) == url
