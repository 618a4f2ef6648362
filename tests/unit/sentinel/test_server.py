"""The sentinel's HTTP as the operator, the executor and the kubelet use it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from host_processes import free_port
from ibgateway_agent.errors import (
    ActionRefusedError,
    HandoverRefusedError,
    LedgerError,
    StopRefusedError,
)
from ibgateway_agent.sentinel.drain import DrainWatch
from ibgateway_agent.sentinel.gate.program_gate import ProgramGate
from ibgateway_agent.sentinel.permits.records import Records, RequestKind
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_agent.sentinel.report import ReportInput
from ibgateway_agent.sentinel.server import SentinelTokens, application
from ibgateway_api.console_documents import ConsoleReport
from ibgateway_api.gate_documents import DrainRequest, GateDrain
from ibgateway_api.login import Login, LoginState
from ibgateway_api.reports import HandoverReport, SentinelReport, TradingPause
from ibgateway_api.requests import ConsoleRequest, HandoverRequest, TurnRequest
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_server import served
from leaving_clients import come_and_go
from sentinel_fakes.gate import ServedGate

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
Client = TestClient[web.Request, web.Application]
RIGHT = {"Authorization": "Bearer right-token"}
IN = Login(LoginState.LOGGED_IN, NOW, accounts=("DU1",), full_auth_time=NOW)


CLOSES = "2026-11-25T21:00:00Z"


@dataclass
class ServedReports:
    """A server and what stands behind it."""

    publisher: ReportPublisher
    requests: list[tuple[RequestKind, str]] = field(default_factory=list)
    alive: bool = True
    asked: int = 0
    error: Exception | None = None
    drain: DrainWatch = field(default_factory=lambda: DrainWatch(at(NOW)))
    turns: list[str] = field(default_factory=list)
    pressed: list[ConsoleRequest] = field(default_factory=list)

    gate: ProgramGate = field(init=False)
    drains: list[DrainRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = ServedGate(self.publisher, at(NOW)).gate

    def request_drain(self, asked: DrainRequest) -> GateDrain:
        self.drains.append(asked)
        return self.gate.drains.request(asked)

    def accept(self, kind: RequestKind, request: str) -> bool:
        if request == "in-quiet-hours":
            raise StopRefusedError("QuietHours, until 2026-11-25T16:00:00Z: nothing pushes")
        known = (kind, request) in self.requests
        self.requests.append((kind, request))
        return not known

    def operator_asks(self) -> None:
        self.asked += 1

    def take_turn(self, given: TurnRequest) -> bool:
        if self.error is not None:
            raise self.error
        self.turns.append(given.id)
        return self.turns.count(given.id) == 1

    def hand_over(self, asked: HandoverRequest) -> tuple[bool, HandoverReport | None]:
        if self.error is not None:
            raise self.error
        stands = asked.until and HandoverReport(id=asked.id, until=asked.until, costs_push=True)
        return True, stands or None

    def console(self) -> ConsoleReport:
        return ConsoleReport(state=self.publisher.latest().state, queue=self.drain.queue)

    def at_console(self, asked: ConsoleRequest) -> bool:
        if self.error is not None:
            raise self.error
        self.pressed.append(asked)
        return self.pressed.count(asked) == 1

    def publish(self, login: Login) -> None:
        self.publisher.publish(ReportInput(login, Records()))


def at(now: datetime) -> Clock:
    """The wall clock stands still; long polls need one that goes."""
    return Clock(now=lambda: now, monotonic=monotonic)


@pytest.fixture
def sentinel() -> ServedReports:
    return ServedReports(ReportPublisher("boot", at(NOW)))


def application_of(sentinel: ServedReports, folder: Path) -> web.Application:
    return application(
        publisher=sentinel.publisher,
        accept=sentinel.accept,
        hand_over=sentinel.hand_over,
        take_turn=sentinel.take_turn,
        alive=lambda: sentinel.alive,
        operator_asks=sentinel.operator_asks,
        drain=sentinel.drain,
        console=sentinel.console,
        at_console=sentinel.at_console,
        gate=sentinel.gate,
        request_drain=sentinel.request_drain,
        tokens=SentinelTokens(agent=folder / "token", gate=folder / "gate-token"),
        clock=at(NOW),
    )


@pytest.fixture
async def client(sentinel: ServedReports, tmp_path: Path) -> AsyncIterator[Client]:
    (tmp_path / "token").write_text("right-token\n")
    app = application_of(sentinel, tmp_path)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_who_asks_for_the_status_as_the_operator_is_heard(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(IN)
    for agent in ("ibgateway", "ibgateway-operator", "curl/8"):
        await client.get("/v1/status", headers={**RIGHT, "User-Agent": agent})
    assert sentinel.asked == 1
    await client.get("/v1/status", headers={"User-Agent": "ibgateway-operator"})
    assert sentinel.asked == 1


async def test_who_trades_says_with_its_question_whether_it_has_drained(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(IN)
    knows = sentinel.publisher.sequence
    for word in ("false", "true"):
        query = {"after": str(knows), "wait": "0", "drained": word, "closes": CLOSES}
        answer = await client.get("/v1/status", params=query, headers=RIGHT)
        assert answer.status == 200
        await answer.read()
        assert sentinel.drain.done(stops=True, sequence=knows) is (word == "true")
    assert sentinel.drain.closes == datetime.fromisoformat(CLOSES)
    assert not sentinel.drain.done(stops=False, sequence=knows)
    assert not sentinel.drain.done(stops=True, sequence=knows + 1)


async def test_the_console_is_told_without_a_token_how_many_orders_wait(
    client: Client, sentinel: ServedReports
) -> None:
    assert (await client.get("/console")).status == 503
    sentinel.publish(IN)
    query = {"after": "1", "wait": "0", "drained": "true", "queued": "3", "sent": "1"}
    await (await client.get("/v1/status", params=query, headers=RIGHT)).read()
    told = await (await client.get("/console")).json()
    assert (told["state"], told["queue"]["waiting"], told["queue"]["sent"]) == ("LoggedIn", 3, 1)


@pytest.mark.parametrize(
    "more", [{"queued": "-1"}, {"queued": "many"}, {"queued": "1", "sent": "x"}]
)
async def test_what_is_no_number_of_orders_is_refused(
    client: Client, sentinel: ServedReports, more: dict[str, str]
) -> None:
    sentinel.publish(IN)
    query = {"after": "1", "wait": "0", "drained": "true", **more}
    assert (await client.get("/v1/status", params=query, headers=RIGHT)).status == 400


async def test_a_press_is_taken_once_and_says_who_may_not(
    client: Client, sentinel: ServedReports
) -> None:
    body = {"id": "2026-11-25T15:00:00Z", "action": "handover", "minutes": 45}
    for status in (202, 200):
        answer = await client.post("/v1/console-requests", json=body, headers=RIGHT)
        assert answer.status == status
    assert (sentinel.pressed[0].action, sentinel.pressed[0].minutes) == ("handover", 45)
    assert (await client.post("/v1/console-requests", json=body)).status == 401
    sentinel.error = ActionRefusedError("a login is under way")
    refused = await client.post("/v1/console-requests", json=body, headers=RIGHT)
    assert (refused.status, await refused.text()) == (409, "a login is under way")


@pytest.mark.parametrize("wrong", [{"action": "suspend"}, {"minutes": 0}, {"minutes": 721}])
async def test_a_press_that_makes_no_sense_is_refused(
    client: Client, sentinel: ServedReports, wrong: dict[str, object]
) -> None:
    body = {"id": "2026-11-25T15:00:00Z", "action": "handover", **wrong}
    answer = await client.post("/v1/console-requests", json=body, headers=RIGHT)
    assert answer.status == 400
    assert sentinel.pressed == []


async def test_status_is_the_report(client: Client, sentinel: ServedReports) -> None:
    sentinel.publish(IN)
    response = await client.get("/v1/status", headers=RIGHT)
    report = SentinelReport.model_validate_json(await response.text())
    assert response.status == 200
    assert (report.state, report.accounts, report.boot) == (LoginState.LOGGED_IN, ("DU1",), "boot")


async def test_before_the_first_look_there_is_no_report(client: Client) -> None:
    assert (await client.get("/v1/status", headers=RIGHT)).status == 503
    assert (await client.get("/readyz")).status == 503


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
    client: Client, sentinel: ServedReports, headers: dict[str, str], method: str, path: str
) -> None:
    response = await client.request(method, path, headers=headers, json={"id": "x"})
    assert response.status == 401
    assert sentinel.requests == []


async def test_an_empty_token_file_opens_nothing(client: Client, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    response = await client.get("/v1/status", headers={"Authorization": "Bearer "})
    assert response.status == 401


async def test_a_token_file_that_can_not_be_read_opens_nothing(
    client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").unlink()
    response = await client.get("/v1/status", headers=RIGHT)
    assert (response.status, await response.text()) == (503, "the agent token can't be read")
    assert caplog.records == []


async def test_a_token_of_bytes_that_are_no_text_is_a_wrong_one(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.get("/v1/status", headers={"Authorization": "Bearer \udcff"})
    assert response.status == 401
    assert caplog.records == []


async def test_a_new_token_is_taken_without_a_restart(
    client: Client, sentinel: ServedReports, tmp_path: Path
) -> None:
    sentinel.publish(IN)
    (tmp_path / "token").write_text("new-token\n")
    headers = {"Authorization": "Bearer new-token"}
    assert (await client.get("/v1/status", headers=headers)).status == 200


async def test_a_long_poll_is_answered_by_the_next_change(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(replace(IN, state=LoginState.LOGGING_IN))
    after = sentinel.publisher.sequence
    path = f"/v1/status?after={after}&wait=20"
    response = await client.get(path, headers=RIGHT)
    assert await response.content.readline() == b"\n"
    sentinel.publish(IN)
    assert json.loads(await response.content.readline())["state"] == "LoggedIn"
    assert await response.content.read() == b""


async def test_a_long_poll_beats_and_then_repeats_what_is(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(IN)
    began = monotonic()
    path = f"/v1/status?after={sentinel.publisher.sequence}&wait=1.2"
    response = await client.get(path, headers=RIGHT)
    lines = (await response.text()).splitlines()
    assert monotonic() - began >= 1.2
    assert len(lines) >= 3
    assert set(lines[:-1]) == {""}
    assert json.loads(lines[-1])["state"] == "LoggedIn"


async def test_a_long_poll_behind_the_present_is_answered_at_once(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(IN)
    response = await client.get("/v1/status?after=1&wait=200", headers=RIGHT)
    assert json.loads((await response.text()).splitlines()[-1])["state"] == "LoggedIn"


async def test_a_poll_that_asks_nonsense_is_refused(client: Client) -> None:
    assert (await client.get("/v1/status?after=x", headers=RIGHT)).status == 400


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/login-requests", "login"), ("/v1/restarts", "restart")]
)
async def test_a_request_is_taken_once(
    client: Client, sentinel: ServedReports, path: str, kind: str
) -> None:
    first = await client.post(path, headers=RIGHT, json={"id": "w1"})
    second = await client.post(path, headers=RIGHT, json={"id": "w1"})
    assert (first.status, second.status) == (202, 200)
    assert sentinel.requests == [(kind, "w1"), (kind, "w1")]


async def test_a_stop_that_can_not_be_now_says_why_and_until_when(client: Client) -> None:
    response = await client.post("/v1/restarts", headers=RIGHT, json={"id": "in-quiet-hours"})
    assert response.status == 409
    assert await response.text() == (
        "no login attempt is allowed now: QuietHours, until 2026-11-25T16:00:00Z: nothing pushes"
    )


@pytest.mark.parametrize("body", ["", "{", "{}", '{"id": ""}', '{"id": 7}', '["w1"]'])
async def test_a_request_without_an_id_is_refused(
    client: Client, sentinel: ServedReports, body: str
) -> None:
    response = await client.post("/v1/restarts", headers=RIGHT, data=body)
    assert response.status == 400
    assert sentinel.requests == []


async def test_ready_is_an_open_gate(client: Client, sentinel: ServedReports) -> None:
    for known, status, word in (
        (
            ReportInput(replace(IN, state=LoginState.CONNECTION_LOST), Records()),
            503,
            "ConnectionLost",
        ),
        (ReportInput(IN, Records()), 200, "GateOpen"),
        (ReportInput(IN, Records(), pause=TradingPause(id="a", since=IN.since)), 503, "Paused"),
        (ReportInput(replace(IN, full_auth_time=None), Records()), 503, "RestartWindow"),
    ):
        sentinel.publisher.publish(known)
        answer = await client.get("/readyz")
        assert (answer.status, await answer.text()) == (status, word)


async def held(client: Client) -> int:
    return (await client.get("/readyz?held")).status


async def test_a_held_probe_is_answered_by_the_change(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(IN)
    assert await held(client) == 200
    asked = asyncio.create_task(held(client))
    pause = TradingPause(id="a", since=IN.since)
    sentinel.publisher.publish(ReportInput(IN, Records(), pause=pause))
    sentinel.gate.look()
    assert await asked == 503


async def test_a_held_probe_is_answered_within_the_kubelets_second(
    client: Client, sentinel: ServedReports
) -> None:
    sentinel.publish(IN)
    assert [await held(client) for _ in range(2)] == [200, 200]


async def test_healthy_is_looking(client: Client, sentinel: ServedReports) -> None:
    assert (await client.get("/healthz")).status == 200
    sentinel.alive = False
    assert (await client.get("/healthz")).status == 503


def test_the_sequence_grows_across_boots() -> None:
    first = ReportPublisher("one", at(NOW))
    for state in (LoginState.STARTING, LoginState.LOGGED_IN):
        first.publish(ReportInput(Login(state, NOW), Records()))
    second = ReportPublisher("two", at(NOW + timedelta(seconds=1)))
    assert second.sequence > first.sequence


@pytest.mark.parametrize(
    "request_line",
    ["GET /v1/status?wait=30&after=9999999999999", "GET /v1/status", "GET /readyz"],
)
async def test_who_goes_away_leaves_nothing_in_the_log(
    sentinel: ServedReports, tmp_path: Path, caplog: pytest.LogCaptureFixture, request_line: str
) -> None:
    (tmp_path / "token").write_text("right-token")
    app, port = application_of(sentinel, tmp_path), free_port()
    head = f"{request_line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer right-token\r\n\r\n"
    sentinel.publish(IN)
    with caplog.at_level(logging.INFO):
        async with served(app, bind="127.0.0.1", port=port):
            await come_and_go(port, head.encode())
    assert caplog.text == ""


async def test_who_goes_away_in_the_middle_of_a_request_asks_for_nothing(
    sentinel: ServedReports, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text("right-token")
    app, port = application_of(sentinel, tmp_path), free_port()
    sent = (
        "POST /v1/login-requests HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer right-token\r\n"
        'Content-Length: 60\r\n\r\n{"id": "half a'
    )
    with caplog.at_level(logging.INFO):
        async with served(app, bind="127.0.0.1", port=port):
            await come_and_go(port, sent.encode())
    assert (caplog.text, sentinel.requests) == ("", [])


LUNCH = {"id": "lunch", "until": "2026-11-25T16:00:00Z"}


async def test_a_handover_is_answered_with_what_its_return_costs(client: Client) -> None:
    assert (await client.post("/v1/handovers", json=LUNCH)).status == 401
    answer = await client.post("/v1/handovers", json=LUNCH, headers=RIGHT)
    assert (answer.status, await answer.json()) == (202, {**LUNCH, "costsPush": True, "why": ""})
    over = await client.post("/v1/handovers", json={"id": "lunch"}, headers=RIGHT)
    assert (over.status, await over.json()) == (202, {})


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (HandoverRefusedError("it is more than 3 days ahead"), 409, "more than 3 days ahead"),
        (LedgerError("line 3"), 503, "line 3"),
        (OSError(28, "No space left"), 503, "No space left"),
    ],
)
async def test_a_handover_that_can_not_be_says_why(
    client: Client, sentinel: ServedReports, error: Exception, status: int, words: str
) -> None:
    sentinel.error = error
    answer = await client.post("/v1/handovers", json=LUNCH, headers=RIGHT)
    assert answer.status == status
    assert words in await answer.text()


@pytest.mark.parametrize(
    "body", ["", "{}", '{"id": ""}', '{"id": "a", "until": "2026-11-25T16:00:00"}']
)
async def test_a_handover_that_makes_no_sense_is_refused(client: Client, body: str) -> None:
    assert (await client.post("/v1/handovers", headers=RIGHT, data=body)).status == 400


TURN = {"id": "t1", "until": "2026-11-25T15:05:00Z"}


async def test_a_turn_is_taken_once(client: Client, sentinel: ServedReports) -> None:
    assert (await client.post("/v1/turns", json=TURN)).status == 401
    answers = [await client.post("/v1/turns", json=TURN, headers=RIGHT) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 200]
    assert (await client.post("/v1/turns", json={"id": "t1"}, headers=RIGHT)).status == 400
    sentinel.error = LedgerError("line 3")
    assert (await client.post("/v1/turns", json=TURN, headers=RIGHT)).status == 503
