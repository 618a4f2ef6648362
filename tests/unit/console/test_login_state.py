"""The page's question of whose window it shows, and the console's question to the sentinel."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from console_world.fake_display import Client
from host_processes import free_port
from ibgateway_agent.console.run import running
from ibgateway_agent.console.sentinel import SentinelReader
from ibgateway_agent.console.settings import TcpAddress, from_env
from ibgateway_api.login import LoginState
from ibgateway_runtime.clock import Clock, system_clock


@dataclass
class ReadyzOfSentinel:
    """Answers /readyz as it is told; remembers the headers of who asked."""

    word: str = "WaitingForPermit"
    status: int = 503
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        return web.Response(status=self.status, text=self.word, headers={"Location": "/readyz"})


@pytest.fixture
async def sentinel() -> AsyncIterator[ReadyzOfSentinel]:
    stub = ReadyzOfSentinel()
    app = web.Application()
    app.router.add_get("/readyz", stub.answer)
    async with TestServer(app) as server:
        assert server.port is not None
        stub.port = server.port
        yield stub


def reader(port: int, clock: Clock | None = None) -> SentinelReader:
    return SentinelReader(TcpAddress("127.0.0.1", port), clock or system_clock())


@pytest.mark.parametrize("state", LoginState)
async def test_every_word_of_the_sentinel_is_understood(
    sentinel: ReadyzOfSentinel, state: LoginState
) -> None:
    sentinel.word = state
    sentinel.status = 200 if state is LoginState.LOGGED_IN else 503
    assert await reader(sentinel.port).state() is state
    assert "Authorization" not in sentinel.asked[0]


@pytest.mark.parametrize("word", ["", "Elsewhere", "<script>", "LoggedIn" * 100_000, "\u00fc"])
async def test_a_word_that_is_none_is_no_state(sentinel: ReadyzOfSentinel, word: str) -> None:
    sentinel.word = word
    assert await reader(sentinel.port).state() is None


async def test_a_redirect_is_not_followed(sentinel: ReadyzOfSentinel) -> None:
    sentinel.status, sentinel.word = 302, ""
    assert await reader(sentinel.port).state() is None
    assert len(sentinel.asked) == 1


async def test_where_nobody_answers_nothing_is_known() -> None:
    assert await reader(free_port()).state() is None
    nobody = SentinelReader(TcpAddress("paper-gateway-0.nowhere.invalid", 8090), system_clock())
    assert await nobody.state() is None
    assert await SentinelReader(None, system_clock()).state() is None


async def test_many_pages_ask_the_sentinel_once_a_second(sentinel: ReadyzOfSentinel) -> None:
    now = 100.0
    one = reader(sentinel.port, replace(system_clock(), monotonic=lambda: now))
    assert set(await asyncio.gather(*(one.state() for _ in range(20)))) == {
        LoginState.WAITING_FOR_PERMIT
    }
    assert len(sentinel.asked) == 1
    now, sentinel.word = 101.0, "LoggedIn"
    assert await one.state() is LoginState.LOGGED_IN
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
