"""The sentinel's HTTP as the operator, the executor and the kubelet use it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ibgateway_agent.sentinel import metrics
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_agent.sentinel.permits.attempt_ledger import Asker, Records
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_agent.sentinel.report import ReportFeed, ReportInput
from ibgateway_agent.sentinel.server import Doors, application
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.permits import Attempt, Cause, PermitKind
from ibgateway_api.reports import SentinelReport

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
RIGHT = {"Authorization": "Bearer right-token"}
IN = Login(LoginState.LOGGED_IN, NOW, accounts=("DU1",), full_auth_time=NOW)


@dataclass
class World:
    """A server and what stands behind it."""

    client: TestClient[web.Request, web.Application]
    bulletin: ReportFeed
    wishes: list[tuple[Asker, str]] = field(default_factory=list)
    alive: bool = True

    def publish(self, login: Login) -> None:
        self.bulletin.publish(ReportInput(login, Records()))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    (tmp_path / "token").write_text("right-token\n")
    bulletin = ReportFeed("boot", lambda: NOW)
    worlds: list[World] = []

    def accept(kind: Asker, request: str) -> bool:
        known = (kind, request) in worlds[0].wishes
        worlds[0].wishes.append((kind, request))
        return not known

    app = application(Doors(bulletin, accept, lambda: worlds[0].alive, tmp_path / "token"))
    async with TestClient(TestServer(app)) as client:
        worlds.append(World(client, bulletin))
        yield worlds[0]


async def test_status_is_the_report(world: World) -> None:
    world.publish(IN)
    response = await world.client.get("/v1/status", headers=RIGHT)
    report = SentinelReport.model_validate_json(await response.text())
    assert response.status == 200
    assert (report.state, report.accounts, report.boot) == (LoginState.LOGGED_IN, ("DU1",), "boot")


async def test_before_the_first_look_there_is_no_report(world: World) -> None:
    assert (await world.client.get("/v1/status", headers=RIGHT)).status == 503
    assert (await world.client.get("/readyz")).status == 503


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "right-token"},
        {"Authorization": "Basic right-token"},
        {"Authorization": "Bearer wrong-token"},
        {"Authorization": "Bearer "},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/status"), ("POST", "/v1/login-requests"), ("POST", "/v1/restarts")],
)
async def test_without_the_token_nothing_is_told_or_taken(
    world: World, headers: dict[str, str], method: str, path: str
) -> None:
    response = await world.client.request(method, path, headers=headers, json={"id": "x"})
    assert response.status == 401
    assert world.wishes == []


async def test_an_empty_token_file_opens_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    response = await world.client.get("/v1/status", headers={"Authorization": "Bearer "})
    assert response.status == 401


async def test_a_new_token_is_taken_without_a_restart(world: World, tmp_path: Path) -> None:
    world.publish(IN)
    (tmp_path / "token").write_text("new-token\n")
    headers = {"Authorization": "Bearer new-token"}
    assert (await world.client.get("/v1/status", headers=headers)).status == 200


async def test_a_long_poll_is_answered_by_the_next_change(world: World) -> None:
    world.publish(replace(IN, state=LoginState.LOGGING_IN))
    after = world.bulletin.sequence
    path = f"/v1/status?after={after}&wait=20"
    response = await world.client.get(path, headers=RIGHT)
    assert await response.content.readline() == b"\n"
    world.publish(IN)
    assert json.loads(await response.content.readline())["state"] == "LoggedIn"
    assert await response.content.read() == b""


async def test_a_long_poll_beats_and_then_repeats_what_is(world: World) -> None:
    world.publish(IN)
    began = monotonic()
    path = f"/v1/status?after={world.bulletin.sequence}&wait=1.2"
    response = await world.client.get(path, headers=RIGHT)
    lines = (await response.text()).splitlines()
    assert monotonic() - began >= 1.2
    assert len(lines) >= 3
    assert set(lines[:-1]) == {""}
    assert json.loads(lines[-1])["state"] == "LoggedIn"


async def test_a_long_poll_behind_the_present_is_answered_at_once(world: World) -> None:
    world.publish(IN)
    response = await world.client.get("/v1/status?after=1&wait=200", headers=RIGHT)
    assert json.loads((await response.text()).splitlines()[-1])["state"] == "LoggedIn"


async def test_a_poll_that_asks_nonsense_is_refused(world: World) -> None:
    assert (await world.client.get("/v1/status?after=x", headers=RIGHT)).status == 400


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/login-requests", "login"), ("/v1/restarts", "restart")]
)
async def test_a_wish_is_taken_once(world: World, path: str, kind: str) -> None:
    first = await world.client.post(path, headers=RIGHT, json={"id": "w1"})
    second = await world.client.post(path, headers=RIGHT, json={"id": "w1"})
    assert (first.status, second.status) == (202, 200)
    assert world.wishes == [(kind, "w1"), (kind, "w1")]


@pytest.mark.parametrize("body", ["", "{", "{}", '{"id": ""}', '{"id": 7}', '["w1"]'])
async def test_a_wish_without_an_id_is_refused(world: World, body: str) -> None:
    response = await world.client.post("/v1/restarts", headers=RIGHT, data=body)
    assert response.status == 400
    assert world.wishes == []


async def test_ready_is_logged_in(world: World) -> None:
    world.publish(replace(IN, state=LoginState.CONNECTION_LOST))
    assert (await world.client.get("/readyz")).status == 503
    world.publish(IN)
    assert (await world.client.get("/readyz")).status == 200


async def test_healthy_is_looking(world: World) -> None:
    assert (await world.client.get("/healthz")).status == 200
    world.alive = False
    assert (await world.client.get("/healthz")).status == 503


def test_the_sequence_grows_across_boots() -> None:
    first = ReportFeed("one", lambda: NOW)
    for state in (LoginState.STARTING, LoginState.LOGGED_IN):
        first.publish(ReportInput(Login(state, NOW), Records()))
    second = ReportFeed("two", lambda: NOW + timedelta(seconds=1))
    assert second.sequence > first.sequence


async def test_the_metrics_say_what_happened() -> None:
    told = SentinelMetrics(lambda: NOW + timedelta(seconds=90))
    told.login(IN)
    told.sign(Sign.PUSH_SENT)
    told.attempt(Attempt(id=1, at=NOW, kind=PermitKind.FULL, cause=Cause.WEEKLY))
    told.probe(ProbeResult.READY)
    async with TestClient(TestServer(metrics.application(told))) as client:
        lines = (await (await client.get("/metrics")).text()).splitlines()
    assert 'ibgateway_login_state{state="LoggedIn"} 1.0' in lines
    assert 'ibgateway_login_state{state="Rejected"} 0.0' in lines
    assert "ibgateway_logged_in_seconds 90.0" in lines
    assert 'ibgateway_login_attempts_total{cause="Weekly",kind="full"} 1.0' in lines
    assert "ibgateway_pushes_total 1.0" in lines
    assert 'ibgateway_api_probes_total{result="Ready"} 1.0' in lines
