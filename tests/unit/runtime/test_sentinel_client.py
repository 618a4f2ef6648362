"""The sentinel's long poll over real HTTP connections."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient, client_session
from ibgateway_runtime.sentinel_client import (
    DrainReport,
    SentinelFollower,
    TellDrain,
    request_drain,
    request_login,
    request_restart,
)

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
BREAK = "break the connection"
TOO_LONG = "a line of 600 KiB"
MANY = 150


def report(sequence: int, state: LoginState, boot: str = "b1") -> SentinelReport:
    return SentinelReport(boot=boot, sequence=sequence, at=NOON, state=state, since=NOON)


class SentinelServer:
    """Answers each question with a heartbeat and then with what a test has queued."""

    def __init__(self) -> None:
        self.queries: list[dict[str, str]] = []
        self.tokens: list[str] = []
        self.posted: list[tuple[str, str]] = []
        self.says: dict[str, str] = {}
        """What is answered to what is posted there."""
        self.answers: asyncio.Queue[SentinelReport | str] = asyncio.Queue()
        self.waiting = 0
        self.all_wait = asyncio.Event()
        self.port = 0
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["SentinelServer"]:
        app = web.Application()
        app.router.add_get("/v1/status", self._status)
        app.router.add_post("/v1/{kind}", self._post)
        # Nobody is left in the queue for a client that has gone: it would take another one's answer.
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def endpoint(self) -> Endpoint:
        return Endpoint(self.url, token="t0ken")

    async def _status(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        self.tokens.append(request.headers["Authorization"])
        response = web.StreamResponse()
        await response.prepare(request)
        answer = await self._answer(response)
        if answer == BREAK:
            assert request.transport is not None
            request.transport.abort()
        elif isinstance(answer, SentinelReport):
            await response.write(answer.to_json().encode() + b"\n")
        else:
            await response.write((b"x" * 600 * 1024 if answer == TOO_LONG else b"{}") + b"\n")
        return response

    async def _answer(self, response: web.StreamResponse) -> SentinelReport | str:
        """The next one of the queue; until then a heartbeat a second, as the real one sends."""
        self.waiting += 1
        if self.waiting == MANY:
            self.all_wait.set()
        try:
            while True:
                await response.write(b"\n")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        return await self.answers.get()
        finally:
            self.waiting -= 1

    async def _post(self, request: web.Request) -> web.Response:
        self.posted.append((request.path, await request.text()))
        return web.Response(status=202, text=self.says.get(request.path, ""))


class Following:
    """A follower at work, and waiting for what it knows."""

    def __init__(self, client: HttpClient, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.changes = 0
        self._changed = asyncio.Event()
        self.follower = SentinelFollower(client, clock=clock, on_change=self._on_change)

    def _on_change(self) -> None:
        self.changes += 1
        self._changed.set()

    async def until(self, state: LoginState) -> None:
        async with asyncio.timeout(30):
            while self.follower.report is None or self.follower.report.state is not state:
                await self._changed.wait()
                self._changed.clear()

    @contextlib.asynccontextmanager
    async def at(
        self, endpoint: Callable[[], Endpoint], tell: TellDrain | None = None
    ) -> AsyncIterator[None]:
        task = asyncio.create_task(self.follower.follow(endpoint, tell))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with client_session() as session:
        yield HttpClient(session, connect_seconds=1)


@pytest.fixture
async def server() -> AsyncIterator[SentinelServer]:
    async with SentinelServer().serving() as made:
        yield made


async def test_reports_are_followed_and_a_break_asks_afresh(
    client: HttpClient, server: SentinelServer, caplog: pytest.LogCaptureFixture
) -> None:
    following = Following(client)
    server.answers.put_nowait(report(3, LoginState.AWAITING_APPROVAL))
    with caplog.at_level(logging.INFO):
        async with following.at(server.endpoint):
            await following.until(LoginState.AWAITING_APPROVAL)
            server.answers.put_nowait(report(4, LoginState.LOGGED_IN))
            await following.until(LoginState.LOGGED_IN)
            server.answers.put_nowait(BREAK)
            server.answers.put_nowait(report(1, LoginState.STARTING, boot="b2"))
            await following.until(LoginState.STARTING)
    assert server.queries[:4] == [
        {},
        {"after": "3", "wait": "30"},
        {"after": "4", "wait": "30"},
        {},
    ]
    assert set(server.tokens) == {"Bearer t0ken"}
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        f"the sentinel is not heard: {server.url}/v1/status?after=4&wait=30: ClientPayloadError"
    ]
    assert "t0ken" not in caplog.text


async def test_who_trades_says_whether_it_has_drained_and_soon_again_until_it_has(
    client: HttpClient, server: SentinelServer
) -> None:
    closes = datetime(2026, 11, 23, 16, 0, tzinfo=ZoneInfo("America/New_York"))
    first = DrainReport(closes=closes, queued=0)
    words = iter([first, DrainReport(False, queued=2), DrainReport(True, queued=2), DrainReport()])
    following = Following(client)
    server.answers.put_nowait(report(3, LoginState.LOGGED_IN))
    async with following.at(server.endpoint, lambda _: next(words)):
        for number, state in enumerate((LoginState.RESTARTING, LoginState.STOPPED), start=4):
            server.answers.put_nowait(report(number, state))
            await following.until(state)
        server.answers.put_nowait(report(6, LoginState.STARTING))
        await following.until(LoginState.STARTING)
    assert server.queries[:4] == [
        {},
        {
            "after": "3",
            "wait": "30",
            "drained": "false",
            "queued": "0",
            "sent": "0",
            "closes": "2026-11-23T21:00:00Z",
        },
        {"after": "4", "wait": "0.2", "drained": "false", "queued": "2", "sent": "0"},
        {"after": "5", "wait": "5", "drained": "true", "queued": "2", "sent": "0"},
    ]


@pytest.mark.parametrize("answer", [TOO_LONG, "no report"])
async def test_what_is_no_report_does_not_end_the_follower(
    client: HttpClient, server: SentinelServer, answer: str
) -> None:
    following = Following(client)
    for told in (answer, answer, report(1, LoginState.LOGGED_IN)):
        server.answers.put_nowait(told)
    async with following.at(server.endpoint):
        await following.until(LoginState.LOGGED_IN)
    assert server.queries[:3] == [{}, {}, {}]


async def test_a_sentinel_that_takes_the_place_of_another_is_heard_at_once(
    client: HttpClient,
) -> None:
    first, second = SentinelServer(), SentinelServer()
    following = Following(client)
    async with following.at(first.endpoint):
        async with first.serving():
            second.port = first.port
            first.answers.put_nowait(report(9, LoginState.LOGGED_IN, boot="b1"))
            await following.until(LoginState.LOGGED_IN)
        async with second.serving():
            second.answers.put_nowait(report(1, LoginState.STARTING, boot="b2"))
            await following.until(LoginState.STARTING)
    assert second.queries[0] == {}


async def test_many_long_polls_at_once_are_all_heard(
    client: HttpClient, server: SentinelServer
) -> None:
    followings = [Following(client) for _ in range(MANY)]
    async with contextlib.AsyncExitStack() as stack:
        for following in followings:
            await stack.enter_async_context(following.at(server.endpoint))
        async with asyncio.timeout(60):
            await server.all_wait.wait()
            for _ in followings:
                server.answers.put_nowait(report(1, LoginState.LOGGED_IN))
            for following in followings:
                await following.until(LoginState.LOGGED_IN)


def test_age_is_the_time_since_anything_was_heard(client: HttpClient) -> None:
    clock = [100.0]
    follower = Following(client, lambda: clock[0]).follower
    assert follower.age == float("inf")
    follower.hear(report(1, LoginState.LOGGED_IN))
    clock[0] = 105.1
    assert round(follower.age, 1) == 5.1
    follower.hear(None)
    assert follower.age == 0.0


def test_a_change_is_told_when_a_report_differs_and_when_a_silence_ends(
    client: HttpClient,
) -> None:
    clock = [100.0]
    following = Following(client, lambda: clock[0])
    told = []
    later = report(1, LoginState.LOGGED_IN).model_copy(update={"at": NOON.replace(hour=18)})
    for seconds, heard in [
        (0.0, report(1, LoginState.LOGGED_IN)),
        (1.0, None),
        (1.0, later),
        (1.0, report(2, LoginState.LOGGED_IN)),
        (5.1, None),
        (1.0, None),
    ]:
        clock[0] += seconds
        following.follower.hear(heard)
        told.append(following.changes)
    assert told == [1, 1, 1, 2, 3, 3]


async def test_a_drain_is_asked_for_and_says_who_is_waited_for(
    client: HttpClient, server: SentinelServer
) -> None:
    server.says["/v1/drains"] = (
        '{"id": "b-1", "reason": "Suspend", "since": "2026-11-23T17:00:00Z",'
        ' "until": "2026-11-23T17:02:00Z", "waitingFor": ["bot"], "added": 1}'
    )
    drain = await request_drain(client, server.endpoint(), "Suspend")
    assert drain.waiting_for == ("bot",)
    assert server.posted == [("/v1/drains", '{"id":"Suspend","reason":"Suspend"}')]
    server.says["/v1/drains"] = "<html>"
    with pytest.raises(EndpointUnavailableError, match="not readable"):
        await request_drain(client, server.endpoint(), "Suspend")


async def test_a_sentinel_that_knows_no_drains_is_told_by_its_status(
    client: HttpClient, server: SentinelServer
) -> None:
    with pytest.raises(EndpointUnavailableError) as error:
        await client.post(server.endpoint(), "/elsewhere", "{}")
    assert error.value.status == 404


async def test_requests_are_posted_as_documents(client: HttpClient, server: SentinelServer) -> None:
    await request_login(client, server.endpoint(), "2026-11-23T17:00:00Z")
    await request_restart(client, server.endpoint(), "2026-11-22T06:00:00Z")
    assert server.posted == [
        ("/v1/login-requests", '{"id":"2026-11-23T17:00:00Z"}'),
        ("/v1/restarts", '{"id":"2026-11-22T06:00:00Z"}'),
    ]
