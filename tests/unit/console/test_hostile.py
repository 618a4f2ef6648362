"""Hostile pages, names, targets and tokens at the bridge."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from console_world.fake_display import Client, FakeDisplay, closing, log_in, open_socket, receive
from ibgateway_agent.console.session import SessionState

TOKEN = "token.czNjcmV0"
WRONG_TOKEN = "token.d3Jvbmc"


@pytest.mark.parametrize(
    "target",
    [
        "/websockify?host=evil.example&port=1&path=x&encrypt=1",
        "/websockify?token=evil.example:1",
        "/websockify?target=127.0.0.1:1",
    ],
)
async def test_nothing_a_viewer_sends_changes_the_target(
    client: Client, display: FakeDisplay, target: str
) -> None:
    socket = await open_socket(client, target=target)
    await log_in(socket)
    assert await receive(socket, 4) == b"\0\0\0\0"
    assert display.connections == 1
    await socket.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://paper-novnc", "Host": "127.0.0.1:6080"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Origin": "http://localhost:6080", "Host": "localhost:6080.evil.example"},
    ],
)
async def test_hostile_pages_and_names_reach_nothing(
    client: Client, display: FakeDisplay, headers: dict[str, str]
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/websockify", headers=headers, protocols=["binary"])
    assert refused.value.status == 403
    assert display.connections == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:6080", "Origin": "http://localhost:6080"},
        {"Host": "[::1]:7000", "Origin": "http://[::1]:7000"},
        {"Host": "paper-novnc:6080", "Origin": "http://paper-novnc:6080"},
        {"Host": "vnc.example.com", "Origin": "https://vnc.example.com"},
    ],
)
async def test_the_own_page_reaches_the_display_under_each_of_its_names(
    client: Client, headers: dict[str, str]
) -> None:
    socket = await client.ws_connect("/websockify", headers=headers, protocols=["binary"])
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.close()


async def test_a_viewer_without_subprotocols_is_served(client: Client) -> None:
    origin = f"http://127.0.0.1:{client.port}"
    socket = await client.ws_connect("/websockify", headers={"Origin": origin})
    assert socket.protocol is None
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.close()


@pytest.fixture
async def token_client(
    app_of: Callable[[SessionState], web.Application], sessions: SessionState
) -> AsyncIterator[Client]:
    secret = replace(sessions, token=lambda: b"s3cret")
    async with TestClient(TestServer(app_of(secret))) as client:
        yield client


async def test_the_right_token_opens_the_bridge(token_client: Client) -> None:
    socket = await open_socket(token_client, "binary", TOKEN)
    assert socket.protocol == "binary"
    assert await receive(socket, 12) == b"RFB 003.008\n"
    await socket.close()


@pytest.mark.parametrize("protocols", [("binary",), ("binary", WRONG_TOKEN), ("binary", "token.")])
async def test_without_the_right_token_the_display_is_not_touched(
    token_client: Client, display: FakeDisplay, protocols: tuple[str, ...]
) -> None:
    socket = await open_socket(token_client, *protocols)
    assert await closing(socket) == (4401, "The access token was refused.")
    assert display.connections == 0


async def test_after_five_wrong_tokens_even_the_right_one_waits(token_client: Client) -> None:
    for _ in range(5):
        assert (await closing(await open_socket(token_client, "binary", WRONG_TOKEN)))[0] == 4401
    assert (await closing(await open_socket(token_client, "binary", TOKEN)))[0] == 4429


async def test_a_token_never_reaches_the_log(
    token_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for protocols in (["binary", TOKEN], ["binary", WRONG_TOKEN]):
        socket = await open_socket(token_client, *protocols)
        await socket.close()
    origin = f"http://127.0.0.1:{token_client.port}"
    with pytest.raises(WSServerHandshakeError) as refused:
        await token_client.ws_connect("/websockify", headers={"Origin": origin}, protocols=[TOKEN])
    assert refused.value.status == 400
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp.client")]
    assert "a viewer came" in ours
    assert not [
        line for line in ours if "czNjcmV0" in line or "s3cret" in line or "d3Jvbmc" in line
    ]
