"""The intake's port: it answers at once on a kept connection, and says where it listens."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from executor_fakes import IntakeWorld
from ibgateway_executor.intake import server
from ibgateway_runtime.errors import SettingsError
from leaving_clients import come_and_go


def test_what_is_accepted_answers_without_waiting_for_more() -> None:
    with server._listening("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} can't be opened"):
            server._listening("127.0.0.1", port)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (b"GET / HTT", b"408 RequestTimeout"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
            b"408 RequestTimeout",
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT", b"200 408 RequestTimeout"),
    ],
    ids=[
        "nothing",
        "half a header",
        "half a body",
        "a whole request",
        "half of the second request",
    ],
)
async def test_a_client_that_does_not_finish_its_request_is_told_and_closed(
    sent: bytes, answered: bytes
) -> None:
    async with asyncio.timeout(60), _serving(seconds=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert _told(await _until_closed(reader)) == answered
        writer.close()


async def test_headers_without_an_end_are_not_collected() -> None:
    async with asyncio.timeout(60), _serving(seconds=600) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
        with suppress(ConnectionError):
            for _ in range(200):
                writer.write(b"X: " + b"x" * 60_000 + b"\r\n")
                await writer.drain()
        assert _told(await _until_closed(reader)) in (b"431 HeadersTooLarge", b"")
        writer.close()


async def test_headers_that_are_too_long_by_little_are_told_so() -> None:
    async with asyncio.timeout(60), _serving(seconds=600) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (server.HEAD_LIMIT - 20))
        assert _told(await _until_closed(reader)) == b"431 HeadersTooLarge"
        writer.close()


async def test_headers_that_are_long_in_many_requests_are_served() -> None:
    async with asyncio.timeout(60), _serving(seconds=600) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(4):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + b"\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n")
        writer.close()


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"X : a\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["two lengths of two kinds", "two lengths", "a signed length", "a space before the colon"],
)
async def test_a_request_with_two_meanings_is_no_request(headers: bytes) -> None:
    async with asyncio.timeout(60), _serving(seconds=600) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n" + headers)
        assert _told(await reader.read()) == b"400 MalformedRequest"
        writer.close()


async def test_a_client_that_takes_its_time_between_parts_is_served() -> None:
    async with asyncio.timeout(60), _serving(seconds=600) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in (b"GET / HTT", b"P/1.1\r\nHost: a\r\n", b"Connection: close\r\n\r\n"):
            writer.write(part)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
        writer.close()


@pytest.mark.parametrize("body", ['{"contract": ', "{}"], ids=["half a body", "all of it"])
async def test_who_goes_away_leaves_nothing_in_the_log(
    intake: IntakeWorld, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    sent = (
        "POST /v1/orders HTTP/1.1\r\nHost: paper-executor-intake.trading.svc:8080\r\n"
        "Authorization: Bearer client-secret\r\nIdempotency-Key: 1\r\n"
        f"Content-Length: {60 if body != '{}' else 2}\r\n\r\n{body}"
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with caplog.at_level(logging.INFO):
        serving = asyncio.create_task(server.serve(intake.app, bind="127.0.0.1", port=port))
        await asyncio.sleep(0.2)
        await come_and_go(port, sent.encode())
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert not [each for each in caplog.records if each.exc_info or each.levelno > logging.INFO]


async def test_a_client_that_takes_nothing_of_its_answer_is_cut_off() -> None:
    gone = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            for _ in range(1000):
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        gone.set()

    async with asyncio.timeout(60), _serving(seconds=600, stuck=0.05, app=endless) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await gone.wait()
        assert reader is not None
        writer.close()


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads the whole body, then answers."""
    while (await receive()).get("more_body"):
        pass
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body"})


@asynccontextmanager
async def _serving(seconds: float, stuck: float = 600, app: Any = None) -> AsyncIterator[int]:
    config = uvicorn.Config(app or _hello, log_config=None, lifespan="off", timeout_keep_alive=600)
    config.load()
    state = ServerState()
    listening = await asyncio.get_running_loop().create_server(
        lambda: server.RequestProtocol(config, state, {}, seconds=seconds, stuck_seconds=stuck),
        "127.0.0.1",
        0,
    )
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    """What came before the end, which may be a reset."""
    found = b""
    with suppress(ConnectionResetError):
        while part := await reader.read(1000):
            found += part
    return found


def _told(answers: bytes) -> bytes:
    """Statuses and codes of answers on one connection."""
    return b" ".join(
        found[1] or found[2]
        for found in re.finditer(rb'HTTP/1.1 ([0-9]{3})|"code": "([A-Za-z]+)"', answers)
    )
