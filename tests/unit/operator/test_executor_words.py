"""An executor that is not ready although the gate is open is asked why, and its word is shown."""

import json

import pytest

from ibgateway_runtime.errors import EndpointUnavailableError
from operator_fakes import OperatorWorld, pod, report
from operator_fakes.http_client import FakeHttpClient


def says(http: FakeHttpClient, reason: str, *, opened: bool = False) -> None:
    body = {"open": opened, "reason": reason, "message": "database or disk is full"}
    http.answers["/v1/gate"] = json.dumps(body).encode()


async def executor_is(world: OperatorWorld, *, ready: bool) -> None:
    world.api_server.put(pod("executor", ready=ready))
    world.deliver()
    for _ in range(2):
        world.hear(report())
        await world.reconcile()


async def test_a_ledger_that_can_not_be_written_is_shown(trading: OperatorWorld) -> None:
    says(trading.http, "LedgerUnavailable")
    await executor_is(trading, ready=False)
    words = "the executor holds trading by itself: LedgerUnavailable: database or disk is full"
    for kind in ("ExecutorReady", "Ready"):
        assert trading.condition(kind) == "False LedgerUnavailable"
        assert trading.message(kind) == words
    assert trading.condition("TradingAllowed") == "True GateOpen"
    await executor_is(trading, ready=True)
    assert trading.condition("ExecutorReady") == "True PodReady"
    assert trading.condition("Ready") == "True Trading"


async def test_a_ledger_that_is_away_since_the_executors_start_is_shown(
    trading: OperatorWorld,
) -> None:
    problem = {"code": "LedgerUnavailable", "status": 503, "detail": "the database is away"}
    answer = EndpointUnavailableError("paper/v1/gate: 503", json.dumps(problem).encode())
    trading.http.answers["/v1/gate"] = answer
    await executor_is(trading, ready=False)
    for kind in ("ExecutorReady", "Ready"):
        assert trading.condition(kind) == "False LedgerUnavailable"
        assert trading.message(kind).endswith("LedgerUnavailable: the database is away")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": "LedgerUnavailable"}'])
async def test_an_error_without_words_is_no_reason(trading: OperatorWorld, body: bytes) -> None:
    trading.http.answers["/v1/gate"] = EndpointUnavailableError("paper/v1/gate: 503", body)
    await executor_is(trading, ready=False)
    assert trading.condition("ExecutorReady") == "False PodNotReady"
    assert trading.message("ExecutorReady") == "the executor pod is not ready"


PAUSE = {"by": "R.", "reason": "earnings", "since": "2026-11-23T17:00:00Z"}


async def test_a_pause_is_shown_with_who_why_and_since_when(trading: OperatorWorld) -> None:
    body = {"open": False, "reason": "Paused", "message": "held", "paused": PAUSE}
    trading.http.answers["/v1/gate"] = json.dumps(body).encode()
    await executor_is(trading, ready=False)
    for kind in ("TradingAllowed", "ExecutorReady", "Ready"):
        assert trading.condition(kind) == "False Paused"
        assert trading.message(kind) == (
            "R. has paused trading since 2026-11-23T17:00:00Z: earnings (POST /v1/resume ends it)"
        )
    await executor_is(trading, ready=True)
    for kind in ("TradingAllowed", "ExecutorReady", "Ready"):
        assert trading.condition(kind).startswith("True ")


async def test_a_pause_hides_no_trouble_of_the_executor(trading: OperatorWorld) -> None:
    body = {"open": False, "reason": "LedgerUnavailable", "message": "full", "paused": PAUSE}
    trading.http.answers["/v1/gate"] = json.dumps(body).encode()
    await executor_is(trading, ready=False)
    assert trading.condition("ExecutorReady") == "False LedgerUnavailable"
    assert trading.condition("TradingAllowed") == "False Paused"


async def test_its_word_is_looked_for_again_within_ten_seconds(trading: OperatorWorld) -> None:
    says(trading.http, "LedgerUnavailable")
    await executor_is(trading, ready=False)
    assert trading.next_look() <= 10
    says(trading.http, "NotReconciled")
    trading.pass_time(10)
    for _ in range(2):
        trading.hear_again()
        await trading.reconcile()
    assert trading.condition("ExecutorReady") == "False NotReconciled"


async def test_a_word_that_is_new_is_shown_at_once(trading: OperatorWorld) -> None:
    says(trading.http, "LedgerUnavailable")
    trading.api_server.put(pod("executor", ready=False))
    trading.deliver()
    trading.hear(report())
    await trading.reconcile()
    assert trading.condition("ExecutorReady") == "False PodNotReady"
    assert trading.next_look() <= 0.05


async def test_who_does_not_answer_is_not_ready_and_nothing_is_made_up(
    trading: OperatorWorld,
) -> None:
    await executor_is(trading, ready=False)
    assert trading.condition("ExecutorReady") == "False PodNotReady"
    assert trading.message("ExecutorReady") == "the executor pod is not ready"


@pytest.mark.parametrize(
    ("reason", "opened", "shown", "message"),
    [
        ("", True, "PodNotReady", "the executor pod is not ready"),
        (
            "SomethingNew",
            False,
            "PodNotReady",
            "the executor holds trading by itself: SomethingNew: database or disk is full",
        ),
    ],
)
async def test_what_another_version_says_is_shown_as_it_is(
    trading: OperatorWorld, reason: str, opened: bool, shown: str, message: str
) -> None:
    says(trading.http, reason, opened=opened)
    await executor_is(trading, ready=False)
    assert trading.condition("ExecutorReady") == f"False {shown}"
    assert trading.message("ExecutorReady") == message


async def test_while_the_gate_is_closed_nobody_is_asked(trading: OperatorWorld) -> None:
    says(trading.http, "LedgerUnavailable")
    trading.edit(suspend=True)
    await executor_is(trading, ready=False)
    assert trading.condition("ExecutorReady") == "False GateClosed"
    memory = trading.app.memories.get(trading.key)
    assert memory is not None
    assert memory.executor.report is None
