"""The word over HTTP, as programs ask for it: who is let in, what is told when, and what they answer."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from host_processes import free_port
from ibgateway_agent.sentinel.gate.routes import GateRoutes
from ibgateway_agent.sentinel.permits.records import Records
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_agent.sentinel.report import ReportInput
from ibgateway_agent.sentinel.server import SentinelTokens, token_wanted
from ibgateway_api.gate_documents import DrainRequest, GateDrain, GateReport
from ibgateway_api.login import Login, LoginState
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_server import served
from leaving_clients import come_and_go
from sentinel_fakes.gate import ServedGate

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
IN = Login(LoginState.LOGGED_IN, NOW, accounts=("DU1",), full_auth_time=NOW)
OUT = replace(IN, state=LoginState.CONNECTION_LOST)
AGENT = {"Authorization": "Bearer agent-canary"}
GATE = {"Authorization": "Bearer gate-canary"}
SSE = {**GATE, "Accept": "text/event-stream"}
Client = TestClient[web.Request, web.Application]


@dataclass
class GateServer:
    """The routes and what stands behind them; the wall clock stands still."""

    folder: Path
    clock: Clock = field(default_factory=lambda: Clock(now=lambda: NOW, monotonic=monotonic))

    def __post_init__(self) -> None:
        (self.folder / "agent").write_text("agent-canary\n")
        (self.folder / "gate").write_text("gate-canary\n")
        self.reports = ReportPublisher("boot", self.clock)
        self.served = ServedGate(self.reports, self.clock)
        self.gate = self.served.gate
        self.login(IN)

    def login(self, login: Login) -> None:
        self.reports.publish(ReportInput(login, Records()))
        self.gate.look()

    def request_drain(self, asked: DrainRequest) -> GateDrain:
        drain = self.gate.drains.request(asked)
        self.gate.look()
        return drain

    def application(self) -> web.Application:
        tokens = SentinelTokens(agent=self.folder / "agent", gate=self.folder / "gate")
        app = web.Application(middlewares=[token_wanted(tokens)])
        app.add_routes(GateRoutes(self.gate, self.request_drain, self.clock).routes())
        app.add_routes([web.get("/v1/status", _empty), web.post("/v1/turns", _empty)])
        return app


async def _empty(_: web.Request) -> web.Response:
    return web.Response(text="{}")


@pytest.fixture
def sentinel(tmp_path: Path) -> GateServer:
    return GateServer(tmp_path)


@pytest.fixture
async def client(sentinel: GateServer) -> AsyncIterator[Client]:
    async with TestClient(TestServer(sentinel.application())) as opened:
        yield opened


async def ask(client: Client, query: str = "") -> GateReport:
    answer = await client.get(f"/v1/gate{query}", headers=GATE)
    assert answer.status == 200, await answer.text()
    return GateReport.model_validate_json((await answer.text()).splitlines()[-1])


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not found():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("method", "path", "opens"),
    [
        ("GET", "/v1/gate", True),
        ("POST", "/v1/gate/drained", True),
        ("POST", "/v1/drains", False),
        ("GET", "/v1/status", False),
        ("POST", "/v1/turns", False),
        ("GET", "/v1/gate/", False),
        ("GET", "/v1//gate", False),
    ],
)
async def test_the_programs_token_opens_the_gates_word_and_the_agents_opens_all(
    client: Client, method: str, path: str, *, opens: bool
) -> None:
    assert (await client.request(method, path, headers=GATE)).status in (
        {200, 400} if opens else {401}
    )
    assert (await client.request(method, path, headers=AGENT)).status in {200, 400, 404}
    wrong = {"Authorization": "Bearer other-canary"}
    assert (await client.request(method, path, headers=wrong)).status == 401
    assert (await client.request(method, path)).status == 401


async def test_a_new_token_counts_at_once_and_an_emptied_one_opens_nothing(
    client: Client, tmp_path: Path
) -> None:
    (tmp_path / "gate").write_text("gate-canary-2")
    assert (await client.get("/v1/gate", headers=GATE)).status == 401
    fresh = {"Authorization": "Bearer gate-canary-2"}
    assert (await client.get("/v1/gate", headers=fresh)).status == 200
    (tmp_path / "gate").write_text("")
    assert (await client.get("/v1/gate", headers=fresh)).status == 401
    assert (await client.get("/v1/gate", headers={"Authorization": "Bearer "})).status == 401


async def test_without_its_file_the_programs_token_is_not_known_and_the_agents_is(
    client: Client, tmp_path: Path
) -> None:
    (tmp_path / "gate").unlink()
    answer = await client.get("/v1/gate", headers=GATE)
    assert (answer.status, await answer.text()) == (503, "the gate token can't be read")
    assert (await client.get("/v1/gate", headers=AGENT)).status == 200


async def test_the_word_is_told_at_once(client: Client, sentinel: GateServer) -> None:
    told = await ask(client)
    assert (told.open, told.reason, told.boot) == (True, "GateOpen", "boot")
    sentinel.login(OUT)
    told = await ask(client)
    assert (told.open, told.reason, told.since) == (False, "ConnectionLost", NOW)


async def test_a_hundred_programs_that_wait_are_told_when_it_opens(
    client: Client, sentinel: GateServer
) -> None:
    sentinel.login(OUT)
    known = (await ask(client)).sequence
    path = f"?program=bot-{{}}&after={known}&wait=60"
    waiting = [asyncio.create_task(ask(client, path.format(n))) for n in range(100)]
    await until(lambda: sentinel.gate.programs.present == 100)
    assert not any(task.done() for task in waiting)
    sentinel.login(IN)
    told = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert {word.open for word in told} == {True}


async def test_a_poll_shows_each_second_that_the_sentinel_lives(
    client: Client, sentinel: GateServer
) -> None:
    known = (await ask(client)).sequence
    answer = await client.get(f"/v1/gate?after={known}&wait=1.2", headers=GATE)
    *beats, last = (await answer.text()).splitlines()
    assert beats
    assert set(beats) == {""}
    assert json.loads(last)["open"] is True


async def event(stream: ClientResponse) -> GateReport:
    """The next event; comments show only that the sentinel lives."""
    lines: dict[str, str] = {}
    async with asyncio.timeout(10):
        while True:
            line = (await stream.content.readline()).decode().rstrip("\n")
            if not line and "data" in lines:
                break
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                lines[name] = value
    told = GateReport.model_validate_json(lines["data"])
    assert (lines["event"], lines["id"]) == ("gate", str(told.sequence))
    return told


async def test_a_stream_tells_what_is_and_then_each_change(
    client: Client, sentinel: GateServer
) -> None:
    async with client.get("/v1/gate?program=bot", headers=SSE) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert (await event(stream)).open
        sentinel.login(OUT)
        assert (await event(stream)).reason == "ConnectionLost"
        sentinel.login(IN)
        assert (await event(stream)).open


async def test_a_stream_that_is_taken_up_again_tells_what_was_missed_and_nothing_twice(
    client: Client, sentinel: GateServer
) -> None:
    known = (await ask(client)).sequence
    async with client.get("/v1/gate", headers={**SSE, "Last-Event-ID": str(known)}) as stream:
        sentinel.login(OUT)
        assert (await event(stream)).reason == "ConnectionLost"
    async with client.get("/v1/gate", headers={**SSE, "Last-Event-ID": str(known)}) as stream:
        assert (await event(stream)).reason == "ConnectionLost"


@pytest.mark.parametrize("last", ["99999999999999999", "x", "-1", ""])
async def test_an_event_that_never_was_is_no_reason_for_silence(client: Client, last: str) -> None:
    async with client.get("/v1/gate", headers={**SSE, "Last-Event-ID": last}) as stream:
        assert (await event(stream)).open


async def test_a_silent_stream_has_a_comment_each_second(client: Client) -> None:
    async with client.get("/v1/gate", headers=SSE) as stream:
        await event(stream)
        async with asyncio.timeout(10):
            assert await stream.content.readline() == b":\n"


async def test_a_program_is_asked_to_drain_and_answers(
    client: Client, sentinel: GateServer
) -> None:
    known = (await ask(client, "?program=bot")).sequence
    waits = asyncio.create_task(ask(client, f"?program=bot&after={known}&wait=60"))
    asked = await client.post(
        "/v1/drains", headers=AGENT, json={"id": "Suspend", "reason": "Suspend"}
    )
    drain = GateDrain.model_validate_json(await asked.text())
    assert (drain.reason, drain.waiting_for) == ("Suspend", ("bot",))
    assert (await waits).drain == drain
    told = await ask(client, f"?program=bot&drained={drain.id}")
    assert told.drain is not None
    assert (told.drain.id, told.drain.waiting_for) == (drain.id, ())


async def test_an_answer_may_come_by_itself(client: Client, sentinel: GateServer) -> None:
    await ask(client, "?program=bot")
    drain = sentinel.request_drain(DrainRequest(id="Suspend", reason="Suspend"))
    body = {"program": "bot", "drain": drain.id}
    assert (await client.post("/v1/gate/drained", headers=GATE, json=body)).status == 204
    assert sentinel.gate.drains.current is not None
    assert sentinel.gate.drains.current.waiting_for == ()


async def test_an_answer_to_what_nobody_asked_is_refused(
    client: Client, sentinel: GateServer
) -> None:
    body = {"program": "bot", "drain": "boot-1"}
    answer = await client.post("/v1/gate/drained", headers=GATE, json=body)
    assert (answer.status, await answer.text()) == (
        409,
        "no drain is asked for now: read the gate anew",
    )
    sentinel.request_drain(DrainRequest(id="Suspend", reason="Suspend"))
    answer = await client.post(
        "/v1/gate/drained", headers=GATE, json={"program": "bot", "drain": "boot-7"}
    )
    assert (answer.status, await answer.text()) == (409, "another drain is asked for now: boot-1")


@pytest.mark.parametrize(
    "query",
    ["?program=Bot", "?program=", "?program=" + "a" * 64, "?drained=d", "?after=x", "?wait=x"],
)
async def test_a_question_that_makes_no_sense_is_refused(client: Client, query: str) -> None:
    assert (await client.get(f"/v1/gate{query}", headers=GATE)).status == 400


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"program": "B", "drain": "d"}'])
async def test_an_answer_that_makes_no_sense_is_refused(client: Client, body: str) -> None:
    answer = await client.post("/v1/gate/drained", headers=GATE, data=body)
    assert answer.status == 400


@pytest.mark.parametrize("body", ["", "{}", '{"id": "a"}', '{"id": "", "reason": "Suspend"}'])
async def test_a_drain_that_makes_no_sense_is_refused(client: Client, body: str) -> None:
    assert (await client.post("/v1/drains", headers=AGENT, data=body)).status == 400


async def test_a_sentinel_that_has_just_started_lets_no_stop_go_on_before_programs_ask_anew(
    client: Client, sentinel: GateServer
) -> None:
    sentinel.gate.programs.began = monotonic()
    stop = {"id": "Restart", "reason": "Restart"}
    answer = await client.post("/v1/drains", headers=AGENT, json=stop)
    assert answer.status == 503
    assert (await ask(client)).drain is not None


async def test_garbage_names_are_bounded_and_who_is_there_already_goes_on(tmp_path: Path) -> None:
    sentinel = GateServer(tmp_path, Clock(now=lambda: NOW, monotonic=lambda: 0.0))
    async with TestClient(TestServer(sentinel.application())) as client:
        await ask(client, "?program=bot")
        statuses = [
            (await client.get(f"/v1/gate?program=garbage-{n}", headers=GATE)).status
            for n in range(300)
        ]
        assert statuses.count(200) == 255
        assert statuses.count(429) == 45
        assert sentinel.gate.programs.present == 256
        assert (await ask(client, "?program=bot")).open
        assert (await ask(client)).open


async def test_answers_that_wait_are_bounded_and_one_that_ends_makes_room(
    client: Client, sentinel: GateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibgateway_agent.sentinel.gate.routes.MOST_WAITING", 2)
    async with client.get("/v1/gate", headers=SSE) as first:
        async with client.get("/v1/gate?program=bot", headers=SSE) as second:
            assert {first.status, second.status} == {200}
            for headers in (SSE, GATE):
                refused = await client.get("/v1/gate?wait=9&after=0", headers=headers)
                assert (refused.status, await refused.text()) == (
                    503,
                    "2 questions wait already: a program needs one",
                )
            assert (await ask(client)).open
        await until(lambda: sentinel.gate.programs.waiting_for("") == ("bot",))
        async with asyncio.timeout(10):
            while (  # noqa: ASYNC110 - that one has gone is told to nobody
                await client.get("/v1/gate?wait=0", headers=GATE)
            ).status != 200:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_program_that_goes_leaves_nothing_in_the_log_and_is_gone(
    sentinel: GateServer, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    port = free_port()
    known = sentinel.gate.publisher.latest().sequence
    head = (
        f"GET /v1/gate?program=bot&after={known}&wait=300 HTTP/1.1\r\nHost: a\r\n"
        f"Accept: {accept}\r\nAuthorization: Bearer gate-canary\r\n\r\n"
    )
    with caplog.at_level(logging.INFO):
        async with served(sentinel.application(), bind="127.0.0.1", port=port):
            await come_and_go(port, head.encode())
            await until(lambda: sentinel.gate.programs.present == 0)
    assert caplog.text == ""
