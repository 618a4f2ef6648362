"""`cancel` and `resolve`."""

import json
from typing import Any

import httpx
import pytest

from executor_plugin import ScriptedExecutor, problem
from executor_plugin.documents import order_json, run_json
from ibgateway_cli.errors import ExitCode
from plugin_fakes import PluginWorld, gateway_object, golden, secret_object

Json = dict[str, Any]
ORDER = order_json(1)
TERMS = "BUY 10 AAPL LMT 190.25 DAY"
PATH = f"/v1/orders/{ORDER['id']}"


def answer(document: Json, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "Cancelled"}, "Cancelled: nothing of it was sent."),
        ({"state": "Working", "cancelWritten": True}, "IBKR is asked to cancel it"),
        ({"state": "Working", "cancelWritten": False}, "IBKR is asked as soon as there is a link"),
    ],
)
def test_a_cancel_says_whether_it_has_left(changes: Json, said: str) -> None:
    executor = known()
    executor.will(f"DELETE {PATH}", answer(ORDER | changes))
    shown = PluginWorld(executor=executor).run("cancel", ORDER["id"])
    assert shown.code == 0
    assert said in shown.error
    assert shown.error.startswith(
        f"PAPER, gateway trading/paper: cancel {TERMS}, which is Accepted.\n"
    )


def known() -> ScriptedExecutor:
    """It has the order, and says so."""
    executor = ScriptedExecutor()
    executor.will(f"GET {PATH}", answer(ORDER | {"state": "Accepted"}))
    return executor


def test_a_live_order_is_cancelled_without_a_question_and_says_that_it_is_live() -> None:
    executor = known()
    executor.will(f"DELETE {PATH}", answer(ORDER | {"state": "Cancelled"}))
    live = PluginWorld(executor=executor)
    live.kubectl.objects.pop(("ibgateway", "paper"))
    live.kubectl.add(
        gateway_object("live", tradingMode="live"), secret_object("live-executor-token", token="t")
    )
    shown = live.run("cancel", ORDER["id"])
    assert (shown.code, f"LIVE, gateway trading/live: cancel {TERMS}" in shown.error) == (0, True)


def test_what_is_not_there_is_not_asked_to_end() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders/o1", problem(404, "NoSuchOrder", "none"))
    executor.will("GET /v1/rebalances/o1", problem(404, "NoSuchRebalance", "none"))
    assert PluginWorld(executor=executor).run("cancel", "o1").code == ExitCode.NOT_FOUND
    assert {request.method for request in executor.requests} == {"GET"}


def test_a_rebalance_is_cancelled_by_its_id_too() -> None:
    executor = ScriptedExecutor()
    run = run_json(cancelRequested=True)
    executor.will(f"GET /v1/orders/{run['id']}", problem(404, "NoSuchOrder", "none"))
    executor.will(f"GET /v1/rebalances/{run['id']}", answer(run))
    executor.will(f"DELETE /v1/rebalances/{run['id']}", answer(run, 202))
    shown = PluginWorld(executor=executor).run("cancel", run["id"])
    assert (shown.code, "is Selling" in shown.out) == (0, True)
    said = f"PAPER, gateway trading/paper: cancel the rebalance {run['id']}"
    assert shown.error.startswith(said)


def test_an_order_that_has_ended_is_not_cancelled() -> None:
    executor = known()
    executor.will(
        f"DELETE {PATH}",
        problem(409, "CannotCancel", "the order is Filled already", "The order can't be cancelled"),
    )
    golden("cancel-refused", PluginWorld(executor=executor).run("cancel", ORDER["id"]).golden())


def test_everything_is_cancelled_in_one_call_and_live_asks_back() -> None:
    executor = ScriptedExecutor()
    executor.will("POST /v1/cancel-all", answer({"cancelled": 3, "asked": 2, "inDoubt": 1}))
    paper = PluginWorld(executor=executor)
    golden("cancel-all", paper.run("cancel", "--all", "--by", "R.").golden())
    assert json.loads(executor.requests[0].content) == {"by": "R."}
    live = PluginWorld(executor=executor, answers=["n"])
    live.kubectl.objects.pop(("ibgateway", "paper"))
    live.kubectl.add(
        gateway_object("live", tradingMode="live"), secret_object("live-executor-token", token="t")
    )
    assert live.run("cancel", "--all").code == ExitCode.FAILED
    assert len(executor.requests) == 1
    assert live.run("cancel", "--all", "--yes").code == 0


@pytest.mark.parametrize("words", [(), ("o1", "--all")])
def test_one_order_or_all_of_them(words: tuple[str, ...]) -> None:
    executor = ScriptedExecutor()
    assert PluginWorld(executor=executor).run("cancel", *words).code == ExitCode.USAGE
    assert executor.requests == []


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("found --filled 4", {"outcome": "found", "filledQuantity": 4}),
        ("found --filled 0", {"outcome": "found", "filledQuantity": 0}),
        ("not-at-broker", {"outcome": "notAtBroker"}),
        ("give-up", {"outcome": "giveUp"}),
    ],
)
def test_a_persons_word_is_sent_as_it_was_said(words: str, body: Json) -> None:
    executor = ScriptedExecutor()
    executor.will(f"POST {PATH}/resolve", answer(ORDER | {"state": "Cancelled", "note": "R."}))
    shown = PluginWorld(executor=executor).run(
        "resolve", ORDER["id"], *words.split(), "--note", "not in TWS, R."
    )
    assert shown.code == 0
    assert json.loads(executor.requests[0].content) == {**body, "note": "not in TWS, R."}


@pytest.mark.parametrize("words", ["found", "not-at-broker --filled 3", "lost", ""])
def test_a_word_that_is_not_whole_is_never_sent(words: str) -> None:
    executor = ScriptedExecutor()
    world = PluginWorld(executor=executor)
    code = world.run("resolve", "o1", *words.split(), "--note", "R.").code
    assert (code, executor.requests) == (ExitCode.USAGE, [])
    assert world.run("resolve", "o1", "give-up").code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (f"DELETE {PATH}", ("cancel", ORDER["id"])),
        ("POST /v1/cancel-all", ("cancel", "--all")),
        (f"POST {PATH}/resolve", ("resolve", ORDER["id"], "give-up", "--note", "x")),
    ],
)
def test_where_no_answer_comes_it_may_have_happened(asked: str, words: tuple[str, ...]) -> None:
    executor = known()
    executor.will(asked, httpx.ReadError("gone"))
    world = PluginWorld(executor=executor, later=[lambda: None] * 9)
    shown = world.run(*words)
    assert shown.code == ExitCode.UNANSWERED
    assert "error: nobody knows whether" in shown.error


def test_an_executor_that_says_that_it_can_not_has_not() -> None:
    executor = known()
    executor.will(f"DELETE {PATH}", problem(503, "LedgerUnavailable", "the disk is full"))
    shown = PluginWorld(executor=executor).run("cancel", ORDER["id"])
    assert shown.code == ExitCode.UNREACHABLE
    assert "nobody knows" not in shown.error


def test_a_resolve_says_whose_order_it_is_and_what_follows() -> None:
    executor = ScriptedExecutor()
    executor.will(f"POST {PATH}/resolve", answer(ORDER))
    shown = PluginWorld(executor=executor).run("resolve", ORDER["id"], "give-up", "--note", "x")
    assert "PAPER, gateway trading/paper: " in shown.error
    assert "what waits behind it goes on." in " ".join(shown.error.split())
