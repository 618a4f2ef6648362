"""A fake display and a console's applications in front of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from console_world.fake_display import Client, FakeDisplay, fake_display
from ibgateway_agent.console.app import people_app
from ibgateway_agent.console.guard import RequestGuard
from ibgateway_agent.console.login_words import GatewayIdentity
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.sentinel import SentinelReader
from ibgateway_agent.console.session import SessionState
from ibgateway_agent.console.settings import TcpAddress
from ibgateway_runtime.clock import system_clock

PAGE = Path(__file__).parents[3] / "gateway" / "console-page" / "page"


@pytest.fixture
async def display() -> AsyncIterator[FakeDisplay]:
    async with fake_display() as fake:
        yield fake


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """Our real page beside a stand-in for the library, which no unit test runs."""
    (tmp_path / "page").symlink_to(PAGE)
    (tmp_path / "novnc" / "core").mkdir(parents=True)
    (tmp_path / "novnc" / "core" / "rfb.js").write_text("export default class RFB {}\n")
    (tmp_path / "secret").write_text("not for viewers")
    return tmp_path


@pytest.fixture
def sessions(display: FakeDisplay) -> SessionState:
    return SessionState(
        display=TcpAddress("127.0.0.1", display.port),
        token=None,
        metrics=ConsoleMetrics(),
        clock=system_clock(),
    )


@pytest.fixture
def app_of(static: Path) -> Callable[[SessionState], web.Application]:
    """Makes the people's application for given sessions."""
    guard = RequestGuard(
        hosts=frozenset({"paper-novnc"}),
        allowed_origins=frozenset({"https://vnc.example.com:443"}),
    )
    return lambda sessions: people_app(
        guard=guard,
        sessions=sessions,
        static=static,
        gateway=GatewayIdentity(),
        sentinel=SentinelReader(None, system_clock()),
    )


@pytest.fixture
async def client(
    app_of: Callable[[SessionState], web.Application], sessions: SessionState
) -> AsyncIterator[Client]:
    async with TestClient(TestServer(app_of(sessions))) as open_client:
        yield open_client
