"""Requests and long polls over real HTTP connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient, client_session

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with client_session() as session:
        yield HttpClient(session)


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers every path with `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def lines(client: HttpClient, url: str) -> list[bytes]:
    return [line async for line in client.lines(Endpoint(url), "/v1/status")]


async def test_the_operator_is_known_by_its_name() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers["User-Agent"])
        return web.Response()

    async with serving(answer) as url, client_session("ibgateway-operator") as session:
        await HttpClient(session).get(Endpoint(url), "/v1/status")
    assert asked == ["ibgateway-operator"]


async def test_it_names_itself_and_shows_its_token(client: HttpClient) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.host} {request.headers['Authorization']}")

    async with serving(echo) as url:
        endpoint = Endpoint(url, host="paper-executor-intake", token="t0ken")
        assert await client.get(endpoint, "/") == b"paper-executor-intake Bearer t0ken"


async def test_a_document_is_posted_as_json(client: HttpClient) -> None:
    seen: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.content_type, await request.text()))
        return web.Response(status=202)

    async with serving(take) as url:
        await client.post(Endpoint(url), "/v1/restarts", '{"id": "1"}')
    assert seen == [("application/json", '{"id": "1"}')]


async def test_a_refusal_is_told_in_its_own_words(client: HttpClient) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=409, text="not before nine" + "." * 1000)

    async with serving(refuse) as url:
        with pytest.raises(EndpointRefusedError, match=r"^not before nine") as refused:
            await client.post(Endpoint(url), "/v1/restarts", '{"id": "1"}')
    assert len(str(refused.value)) == 600


async def test_what_an_error_says_is_kept(client: HttpClient) -> None:
    async def away(_: web.Request) -> web.Response:
        return web.Response(status=503, text='{"code": "LedgerUnavailable"}')

    async with serving(away) as url:
        with pytest.raises(EndpointUnavailableError, match="503") as told:
            await client.get(Endpoint(url), "/v1/gate")
    assert told.value.body == b'{"code": "LedgerUnavailable"}'


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed_because_nobody_else_is_to_see_the_token(
    client: HttpClient, status: int
) -> None:
    reached: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    async with serving(elsewhere) as target:

        async def redirect(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"{target}/there"})

        async with serving(redirect) as url:
            with pytest.raises(EndpointUnavailableError, match=str(status)):
                await client.get(Endpoint(url, token="t0ken"), "/")
            with pytest.raises(EndpointUnavailableError, match=str(status)):
                await client.post(Endpoint(url, token="t0ken"), "/", "{}")
            with pytest.raises(EndpointUnavailableError, match=str(status)):
                await lines(client, url)
    assert reached == []


async def test_a_refusal_and_a_closed_port_are_one_kind_of_error(client: HttpClient) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with serving(refuse) as url:
        with pytest.raises(EndpointUnavailableError, match="401"):
            await client.get(Endpoint(url), "/")
        with pytest.raises(EndpointUnavailableError, match="401"):
            await lines(client, url)
    with pytest.raises(EndpointUnavailableError):
        await client.get(Endpoint(url), "/")
    with pytest.raises(EndpointUnavailableError):
        await lines(client, url)


async def test_lines_come_as_they_are_written_and_empty_ones_are_heartbeats(
    client: HttpClient,
) -> None:
    async def three(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in (b"\n", b"\nfir", b"st\n"):
            await response.write(chunk)
        return response

    async with serving(three) as url:
        assert await lines(client, url) == [b"", b"", b"first"]


async def test_a_line_longer_than_any_document_is_an_error_of_the_endpoint(
    client: HttpClient,
) -> None:
    async def endless(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 600 * 1024 + b"\n")

    async with serving(endless) as url:
        with pytest.raises(EndpointUnavailableError):
            await lines(client, url)


async def test_a_connection_that_breaks_in_the_middle_is_an_error(client: HttpClient) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"\n")
        await asyncio.sleep(0)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(broken) as url:
        with pytest.raises(EndpointUnavailableError):
            await lines(client, url)


async def test_a_body_without_end_is_not_taken_in(client: HttpClient) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(40):
            await answer.write(b"x" * 65536)
        return answer

    async with serving(endless) as url:
        with pytest.raises(EndpointUnavailableError, match="ValueError"):
            await client.get(Endpoint(url), "/")
