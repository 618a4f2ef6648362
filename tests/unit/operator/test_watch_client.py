"""Pages and watches over HTTP: lines of any length, the server's errors, silence."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from ibgateway_operator.errors import ApiError, ApiUnavailableError
from ibgateway_operator.kube import watch_client
from ibgateway_operator.kube.watch_client import KubernetesWatchServer, WatchedKind
from ibgateway_operator.model.kinds import POD
from ibgateway_operator.model.manifests import Manifest

PODS = WatchedKind(POD, "trading", "a=b,c")


@dataclass
class Answers:
    """What the API server answers: a status, and pieces as they are sent. `silent` keeps it open."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            f"{request.path}?{'&'.join(f'{k}={v}' for k, v in request.query.items())}"
        )
        response = web.StreamResponse(status=self.status, headers=self.headers)
        await response.prepare(request)
        for piece in self.pieces:
            await response.write(piece)
        if self.silent:
            await asyncio.Event().wait()
        return response


@asynccontextmanager
async def served(answers: Answers) -> AsyncIterator[KubernetesWatchServer]:
    site = web.Application()
    site.router.add_get("/{path:.*}", answers.answer)
    async with TestServer(site) as server:
        url = str(server.make_url("")).rstrip("/")
        async with client.ApiClient(client.Configuration(host=url)) as api:
            yield KubernetesWatchServer(api)


async def events(server: KubernetesWatchServer) -> list[Manifest]:
    return [event async for event in server.changes(PODS, since="7")]


def line(name: str, size: int = 0) -> bytes:
    body = {"metadata": {"resourceVersion": "8"}, "name": name, "x": "x" * size}
    return json.dumps({"type": "ADDED", "object": body}).encode() + b"\n"


async def test_a_page_is_asked_for_with_selector_limit_and_token() -> None:
    answers = Answers(pieces=[b'{"items": []}'])
    async with served(answers) as server:
        assert await server.page(PODS, limit=100, after="more") == {"items": []}
    where = "/api/v1/namespaces/trading/pods?labelSelector=a=b,c"
    assert answers.asked == [f"{where}&limit=100&continue=more"]


async def test_a_watch_is_asked_for_from_a_version() -> None:
    answers = Answers()
    async with served(answers) as server:
        assert await events(server) == []
    [asked] = answers.asked
    assert asked.endswith(
        "labelSelector=a=b,c&watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300"
    )


async def test_lines_are_put_together_however_they_come_and_however_long() -> None:
    text = line("a") + line("long", 3_000_000) + line("c")
    pieces = [text[:10], text[10:2_000_000], text[2_000_000:]]
    async with served(Answers(pieces=pieces)) as server:
        found = await events(server)
    assert [event["object"]["name"] for event in found] == ["a", "long", "c"]


@pytest.mark.parametrize("status", [403, 410])
async def test_a_refusal_is_an_error_of_its_status(status: int) -> None:
    async with served(Answers(status, pieces=[b'{"message": "the words"}'])) as server:
        with pytest.raises(ApiError, match="the words") as refused:
            await events(server)
        assert refused.value.status == status
        with pytest.raises(ApiError, match="the words"):
            await server.page(PODS, limit=100, after="")


async def test_an_error_within_a_watch_is_raised_with_its_code() -> None:
    status = {"code": 410, "message": "too old resource version"}
    text = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
    async with served(Answers(pieces=[line("a"), text])) as server:
        with pytest.raises(ApiError, match="too old") as expired:
            await events(server)
    assert expired.value.status == 410


@pytest.mark.parametrize(
    "said",
    [
        b"<html>",
        b"null",
        b"[1]",
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": null}',
        b'{"type": "ERROR", "object": null}',
        b'{"type": "MODIFIED", "object": {"metadata": {"name": "a"}}}',
        b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": ""}}}',
    ],
    ids=str,
)
async def test_what_is_no_event_ends_the_watch_and_no_more(said: bytes) -> None:
    async with served(Answers(pieces=[line("a"), said + b"\n"])) as server:
        with pytest.raises(ApiUnavailableError, match="no event"):
            await events(server)


async def test_a_line_that_breaks_off_is_no_event() -> None:
    async with served(Answers(pieces=[line("a"), line("b")[:-20]])) as server:
        assert [event["object"]["name"] for event in await events(server)] == ["a"]


@pytest.mark.parametrize(("said", "after"), [("7", 7.0), ("soon", 0.0)])
async def test_a_busy_server_says_for_how_long(said: str, after: float) -> None:
    async with served(Answers(429, {"Retry-After": said}, [b"{}"])) as server:
        with pytest.raises(ApiUnavailableError) as listed:
            await server.page(PODS, limit=100, after="")
        with pytest.raises(ApiUnavailableError) as watched:
            await events(server)
    assert (listed.value.after, watched.value.after) == (after, after)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with client.ApiClient(client.Configuration(host="http://127.0.0.1:1")) as api:
        with pytest.raises(ApiUnavailableError):
            await KubernetesWatchServer(api).page(PODS, limit=1, after="")
        with pytest.raises(ApiUnavailableError):
            await events(KubernetesWatchServer(api))


async def test_a_watch_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_client, "SILENCE_SECONDS", 0.1)
    answers = Answers(pieces=[line("a")], silent=True)
    async with served(answers) as server:
        with pytest.raises(ApiUnavailableError, match="has ended"):
            await events(server)
