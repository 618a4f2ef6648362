"""`orders`, `queue`, `history` and the account's commands: what a person sees, and what programs get."""

import json
from typing import Any

import httpx
import pytest
import yaml

from executor_plugin import ScriptedExecutor, problem, stream
from executor_plugin.documents import GATE, NO_PAUSE, order_json, run_json
from ibgateway_cli.errors import ExitCode
from ibgateway_executor.intake.examples import ACCOUNT, EXECUTIONS, HISTORY, POSITIONS
from plugin_fakes import PluginWorld, golden

Json = dict[str, Any]
CLOSED = {"open": False, "reason": "AwaitingApproval", "message": "the gateway is not logged in"}


def answer(document: Json) -> httpx.Response:
    return httpx.Response(200, json=document)


def page(*orders: Json, follows: str | None = None) -> httpx.Response:
    return answer({"orders": list(orders), "next": follows})


def line(number: int, order: Json) -> tuple[int, str, Json]:
    change = {"order": order["id"], "number": number, "at": "2026-12-02T08:00:00Z", "from": None}
    change |= {"to": order["state"], "reason": "", "message": "", "cause": "broker", "evidence": {}}
    return (number, "order", change)


def world_of(executor: ScriptedExecutor, *, width: int = 140) -> PluginWorld:
    return PluginWorld(executor=executor, width=width)


FILLED = order_json(1, state="Filled", filledQuantity="10", averagePrice="190.2", sentAt=None)
WAITING = order_json(
    2,
    side="SELL",
    orderType="STP LMT",
    stopPrice="180",
    limitPrice="179.5",
    timeInForce="GTC",
    state="Waiting",
    reason="MarketClosed",
    message="NASDAQ opens at 2026-12-02T14:30:00+00:00",
)
REJECTED = order_json(
    3,
    state="Rejected",
    reason="RejectedByBroker",
    brokerMessage="201: Order rejected [red]\x1b[2J - margin",
    orderType="MKT",
    limitPrice=None,
    contract={"conId": 7, "symbol": "SAP", "secType": "STK", "exchange": "IBIS", "currency": "EUR"},
)


def test_orders_are_listed_and_nothing_that_ibkr_says_moves_the_cursor() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", page(REJECTED, WAITING, FILLED))
    shown = world_of(executor).run("orders")
    golden("orders", shown.golden())
    assert "\x1b" not in shown.out


def test_no_orders_is_said() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", page())
    assert world_of(executor).run("orders").out == "No orders.\n"


def test_only_the_newest_are_read() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", page(REJECTED, WAITING, follows="c"))
    shown = world_of(executor).run("orders", "--last", "2", "-o", "json")
    [request] = executor.requests
    assert dict(request.url.params) == {"newestFirst": "true", "limit": "2"}
    listed = [order["id"] for order in json.loads(shown.out)["orders"]]
    assert listed == [WAITING["id"], REJECTED["id"]]


def test_all_of_them_are_read_as_they_were_accepted() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", [page(FILLED, WAITING, follows="c"), page(REJECTED)])
    shown = world_of(executor).run("orders", "--last", "0", "-o", "json")
    assert [dict(request.url.params) for request in executor.requests] == [
        {"limit": "500"},
        {"limit": "500", "cursor": "c"},
    ]
    listed = [order["id"] for order in json.loads(shown.out)["orders"]]
    assert listed == [FILLED["id"], WAITING["id"], REJECTED["id"]]


def test_a_filter_that_is_none_is_told_in_the_executors_words() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", problem(422, "InvalidRequest", "state: no such state"))
    shown = world_of(executor).run("orders", "--state", "Nope")
    assert shown.code == ExitCode.REFUSED
    assert "state: no such state" in shown.error


def test_of_an_executor_of_before_all_pages_are_read_and_the_newest_kept() -> None:
    executor = ScriptedExecutor()
    unknown = problem(422, "InvalidRequest", "newestFirst: is not a parameter of this path")
    pages = [page(FILLED, WAITING, follows="c"), page(REJECTED)]
    executor.will("GET /v1/orders", [unknown, *pages])
    words = "orders --state Working --account DU1 --symbol AAPL --reference b --since 2h --last 2"
    shown = world_of(executor).run(*words.split(), "-o", "json")
    tried, first, second = (dict(request.url.params) for request in executor.requests)
    asked = {"state": "Working", "account": "DU1", "symbol": "AAPL", "clientReference": "b"}
    asked |= {"since": "2026-12-02T06:00:00+00:00", "limit": "500"}
    assert tried == asked | {"newestFirst": "true", "limit": "2"}
    assert (first, second) == (asked, asked | {"cursor": "c"})
    assert [order["id"] for order in json.loads(shown.out)["orders"]] == [
        WAITING["id"],
        REJECTED["id"],
    ]


def test_since_has_to_be_a_span_or_a_time_with_a_zone() -> None:
    shown = world_of(ScriptedExecutor()).run("orders", "--since", "yesterday")
    assert shown.code == ExitCode.USAGE
    assert shown.error.startswith("error: --since yesterday is neither a span nor a time")


def test_a_watch_shows_what_there_is_then_each_change_and_misses_none_over_a_broken_way() -> None:
    executor = ScriptedExecutor()
    after = {**WAITING, "state": "Working", "reason": "", "message": ""}
    end = {**after, "state": "Filled", "filledQuantity": "10", "averagePrice": "179.8"}
    executor.will("GET /v1/orders", page(WAITING))
    executor.will(f"GET /v1/orders/{WAITING['id']}", [answer(after), answer(end)])
    executor.will(
        "GET /v1/events",
        [
            stream((1, "gate", GATE), line(2, after)),
            httpx.ConnectError("refused"),
            stream((2, "gate", GATE), line(3, end)),
            httpx.ConnectError("refused"),
        ],
    )
    world = world_of(executor)
    world.later = [lambda: None] * 4
    shown = world.run("orders", "--watch")
    assert shown.code == 130
    golden("orders-watch", shown.golden())
    assert executor.asked()[:2] == ["GET /v1/events", "GET /v1/orders"]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_watch_for_programs_has_a_document_for_each_change(form: str) -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", page(FILLED, WAITING))
    executor.will("GET /v1/events", [stream((1, "gate", GATE)), httpx.ConnectError("refused")])
    shown = world_of(executor).run("orders", "--watch", "-o", form)
    documents = (
        [json.loads(each) for each in shown.out.splitlines()]
        if form == "json"
        else list(yaml.safe_load_all(shown.out))
    )
    assert [document["id"] for document in documents] == [WAITING["id"], FILLED["id"]]


@pytest.mark.parametrize(("symbol", "seen"), [("AAPL", True), ("MSFT", False)])
def test_a_filter_holds_for_changes_too(symbol: str, seen: bool) -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders", page())
    executor.will(f"GET /v1/orders/{FILLED['id']}", answer(FILLED))
    executor.will(
        "GET /v1/events",
        [stream((1, "gate", GATE), line(2, FILLED)), httpx.ConnectError("refused")],
    )
    shown = world_of(executor).run("orders", "--watch", "--symbol", symbol)
    assert ("Filled" in shown.out) is seen


def queue_of(
    gate: Json, *orders: Json, runs: tuple[Json, ...] = (), pause: Json = NO_PAUSE
) -> ScriptedExecutor:
    executor = _ByState(orders)
    executor.will("GET /v1/events", stream((1, "gate", gate), (1, "pause", pause)))
    executor.will("GET /v1/rebalances", answer({"rebalances": list(runs), "next": None}))
    return executor


class _ByState(ScriptedExecutor):
    """Orders by the state that is asked for."""

    def __init__(self, orders: tuple[Json, ...]) -> None:
        super().__init__()
        self._orders = orders

    def _said(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/orders":
            return super()._said(request)
        self.requests.append(request)
        wanted = request.url.params["state"]
        return page(*(order for order in self._orders if order["state"] == wanted))


UNKNOWN = order_json(
    4,
    state="Unknown",
    reason="NotFoundAtBroker",
    message="IBKR shows nothing of it",
    resolution=None,
)


def test_the_queue_says_what_waits_for_what_and_what_to_do() -> None:
    behind = order_json(5, state="Waiting", reason="BehindUnknownOrder", message="an earlier order")
    given_up = order_json(6, state="Unverified", resolution="giveUp", note="R.")
    working = order_json(7, state="Working")
    pause = {**NO_PAUSE, "paused": True, "by": "R.", "reason": "earnings", "unacknowledged": 1}
    pause["since"] = "2026-12-02T07:40:00Z"
    runs = (
        run_json(
            state="Waiting", reason="MarketClosed", message="NYSE", until="2026-12-02T14:30:00Z"
        ),
        run_json(id="b" * 24, state="Completed"),
    )
    executor = queue_of(CLOSED, WAITING, UNKNOWN, behind, given_up, working, runs=runs, pause=pause)
    golden("queue", world_of(executor).run("queue").golden())


def test_an_empty_queue_with_an_open_gate() -> None:
    golden("queue-empty", world_of(queue_of(GATE)).run("queue").golden())


def test_the_queue_for_programs() -> None:
    executor = queue_of(CLOSED, WAITING, UNKNOWN)
    document = json.loads(world_of(executor).run("queue", "-o", "json").out)
    assert document["gate"]["reason"] == "AwaitingApproval"
    assert document["pause"]["paused"] is False
    assert [order["id"] for order in document["orders"]] == [WAITING["id"], UNKNOWN["id"]]
    assert document["rebalances"] == []


def test_an_unknown_order_is_one_sentence_and_the_next_step() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders/nope/history", problem(404, "NoSuchOrder", "there is no order"))
    executor.will("GET /v1/rebalances/nope/history", problem(404, "NoSuchRebalance", "none"))
    golden("order-unknown", world_of(executor).run("history", "nope").golden())


def test_a_history_is_of_an_order_or_of_a_rebalance() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/orders/o1/history", answer(HISTORY))
    executor.will("GET /v1/orders/r1/history", problem(404, "NoSuchOrder", "there is none"))
    executor.will("GET /v1/rebalances/r1/history", answer(HISTORY))
    golden("history", world_of(executor).run("history", "o1").golden())
    document = json.loads(world_of(executor).run("history", "r1", "-o", "json").out)
    assert document["history"][0]["to"] == "Working"


@pytest.mark.parametrize(
    ("command", "document"),
    [("positions", POSITIONS), ("account", ACCOUNT), ("executions", EXECUTIONS)],
)
def test_what_ibkr_told_and_when(command: str, document: Json) -> None:
    executor = ScriptedExecutor()
    executor.will(f"GET /v1/{command}", answer(document))
    golden(command, world_of(executor).run(command, "--account", "DU1234567").golden())
    assert executor.requests[0].url.params["account"] == "DU1234567"
    assert json.loads(world_of(executor).run(command, "-o", "json").out)["asOf"]


def test_an_executor_that_stays_away_is_one_sentence() -> None:
    executor = ScriptedExecutor()
    executor.will("GET /v1/positions", httpx.ConnectError("refused"))
    world = world_of(executor)
    world.later = [lambda: None] * 5
    shown = world.run("positions")
    assert shown.code == ExitCode.UNREACHABLE
    assert shown.error.splitlines()[-2:] == [
        "error: the executor does not answer: refused",
        "next: kubectl ibgateway doctor looks at what is in the way",
    ]
    assert len(executor.requests) == 6


def test_what_the_executor_says_itself_is_not_asked_again() -> None:
    executor = ScriptedExecutor()
    executor.will(
        "GET /v1/positions", problem(503, "BrokerUnavailable", "no connection", "Not now")
    )
    shown = world_of(executor).run("positions")
    assert shown.code == ExitCode.UNREACHABLE
    assert shown.error.startswith("error: Not now: no connection\n")
    assert len(executor.requests) == 1


def test_a_gateway_without_an_executor_says_so() -> None:
    world = world_of(ScriptedExecutor())
    world.kubectl.objects["ibgateway", "paper"]["spec"]["executor"] = {"enabled": False}
    shown = world.run("queue")
    assert shown.code == ExitCode.REFUSED
    assert shown.error.startswith("error: paper has no executor\n")
