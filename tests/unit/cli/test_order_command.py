"""`order`, with the executor's own routes: one order however often an answer is lost, and live only where a person says so."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from executor_fakes import IntakeWorld, open_hooked
from executor_plugin import IntakeExecutor, ScriptedExecutor, problem, stream
from ibgateway_cli.errors import ExitCode
from ibgateway_executor.intake.examples import ORDER
from plugin_fakes import Invoked, PluginWorld, gateway_object, golden, secret_object

Json = dict[str, Any]


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[IntakeExecutor]:
    intake = IntakeWorld(open_hooked(tmp_path / "ledger.db"))
    intake.accounts = ("DU7654321",)
    async with intake.http:
        yield IntakeExecutor(intake)
    intake.ledger.close()


@pytest.fixture
def world(executor: IntakeExecutor) -> PluginWorld:
    return executor.world()


async def run(world: PluginWorld, *words: str) -> Invoked:
    return await asyncio.to_thread(world.run, *words)


async def stored(executor: IntakeExecutor) -> list[Json]:
    """What is in the ledger."""
    return list((await executor.intake.http.get("/v1/orders")).json()["orders"])


def live(world: PluginWorld) -> PluginWorld:
    """Its only gateway trades real money."""
    world.kubectl.objects.pop(("ibgateway", "paper"))
    world.kubectl.add(gateway_object("live", tradingMode="live"))
    world.kubectl.add(secret_object("live-executor-token", token="client-secret"))
    return world


def keys(executor: IntakeExecutor | ScriptedExecutor) -> list[str]:
    placed = (r for r in executor.requests if r.method == "POST" and r.url.path == "/v1/orders")
    return [request.headers["Idempotency-Key"] for request in placed]


async def test_an_order_says_paper_and_its_key_and_is_stored_once(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    shown = await run(world, "order", "buy", "AAPL", "10", "--limit", "190.25", "--key", "k-1")
    golden("order-paper", shown.golden())
    [order] = await stored(executor)
    assert (order["side"], order["quantity"], order["limitPrice"]) == ("BUY", 10, "190.25")


async def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_body(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    executor.lost = 2
    shown = await run(world, "order", "sell", "AAPL", "3")
    assert shown.code == 0
    assert len(await stored(executor)) == 1
    asked = [r for r in executor.requests if r.method == "POST"]
    assert len(asked) == 3
    assert len({(r.headers["Idempotency-Key"], r.content) for r in asked}) == 1
    assert world.kubectl.ended == 3
    [key] = set(keys(executor))
    golden("order-answer-lost", shown.golden().replace(key.strip('"'), "KEY"))


async def test_what_nobody_knows_is_said_with_the_key_and_the_same_key_finds_it(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    executor.lost = 6
    shown = await run(world, "order", "buy", "AAPL", "10")
    assert shown.code == ExitCode.UNANSWERED
    [key] = {found.strip('"') for found in keys(executor)}
    golden("order-fate-unknown", shown.golden().replace(key, "KEY"))
    again = await run(world, "order", "buy", "AAPL", "10", "--key", key)
    assert "stored before under this key" in again.error
    assert len(await stored(executor)) == 1


async def test_ctrl_c_before_the_answer_says_that_nobody_knows_and_the_key(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    executor.lost = 1
    world.later = []
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    assert shown.code == 130
    assert "Nobody knows whether the order is stored" in shown.error
    assert "--key k-1" in shown.error
    assert len(await stored(executor)) == 1


async def test_a_later_not_now_does_not_say_that_nothing_is_stored(world: PluginWorld) -> None:
    executor = ScriptedExecutor()
    lost: list[httpx.Response | Exception] = [
        httpx.ReadError("gone"),
        *(problem(503, "LedgerUnavailable", "full") for _ in range(5)),
    ]
    executor.will("POST /v1/orders", lost)
    world.executor = executor
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    assert shown.code == ExitCode.UNANSWERED
    assert "nobody knows whether the order is stored" in shown.error
    assert len(keys(executor)) == 6


@pytest.mark.parametrize(
    "said",
    [
        problem(401, "Unauthorized", "send the token"),
        problem(408, "RequestTimeout", "send it in time"),
        problem(400, "MalformedRequest", "this is not HTTP"),
        httpx.Response(404, text="<html>no such page</html>"),
    ],
)
async def test_what_is_said_before_the_key_is_looked_at_does_not_say_that_nothing_is_stored(
    world: PluginWorld, said: httpx.Response
) -> None:
    executor = ScriptedExecutor()
    executor.will("POST /v1/orders", [httpx.ReadError("gone"), said])
    world.executor = executor
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    assert shown.code == ExitCode.UNANSWERED
    assert "next: repeat the same command with --key k-1" in shown.error
    assert len(keys(executor)) == 6


async def test_of_a_stored_order_the_answer_after_a_new_token_is_the_order(
    world: PluginWorld,
) -> None:
    executor = ScriptedExecutor()
    executor.will(
        "POST /v1/orders",
        [
            httpx.ReadError("gone"),
            problem(401, "Unauthorized", "send the token"),
            httpx.Response(200, json=ORDER),
        ],
    )
    world.executor = executor
    assert (await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")).code == 0


async def test_a_token_that_is_refused_at_first_is_told_at_once(world: PluginWorld) -> None:
    executor = ScriptedExecutor()
    executor.will("POST /v1/orders", problem(401, "Unauthorized", "send the token"))
    world.executor = executor
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    assert shown.code == ExitCode.NOT_ALLOWED
    assert len(keys(executor)) == 1


async def test_a_plain_not_now_is_told_at_once(world: PluginWorld) -> None:
    executor = ScriptedExecutor()
    executor.will(
        "POST /v1/orders", problem(503, "LedgerUnavailable", "the disk is full", "Not now")
    )
    world.executor = executor
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    assert shown.code == ExitCode.UNREACHABLE
    assert "error: Not now: the disk is full\n" in shown.error
    assert len(keys(executor)) == 1


async def test_a_mistake_of_the_executors_is_asked_about_with_the_same_key(
    world: PluginWorld,
) -> None:
    executor = ScriptedExecutor()
    executor.will(
        "POST /v1/orders",
        [problem(500, "InternalError", "a mistake"), httpx.Response(200, json=ORDER)],
    )
    world.executor = executor
    assert (await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")).code == 0
    assert keys(executor) == ['"k-1"', '"k-1"']


async def test_a_key_of_another_order_places_nothing(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    shown = await run(world, "order", "sell", "AAPL", "10", "--key", "k-1")
    golden("order-foreign-key", shown.golden())
    assert len(await stored(executor)) == 1
    assert keys(executor) == ['"k-1"', '"k-1"']


async def test_each_call_is_an_order_of_its_own(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    await run(world, "order", "buy", "AAPL", "10")
    await run(world, "order", "buy", "AAPL", "10")
    first, second = keys(executor)
    assert re.fullmatch(r'"kubectl-2026-12-02-[0-9a-f]{12}"', first)
    assert first != second
    assert len(await stored(executor)) == 2


@pytest.mark.parametrize("answer", ["n", "", "no", "live"])
async def test_a_live_order_asks_back_and_anything_but_yes_is_no(
    world: PluginWorld, executor: IntakeExecutor, answer: str
) -> None:
    live(world).answers = [answer]
    shown = await run(world, "order", "buy", "AAPL", "10")
    assert shown.code == ExitCode.FAILED
    assert executor.requests == []
    assert (
        "LIVE, gateway trading/live, real money: BUY 10 AAPL, MKT, DAY, account DU7654321."
        in shown.error
    )


async def test_a_live_order_without_a_person_needs_to_be_told_so(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    live(world).person = False
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    golden("order-live-without-a-person", shown.golden())
    assert executor.requests == []
    assert (await run(world, "order", "buy", "AAPL", "10", "--yes")).code == 0
    assert len(await stored(executor)) == 1


async def test_a_live_order_is_placed_where_a_person_says_yes(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    live(world).answers = ["y"]
    shown = await run(world, "order", "buy", "AAPL", "10", "--key", "k-1")
    assert shown.code == 0
    assert len(await stored(executor)) == 1


async def test_a_gateway_that_does_not_say_its_mode_is_taken_for_live(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    del world.kubectl.objects["ibgateway", "paper"]["spec"]["tradingMode"]
    world.person = False
    assert (await run(world, "order", "buy", "AAPL", "10")).code == ExitCode.USAGE
    assert executor.requests == []


async def test_a_refusal_is_one_sentence_and_the_next_step(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    shown = await run(world, "order", "buy", "AAPL", "10", "--account", "DU1111111", "--key", "k")
    golden("order-refused", shown.golden())
    assert shown.code == ExitCode.REFUSED
    assert await stored(executor) == []


async def test_a_misplaced_price_is_refused_with_every_part_that_is_wrong(
    world: PluginWorld,
) -> None:
    shown = await run(
        world, *["order", "buy", "AAPL", "10", "--tif", "IOC", "--outside-hours", "--key", "k"]
    )
    assert shown.code == ExitCode.REFUSED
    assert "error: The request is not valid: " in shown.error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limit", "cheap"), "--limit cheap is no price"),
        (("--stop", "-1"), "--stop -1 is no price"),
        (("--limit", "NaN"), "--limit NaN is no price"),
        (("--valid-until", "2026-12-02T16:00:00"), "is no time with a zone"),
        (("--not-before", "tomorrow"), "is no time with a zone"),
    ],
)
async def test_what_cannot_be_read_is_never_sent(
    world: PluginWorld, executor: IntakeExecutor, words: tuple[str, str], said: str
) -> None:
    shown = await run(world, "order", "buy", "AAPL", "10", *words)
    assert shown.code == ExitCode.USAGE
    assert said in shown.error
    assert executor.requests == []


async def test_fractions_and_nothing_are_no_quantity(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    for quantity in ("1.5", "0", "-3", "ten"):
        assert (await run(world, "order", "buy", "AAPL", quantity)).code == ExitCode.USAGE
    assert executor.requests == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"orderType": "MKT"}),
        ("--limit 190.250", {"orderType": "LMT", "limitPrice": "190.250"}),
        ("--stop 180", {"orderType": "STP", "stopPrice": "180"}),
        (
            "--stop 180 --limit 179",
            {"orderType": "STP LMT", "stopPrice": "180", "limitPrice": "179"},
        ),
        ("--on-close", {"orderType": "MOC"}),
        ("--on-close --limit 190", {"orderType": "LOC", "limitPrice": "190"}),
        ("--tif gtc", {"orderType": "MKT", "timeInForce": "GTC"}),
        (
            "--conid 265598 --exchange SMART --primary-exchange NASDAQ --currency USD",
            {
                "orderType": "MKT",
                "contract": {
                    "conId": 265598,
                    "symbol": "AAPL",
                    "exchange": "SMART",
                    "primaryExchange": "NASDAQ",
                    "currency": "USD",
                },
            },
        ),
        (
            "--limit 9 --outside-hours --valid-until 2026-12-03T16:00:00-05:00"
            " --not-before 2026-12-03T14:00:00Z --reference basket --account DU7654321",
            {
                "orderType": "LMT",
                "limitPrice": "9",
                "outsideRegularHours": True,
                "validUntil": "2026-12-03T16:00:00-05:00",
                "notBefore": "2026-12-03T14:00:00Z",
                "clientReference": "basket",
                "account": "DU7654321",
            },
        ),
    ],
)
async def test_the_body_has_what_was_said_and_nothing_else(
    world: PluginWorld, words: str, expected: Json
) -> None:
    executor = ScriptedExecutor()
    executor.will("POST /v1/orders", httpx.Response(202, json=ORDER))
    world.executor = executor
    await run(world, "order", "buy", "AAPL", "10", *words.split())
    body = json.loads(executor.requests[0].content)
    usual = {"contract": {"symbol": "AAPL"}, "side": "BUY", "quantity": 10}
    assert body == usual | expected


async def test_neither_the_answer_nor_kubectl_has_the_token(
    world: PluginWorld, executor: IntakeExecutor
) -> None:
    shown = await run(world, "order", "buy", "AAPL", "10", "-o", "json")
    assert executor.requests[0].headers["Authorization"] == "Bearer client-secret"
    assert "client-secret" not in shown.golden()
    assert "client-secret" not in str(world.kubectl.calls)
    document = json.loads(shown.out)
    assert document["id"]
    assert f'"{document["idempotencyKey"]}"' in keys(executor)


GATE = (1, "gate", {"open": True, "reason": "", "message": ""})


def change(number: int, state: str) -> tuple[int, str, Json]:
    line = {"order": ORDER["id"], "number": number, "at": "2026-12-02T08:00:00Z", "from": None}
    line |= {"to": state, "reason": "", "message": "", "cause": "broker", "evidence": {}}
    return (number, "order", line)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("Filled", ExitCode.DONE),
        ("Rejected", ExitCode.REFUSED),
        ("Cancelled", ExitCode.FAILED),
        ("Expired", ExitCode.FAILED),
        ("Unverified", ExitCode.UNANSWERED),
    ],
)
async def test_an_order_is_waited_for_over_a_broken_way(
    world: PluginWorld, end: str, code: ExitCode
) -> None:
    states = ["Working", "Working", end]
    executor = ScriptedExecutor()
    executor.will("POST /v1/orders", httpx.Response(202, json=ORDER | {"state": "Accepted"}))
    executor.will(
        f"GET /v1/orders/{ORDER['id']}",
        [httpx.Response(200, json=ORDER | {"state": state}) for state in states],
    )
    executor.will(
        "GET /v1/events",
        [
            stream(GATE, change(2, "Working")),
            httpx.ConnectError("refused"),
            stream(GATE, change(3, end)),
        ],
    )
    world.executor, world.person = executor, False
    shown = await run(world, "order", "buy", "AAPL", "10", "--wait", "--key", "k-1")
    assert shown.code == code
    assert f"state        {end}" in shown.out
    assert "events have stopped, listening again" in shown.error
    resumed = [r.headers.get("Last-Event-ID") for r in executor.requests if "events" in r.url.path]
    assert resumed == [None, "2", "2"]
    assert world.kubectl.ended == 2


def waits(how_it_goes_on: httpx.Response | Exception) -> ScriptedExecutor:
    """The order is stored; its events are a matter of the test."""
    executor = ScriptedExecutor()
    executor.will("POST /v1/orders", httpx.Response(202, json=ORDER | {"state": "Accepted"}))
    executor.will("GET /v1/events", how_it_goes_on)
    return executor


@pytest.mark.parametrize(
    "in_the_way",
    [
        httpx.ConnectError("refused"),
        problem(503, "TooManyStreams", "32 are open"),
        problem(401, "Unauthorized", "send the token"),
    ],
)
async def test_an_order_whose_end_cannot_be_seen_is_stored_and_has_its_id(
    world: PluginWorld, in_the_way: httpx.Response | Exception
) -> None:
    world.executor = waits(in_the_way)
    shown = await run(world, "order", "buy", "AAPL", "10", "--wait")
    assert shown.code == ExitCode.UNANSWERED
    assert f"error: the order {ORDER['id']} is stored, and how it ends can't be seen" in shown.error
    step = f"next: kubectl ibgateway history {ORDER['id']} shows it; placing it again would be another order\n"
    assert shown.error.endswith(step)


async def test_ctrl_c_while_it_is_waited_for_leaves_the_id(world: PluginWorld) -> None:
    world.executor = waits(httpx.ConnectError("refused"))
    world.later = []
    shown = await run(world, "order", "buy", "AAPL", "10", "--wait")
    assert shown.code == 130
    told = f"Stored: order {ORDER['id']}. Ctrl-C stops looking, and nothing else.\n"
    assert told in shown.error


async def test_an_event_of_another_release_is_no_crash(world: PluginWorld) -> None:
    executor = ScriptedExecutor()
    executor.will("POST /v1/orders", httpx.Response(202, json=ORDER))
    executor.will("GET /v1/events", stream((1, "gate", {"shut": "perhaps"})))
    world.executor = executor
    shown = await run(world, "order", "buy", "AAPL", "10", "--wait")
    assert shown.code == ExitCode.UNANSWERED
    assert "what was asked goes on" in shown.error


@pytest.mark.parametrize(
    "words",
    [
        *((text,) for text in ("1_0", "10_000", "+5", " 5", "1e3", "0", "1.5", "NaN", "9" * 20)),
        *(("1", f"--limit={text}") for text in ("1_90", "1e3", "0", "0.0", "-1", "NaN", "190,25")),
        ("1", "--stop=１９０"),
    ],
)
async def test_a_number_is_digits_and_nothing_else(
    world: PluginWorld, executor: IntakeExecutor, words: tuple[str, ...]
) -> None:
    shown = await run(world, "order", "buy", "AAPL", *words)
    assert shown.code == ExitCode.USAGE
    assert executor.requests == []
