"""Targets over HTTP: what is fetched, what is refused, and that nobody is told the token."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from executor_world import until, world
from ibgateway_executor.errors import TargetsError
from ibgateway_executor.rebalance_runs.target_source import LARGEST, TargetSource

BODY = {"targets": [{"contract": {"symbol": "BND"}, "weight": "0.1"}]}
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


class Desk:
    """A source of targets; `status` and `text` are what it says."""

    def __init__(self) -> None:
        self.status, self.text = 200, json.dumps(BODY)
        self.asked: list[str | None] = []

    async def targets(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization"))
        return web.Response(status=self.status, text=self.text, headers={"Location": "/stolen"})

    async def stolen(self, request: web.Request) -> web.Response:
        raise AssertionError("a redirect was followed")


@pytest.fixture
async def desk() -> AsyncIterator[tuple[Desk, str]]:
    made = Desk()
    app = web.Application()
    app.router.add_get("/targets", made.targets)
    app.router.add_get("/stolen", made.stolen)
    async with TestServer(app) as server:
        yield made, str(server.make_url("/targets"))


async def fetched(url: str, folder: Path) -> Any:
    async with aiohttp.ClientSession() as session:
        source = TargetSource(session, lambda: b"canary-token", folder / "targets.json")
        body = await source.fetch(url, NOON)
        return body, source.last_good()


async def test_targets_are_fetched_with_the_token_and_kept(
    desk: tuple[Desk, str], tmp_path: Path
) -> None:
    made, url = desk
    body, kept = await fetched(f"{url}?key=hidden", tmp_path)
    assert [str(target.weight) for target in body.targets] == ["0.1"]
    assert made.asked == ["Bearer canary-token"]
    assert (kept.body, kept.fetched_at, kept.source) == (BODY, NOON, url)
    assert "canary-token" not in (tmp_path / "targets.json").read_text()


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (500, "{}", "it answers 500"),
        (200, "<html>", "it is no JSON"),
        (200, '{"targets": [], "targets": []}', "stands in it twice"),
        (
            200,
            '{"targets": [{"contract": {"symbol": "BND"}, "weight": 0.1}]}',
            "from 0 to 1 as text",
        ),
        (200, '{"targets": [], "dryRun": true}', "Extra inputs"),
        (200, '{"targets": [], "account": "DU7654321"}', "is said by spec.executor.targets"),
        (200, " " * (LARGEST + 1), "more than"),
        (302, "", "it answers 302"),
    ],
)
async def test_what_is_no_targets_is_refused_and_the_last_good_ones_stay(
    desk: tuple[Desk, str], tmp_path: Path, status: int, text: str, words: str
) -> None:
    made, url = desk
    await fetched(url, tmp_path)
    made.status, made.text = status, text
    with pytest.raises(TargetsError, match=words) as refused:
        await fetched(f"{url}?key=hidden", tmp_path)
    assert "hidden" not in str(refused.value)
    assert "canary" not in str(refused.value)
    assert json.loads((tmp_path / "targets.json").read_text())["body"] == BODY


async def test_a_token_does_not_go_over_plain_http_to_strangers(tmp_path: Path) -> None:
    with pytest.raises(TargetsError, match="use https"):
        await fetched("http://desk.example/targets", tmp_path)


async def test_a_source_that_is_not_there_is_said_without_its_secrets(tmp_path: Path) -> None:
    with pytest.raises(TargetsError, match="ClientConnectorError") as refused:
        await fetched("http://127.0.0.1:1/targets?key=hidden", tmp_path)
    assert "hidden" not in str(refused.value)


async def test_an_executor_rebalances_to_what_its_source_says(
    desk: tuple[Desk, str], tmp_path: Path
) -> None:
    made, url = desk
    every = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    now = f"{datetime.now(UTC):%H:%M}"
    async with world(tmp_path) as here:
        here.configure(
            targets={"url": url, "schedule": {"days": every, "at": now, "timeZone": "Etc/UTC"}}
        )
        await here.executor.start()
        await here.log_in()
        await here.ready()

        async def done() -> Any:
            found = (await here.orders.get("/v1/rebalances"))["rebalances"]
            return found[0] if found and found[0]["state"] == "Completed" else None

        run = await until("the scheduled rebalance", done)
        assert [o["symbol"] for o in run["report"]["orders"]] == ["BND"]
        told = await here.orders.get("/v1/targets")
        assert (told["rebalance"], told["problem"]) == (run["id"], None)
        assert told["lastGood"]["body"] == BODY
        assert set(made.asked) == {None}
