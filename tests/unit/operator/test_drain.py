"""Asking executor and programs: remembered for the stop it was asked for, with a clock of its own."""

import pytest

from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.decide.stops import PlannedStop
from ibgateway_operator.model.memory import DrainMemory, GatewayMemory
from ibgateway_operator.observe.drain import Drains
from ibgateway_operator.observe.executor import Executors
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint
from operator_fakes import FakeHttpClient
from operator_fakes.http_client import waiting_for

EXECUTOR = Endpoint("http://10.0.0.9:8080", "paper", "t")
SENTINEL = Endpoint("http://10.0.0.8:8090", "paper", "t")
QUIET = ExecutorReport(open=False, unacknowledged=0)


def drains(http: FakeHttpClient, at: float) -> Drains:
    return Drains(Executors(http, lambda: at), lambda: at)


async def test_the_last_answer_is_kept(http: FakeHttpClient) -> None:
    memory = GatewayMemory("uid-1", 0.0)
    http.answers["/v1/gate"] = QUIET.to_json().encode()
    await drains(http, 7.0).ask(memory, PlannedStop.RESTART, EXECUTOR, SENTINEL)
    assert memory.drain == DrainMemory("Restart", 7.0, QUIET, ())
    http.answers["/v1/gate"] = b"<html>"
    await drains(http, 9.0).ask(memory, PlannedStop.RESTART, EXECUTOR, SENTINEL)
    assert memory.drain == DrainMemory("Restart", 7.0, None, ())


async def test_an_executor_whose_ledger_is_away_has_not_answered(http: FakeHttpClient) -> None:
    memory = GatewayMemory("uid-1", 0.0)
    problem = b'{"code": "LedgerUnavailable", "status": 503, "detail": "away"}'
    http.answers["/v1/gate"] = EndpointUnavailableError("paper/v1/gate: 503", problem)
    await drains(http, 7.0).ask(memory, PlannedStop.RESTART, EXECUTOR, SENTINEL)
    assert memory.drain == DrainMemory("Restart", 7.0, None, ())


async def test_an_executor_without_an_address_has_not_answered(http: FakeHttpClient) -> None:
    memory = GatewayMemory("uid-1", 0.0)
    await drains(http, 7.0).ask(memory, PlannedStop.SUSPEND, None, SENTINEL)
    assert memory.drain == DrainMemory("Suspend", 7.0, None, ())


async def test_another_stop_begins_with_a_clock_of_its_own(http: FakeHttpClient) -> None:
    """A suspend during a restart that waits must not inherit its patience."""
    memory = GatewayMemory("uid-1", 0.0)
    await drains(http, 0.0).ask(memory, PlannedStop.RESTART, EXECUTOR, SENTINEL)
    await drains(http, 500.0).ask(memory, PlannedStop.SUSPEND, EXECUTOR, SENTINEL)
    assert memory.drain == DrainMemory("Suspend", 500.0, None, ())


async def test_a_stop_that_is_off_is_forgotten(http: FakeHttpClient) -> None:
    memory = GatewayMemory("uid-1", 0.0)
    await drains(http, 0.0).ask(memory, PlannedStop.RESTART, EXECUTOR, SENTINEL)
    await drains(http, 1.0).ask(memory, None, EXECUTOR, SENTINEL)
    assert memory.drain is None


async def programs(http: FakeHttpClient, stop: PlannedStop) -> tuple[str, ...] | None:
    memory = GatewayMemory("uid-1", 0.0)
    await drains(http, 0.0).ask(memory, stop, EXECUTOR, SENTINEL)
    assert memory.drain is not None
    return memory.drain.programs


async def test_the_sentinel_is_asked_which_programs_have_not_drained(http: FakeHttpClient) -> None:
    http.answers["/v1/drains"] = waiting_for("bot", "other")
    assert await programs(http, PlannedStop.SUSPEND) == ("bot", "other")
    assert http.drains == ['{"id":"Suspend","reason":"Suspend"}']


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        pytest.param(EndpointUnavailableError("404", status=404), (), id="an older sentinel"),
        pytest.param(EndpointUnavailableError("silent"), None, id="it is silent"),
        pytest.param(EndpointUnavailableError("401", status=401), None, id="another token"),
        pytest.param(b"<html>", None, id="somebody else answers"),
    ],
)
async def test_what_is_not_answered_is_not_known(
    http: FakeHttpClient, answer: bytes | EndpointUnavailableError, known: tuple[str, ...] | None
) -> None:
    http.answers["/v1/drains"] = answer
    assert await programs(http, PlannedStop.RESTART) == known


async def test_a_stop_of_the_executor_alone_asks_no_program(http: FakeHttpClient) -> None:
    assert await programs(http, PlannedStop.EXECUTOR) == ()
    assert http.drains == []


async def test_a_sentinel_without_an_address_says_nothing(http: FakeHttpClient) -> None:
    memory = GatewayMemory("uid-1", 0.0)
    await drains(http, 7.0).ask(memory, PlannedStop.SUSPEND, None, None)
    assert memory.drain == DrainMemory("Suspend", 7.0, None, None)
