"""The page's question of whose window it shows, and the console's question to the sentinel."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from console_world.fake_display import Client
from host_processes import free_port
from ibgateway_agent.console.run import running
from ibgateway_agent.console.sentinel import SentinelReader
from ibgateway_agent.console.settings import TcpAddress, from_env
from ibgateway_api.console_documents import ConsoleReport, QueueReport
from ibgateway_api.login import LoginState
from ibgateway_runtime.clock import Clock, system_clock

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


@dataclass
class ReadyzOfSentinel:
    """Answers /readyz as it is told, and /console where `told` is set; remembers the headers of who asked."""

    told: str = ""
    word: str = "WaitingForPermit"
    status: int = 503
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/console":
            return web.Response(status=200 if self.told else 404, text=self.told)
        self.asked.append(dict(request.headers))
        return web.Response(status=self.status, text=self.word, headers={"Location": "/readyz"})


@pytest.fixture
async def sentinel() -> AsyncIterator[ReadyzOfSentinel]:
    stub = ReadyzOfSentinel()
    app = web.Application()
    app.router.add_get("/readyz", stub.answer)
    app.router.add_get("/console", stub.answer)
    async with TestServer(app) as server:
        assert server.port is not None
        stub.port = server.port
        yield stub


def reader(port: int, clock: Clock | None = None) -> SentinelReader:
    return SentinelReader(TcpAddress("127.0.0.1", port), clock or system_clock())


async def state_of(asked: SentinelReader) -> LoginState | None:
    told = await asked.told()
    return told.state if told else None


@pytest.mark.parametrize("state", LoginState)
async def test_every_word_of_the_sentinel_is_understood(
    sentinel: ReadyzOfSentinel, state: LoginState
) -> None:
    sentinel.word = state
    sentinel.status = 200 if state is LoginState.LOGGED_IN else 503
    assert await state_of(reader(sentinel.port)) is state
    assert "Authorization" not in sentinel.asked[0]


async def test_a_sentinel_tells_times_and_orders_and_is_then_not_asked_for_its_word(
    sentinel: ReadyzOfSentinel,
) -> None:
    queue = QueueReport(at=NOW, waiting=3, sent=1)
    sentinel.told = ConsoleReport(state=LoginState.LOGGED_IN, since=NOW, queue=queue).to_json()
    told = await reader(sentinel.port).told()
    assert told == ConsoleReport(state=LoginState.LOGGED_IN, since=NOW, queue=queue)
    assert sentinel.asked == []


@pytest.mark.parametrize("told", ["no json", "[]", '{"state": "Elsewhere"}', " " * 100_000])
async def test_a_document_that_is_none_is_nothing(sentinel: ReadyzOfSentinel, told: str) -> None:
    sentinel.told = told
    assert await reader(sentinel.port).told() is None


@pytest.mark.parametrize("word", ["", "Elsewhere", "<script>", "LoggedIn" * 100_000, "\u00fc"])
async def test_a_word_that_is_none_is_no_state(sentinel: ReadyzOfSentinel, word: str) -> None:
    sentinel.word = word
    assert await state_of(reader(sentinel.port)) is None


async def test_a_redirect_is_not_followed(sentinel: ReadyzOfSentinel) -> None:
    sentinel.status, sentinel.word = 302, ""
    assert await state_of(reader(sentinel.port)) is None
    assert len(sentinel.asked) == 1


async def test_where_nobody_answers_nothing_is_known() -> None:
    assert await state_of(reader(free_port())) is None
    nobody = SentinelReader(TcpAddress("paper-gateway-0.nowhere.invalid", 8090), system_clock())
    assert await state_of(nobody) is None
    assert await state_of(SentinelReader(None, system_clock())) is None


async def test_many_pages_ask_the_sentinel_once_a_second(sentinel: ReadyzOfSentinel) -> None:
    now = 100.0
    one = reader(sentinel.port, replace(system_clock(), monotonic=lambda: now))
    assert set(await asyncio.gather(*(state_of(one) for _ in range(20)))) == {
        LoginState.WAITING_FOR_PERMIT
    }
    assert len(sentinel.asked) == 1
    now, sentinel.word = 101.0, "LoggedIn"
    assert await state_of(one) is LoginState.LOGGED_IN
    assert len(sentinel.asked) == 2


async def test_the_running_console_tells_the_page_its_gateway(
    static: Path, sentinel: ReadyzOfSentinel
) -> None:
    port, admin = free_port(), free_port()
    settings = from_env(
        {
            "CONSOLE_NAME": "trading/paper",
            "CONSOLE_MODE": "paper",
            "CONSOLE_VNC_HOST": "127.0.0.1",
            "CONSOLE_SENTINEL_HOST": "127.0.0.1",
            "CONSOLE_SENTINEL_PORT": str(sentinel.port),
            "CONSOLE_STATIC": str(static),
            "CONSOLE_BIND": "127.0.0.1",
            "CONSOLE_PORT": str(port),
            "CONSOLE_ADMIN_PORT": str(admin),
        }
    )
    async with running(settings), ClientSession() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/gateway")
        told = await answer.json()
    assert (told["name"], told["mode"], told["login"]) == (
        "trading/paper",
        "paper",
        "WaitingForPermit",
    )


async def test_a_foreign_host_is_told_nothing(client: Client) -> None:
    answer = await client.get("/gateway", headers={"Host": "evil.example"})
    assert answer.status == 403
    assert "Not logged in" not in await answer.text()
