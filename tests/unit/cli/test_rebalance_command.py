"""`rebalance`: shown first, asked for, stored once and followed to its report."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from executor_plugin import ScriptedExecutor, problem, stream
from executor_plugin.documents import GATE, PLAN, order_json, report_json, run_json
from ibgateway_api.order_ids import rebalance_uid
from ibgateway_cli.errors import ExitCode
from plugin_fakes import PluginWorld, golden

Json = dict[str, Any]
SHORT = "targets:\n  AAPL: 0.6\n  BND: 0.30\ncashReservePercent: 1\n"
BODY: Json = {
    "targets": [
        {"contract": {"symbol": "AAPL"}, "weight": "0.6"},
        {"contract": {"symbol": "BND"}, "weight": "0.30"},
    ],
    "cashReservePercent": "1",
}
RUN = run_json(request=BODY)
DONE = run_json(request=BODY, state="Completed", report=report_json(), updatedAt=None)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "targets.yaml"
    path.write_text(SHORT)
    return str(path)


def answer(document: Json, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


def moved(number: int, state: str) -> tuple[int, str, Json]:
    line = {"rebalance": RUN["id"], "number": number, "at": "2026-12-02T08:00:00Z", "from": None}
    line |= {"to": state, "reason": "", "message": "", "cause": "executor", "evidence": {}}
    return (number, "rebalance", line)


def order_moved(number: int, order: Json) -> tuple[int, str, Json]:
    line = {"order": order["id"], "number": number, "at": "2026-12-02T08:00:00Z", "from": None}
    line |= {"to": order["state"], "reason": "", "message": "", "cause": "broker", "evidence": {}}
    return (number, "order", line)


def executor_of(*, plan: Json = PLAN, stored: httpx.Response | None = None) -> ScriptedExecutor:
    """A dry run first, then the stored one, which sells and is completed."""
    executor = ScriptedExecutor()
    sold = order_json(
        9,
        side="SELL",
        state="Filled",
        filledQuantity="10",
        averagePrice="190.2",
        rebalance=RUN["id"],
    )
    other = order_json(8, state="Filled")
    executor.will("POST /v1/rebalances", [answer(plan), stored or answer(RUN, 202)])
    executor.will(f"GET /v1/orders/{sold['id']}", answer(sold))
    executor.will(f"GET /v1/orders/{other['id']}", answer(other))
    executor.will(f"GET /v1/rebalances/{RUN['id']}", [answer(RUN), answer(DONE)])
    events = [(1, "gate", GATE), order_moved(2, other), order_moved(3, sold), moved(4, "Completed")]
    executor.will("GET /v1/events", stream(*events))
    return executor


def stored(executor: ScriptedExecutor) -> list[httpx.Request]:
    """What was asked for that is no dry run."""
    return [r for r in executor.requests if r.method == "POST" and "dryRun" not in r.url.params]


def test_a_dry_run_shows_the_account_before_and_after_and_stores_nothing(file: str) -> None:
    executor = executor_of()
    shown = PluginWorld(executor=executor).run("rebalance", file, "--dry-run")
    golden("rebalance-dry-run", shown.golden())
    [request] = executor.requests
    assert request.url.params["dryRun"] == "true"
    assert json.loads(request.content) == BODY


def test_a_dry_run_says_why_nothing_would_be_traded_and_when_the_markets_open(file: str) -> None:
    plan = {
        **PLAN,
        "marketsOpen": False,
        "marketsOpenAt": "2026-12-02T14:30:00Z",
        "closed": ["AAPL", "BND"],
        "closing": [],
        "hoursUnknown": ["MSFT"],
        "objections": [{"reason": "OtherOrders", "message": "somebody has a stop for MSFT"}],
        "leftOut": [
            {"conId": 1, "symbol": "GLD", "reason": "Locked", "message": "it stays as it is"}
        ],
    }
    executor = executor_of(plan=plan)
    golden(
        "rebalance-dry-run-objections",
        PluginWorld(executor=executor).run("rebalance", file, "--dry-run").golden(),
    )


def test_it_is_shown_asked_for_and_followed_to_its_report(file: str) -> None:
    executor = executor_of()
    world = PluginWorld(executor=executor, person=False)
    shown = world.run("rebalance", file, "--yes", "--key", "k-1")
    golden("rebalance", shown.golden())
    [request] = stored(executor)
    assert request.headers["Idempotency-Key"] == '"k-1"'
    assert json.loads(request.content) == BODY


@pytest.mark.parametrize(("person", "answers"), [(True, ["n"]), (True, [""]), (False, [])])
def test_nothing_is_stored_without_a_yes_on_paper_too(
    file: str, person: bool, answers: list[str]
) -> None:
    executor = executor_of()
    world = PluginWorld(executor=executor, person=person, answers=answers)
    assert world.run("rebalance", file).code in (ExitCode.FAILED, ExitCode.USAGE)
    assert stored(executor) == []


def test_what_would_not_be_traded_is_not_stored_whatever_is_said(file: str) -> None:
    objection = {"reason": "OrderValueLimit", "message": "84,000 is above the limit"}
    executor = executor_of(plan={**PLAN, "objections": [objection]})
    shown = PluginWorld(executor=executor).run("rebalance", file, "--yes")
    assert shown.code == ExitCode.REFUSED
    assert "error: nothing of it would be traded now: OrderValueLimit: 84,000" in shown.error
    assert stored(executor) == []


def test_nothing_to_trade_is_done_already(file: str) -> None:
    executor = executor_of(plan={**PLAN, "orders": []})
    shown = PluginWorld(executor=executor).run("rebalance", file)
    assert (shown.code, stored(executor)) == (0, [])
    assert "No orders: the account is where it should be." in shown.out


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_nothing_to_trade_has_the_plan_as_its_answer_for_programs(file: str, form: str) -> None:
    executor = executor_of(plan={**PLAN, "orders": []})
    shown = PluginWorld(executor=executor).run("rebalance", file, "--yes", "-o", form)
    assert (shown.code, stored(executor)) == (0, [])
    document = yaml.safe_load(shown.out)
    assert (document["orders"], document["account"]) == ([], PLAN["account"])


OBJECTED: Json = {**PLAN, "objections": [{"reason": "OtherOrders", "message": "its own, perhaps"}]}
"""What a dry run says of an account that a rebalance has begun to trade."""
KEYED_PATH = "GET /v1/rebalances/" + rebalance_uid("k-1", gateway="paper", namespace="trading")


@pytest.mark.parametrize("words", [("--yes",), ()])
def test_a_key_that_is_stored_is_followed_whatever_a_new_plan_would_say(
    file: str, words: tuple[str, ...]
) -> None:
    executor = executor_of(plan=OBJECTED)
    executor.will(KEYED_PATH, answer(RUN))
    executor.will("POST /v1/rebalances", answer(RUN))
    world = PluginWorld(executor=executor, person=False)
    shown = world.run("rebalance", file, "--key", "k-1", *words)
    assert (shown.code, "is Completed" in shown.out) == (0, True)
    assert f"PAPER, gateway trading/paper: the rebalance {RUN['id']}" in shown.error
    assert "It was stored before under this key" in shown.error
    assert [r for r in executor.requests if "dryRun" in r.url.params] == []
    [request] = stored(executor)
    assert request.headers["Idempotency-Key"] == '"k-1"'
    assert json.loads(request.content) == BODY


def test_a_key_of_another_rebalance_is_neither_followed_nor_stored_again(file: str) -> None:
    executor = executor_of()
    executor.will(KEYED_PATH, answer(RUN))
    reused = problem(422, "IdempotencyKeyReused", "it belongs to another rebalance")
    executor.will("POST /v1/rebalances", reused)
    shown = PluginWorld(executor=executor).run("rebalance", file, "--key", "k-1", "--yes")
    assert shown.code == ExitCode.REFUSED
    assert "GET /v1/events" not in executor.asked()


def test_a_key_that_is_not_stored_is_shown_and_asked_for_as_a_new_one_is(file: str) -> None:
    executor = executor_of()
    executor.will(KEYED_PATH, problem(404, "NoSuchRebalance", "there is none"))
    world = PluginWorld(executor=executor, answers=["n"])
    assert world.run("rebalance", file, "--key", "k-1").code == ExitCode.FAILED
    assert stored(executor) == []


@pytest.mark.parametrize("plan", [OBJECTED, {**PLAN, "orders": []}])
def test_of_a_key_that_is_not_stored_it_says_so(file: str, plan: Json) -> None:
    executor = executor_of(plan=plan)
    executor.will(KEYED_PATH, problem(404, "NoSuchRebalance", "there is none"))
    shown = PluginWorld(executor=executor).run("rebalance", file, "--yes", "--key", "k-1")
    assert "nothing was stored under the key k-1" in " ".join(shown.error.split())
    assert stored(executor) == []


def test_where_nobody_says_whether_a_key_is_stored_nothing_is_planned(file: str) -> None:
    executor = executor_of()
    executor.will(KEYED_PATH, problem(503, "LedgerUnavailable", "the disk is full"))
    world = PluginWorld(executor=executor, later=[lambda: None] * 9)
    shown = world.run("rebalance", file, "--yes", "--key", "k-1")
    assert shown.code == ExitCode.UNREACHABLE
    assert [r for r in executor.requests if r.method == "POST"] == []


def test_where_no_answer_comes_the_same_key_is_to_be_given_again(file: str) -> None:
    executor = executor_of()
    executor.will("POST /v1/rebalances", [answer(PLAN), httpx.ReadError("gone")])
    world = PluginWorld(executor=executor, later=[lambda: None] * 9)
    shown = world.run("rebalance", file, "--yes", "--key", "k-1")
    assert shown.code == ExitCode.UNANSWERED
    assert (
        "next: repeat the same command with --key k-1: with this key it is placed once"
        in shown.error
    )


def test_a_lost_answer_is_asked_for_with_the_same_key_and_body(file: str) -> None:
    executor = executor_of()
    executor.will("POST /v1/rebalances", [answer(PLAN), httpx.ReadError("gone"), answer(RUN, 200)])
    world = PluginWorld(executor=executor, person=False, later=[lambda: None])
    assert world.run("rebalance", file, "--yes").code == 0
    first, second = stored(executor)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.content == second.content


def test_another_rebalance_that_has_not_ended_is_named_and_not_followed(file: str) -> None:
    detail = f"DU1234567 has the rebalance {RUN['id']}, which is Waiting: wait for its end"
    active = problem(409, "RebalanceActive", detail, "The account has a rebalance")
    executor = executor_of(stored=active)
    shown = PluginWorld(executor=executor).run("rebalance", file, "--yes", "--key", "k-1")
    golden("rebalance-active", "".join(shown.error.splitlines(keepends=True)[-2:]))
    assert shown.code == ExitCode.REFUSED
    assert len(stored(executor)) == 1
    assert "GET /v1/events" not in executor.asked()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "Completed", "reason": "NothingToDo"}, ExitCode.DONE),
        ({"state": "Completed", "reason": "NotAllFilled"}, ExitCode.FAILED),
        ({"state": "Stopped", "reason": "OtherOrders"}, ExitCode.REFUSED),
        ({"state": "Stopped", "reason": "UnknownOrder"}, ExitCode.UNANSWERED),
        ({"state": "Cancelled", "reason": "CancelledByClient"}, ExitCode.FAILED),
        ({"state": "Expired", "reason": "ValidityEnded"}, ExitCode.FAILED),
    ],
)
def test_how_it_ended_is_the_exit_code(file: str, changes: Json, code: ExitCode) -> None:
    executor = executor_of()
    executor.will(f"GET /v1/rebalances/{RUN['id']}", answer({**DONE, **changes, "report": None}))
    world = PluginWorld(executor=executor, person=False)
    assert world.run("rebalance", file, "--yes").code == code


def test_a_rebalance_whose_end_cannot_be_seen_is_stored_and_has_its_id(file: str) -> None:
    executor = executor_of()
    executor.will("GET /v1/events", httpx.ConnectError("refused"))
    world = PluginWorld(executor=executor, person=False, later=[lambda: None] * 9)
    shown = world.run("rebalance", file, "--yes")
    assert shown.code == ExitCode.UNANSWERED
    assert f"error: the rebalance {RUN['id']} is stored, and how it ends can't be seen" in (
        shown.error
    )
    assert f"next: kubectl ibgateway history {RUN['id']} shows it" in shown.error


def test_who_only_looks_at_a_rebalance_is_told_that_nobody_answers(file: str) -> None:
    executor = executor_of()
    executor.will("GET /v1/events", httpx.ConnectError("refused"))
    world = PluginWorld(executor=executor, person=False, later=[lambda: None] * 9)
    assert world.run("rebalances", RUN["id"], "--follow").code == ExitCode.UNREACHABLE


def test_for_programs_there_is_one_document(file: str) -> None:
    executor = executor_of()
    world = PluginWorld(executor=executor, person=False)
    shown = world.run("rebalance", file, "--yes", "-o", "json")
    assert json.loads(shown.out)["state"] == "Completed"
    assert "drift" in shown.error


def test_a_symbol_that_ibkr_does_not_know_is_told_by_its_name(file: str) -> None:
    executor = executor_of()
    executor.will("POST /v1/rebalances", problem(422, "UnknownContract", "NOPE: no such contract"))
    shown = PluginWorld(executor=executor).run("rebalance", file, "--dry-run")
    assert shown.code == ExitCode.REFUSED
    assert "NOPE: no such contract" in shown.error


def test_rebalances_are_listed_and_one_is_shown_with_its_report() -> None:
    executor = executor_of()
    waiting = run_json(id="c" * 24, state="Waiting", reason="MarketClosed", plan=None)
    executor.will("GET /v1/rebalances", answer({"rebalances": [DONE, waiting], "next": None}))
    golden("rebalances", PluginWorld(executor=executor, width=130).run("rebalances").golden())
    executor.will(f"GET /v1/rebalances/{RUN['id']}", [answer(RUN), answer(RUN), answer(DONE)])
    world = PluginWorld(executor=executor, person=False)
    assert world.run("rebalances", RUN["id"], "--follow").code == 0
