"""Positions, account and executions: as IBKR told them last, and of when that is."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor_fakes import AAPL, IntakeWorld
from executor_fakes.values import NOON
from ibgateway_api.executor_documents import AccountDocument, ExecutionPage, PositionPage
from ibgateway_executor.errors import NoAnswerError
from ibgateway_executor.intake.cursors import PageQuery
from ibgateway_executor.intake.examples import ACCOUNT, EXECUTIONS, POSITIONS
from ibgateway_executor.orders.order import Side
from ibgateway_executor.orders.portfolio import AccountReport, ExecutionReport, PositionReport

HELD = (
    PositionReport("DU1234567", AAPL, Decimal(10), Decimal("190.2")),
    PositionReport("DU7654321", AAPL, Decimal("-0.5"), Decimal("180")),
)
WORTH = AccountReport(
    "DU1234567", "USD", Decimal("100210.55"), Decimal("98308.55"), cash={"USD": Decimal("98308.55")}
)


def executed(number: int) -> ExecutionReport:
    return ExecutionReport(
        account="DU1234567",
        contract=AAPL,
        side=Side.SELL,
        quantity=Decimal(4),
        price=Decimal("190.2"),
        at=NOON + timedelta(seconds=number),
        exec_id=f"e{number}",
        order_ref="",
        order_id=0,
        client_id=0,
        perm_id=900,
    )


async def get(intake: IntakeWorld, path: str) -> Any:
    answer = await intake.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_positions_are_shown_of_all_accounts_or_of_one(intake: IntakeWorld) -> None:
    intake.broker.held = HELD
    whole = await get(intake, "/v1/positions")
    assert [row["quantity"] for row in whole["positions"]] == ["10", "-0.5"]
    assert (whole["asOf"], whole["problem"]) == ("2026-11-23T17:00:00+00:00", None)
    one = await get(intake, "/v1/positions?account=DU7654321")
    assert [row["averageCost"] for row in one["positions"]] == ["180"]


async def test_an_account_is_worth_what_ibkr_says(intake: IntakeWorld) -> None:
    intake.accounts = ("DU1234567",)
    intake.broker.values = {"DU1234567": WORTH}
    told = await get(intake, "/v1/account")
    assert (told["netLiquidation"], told["settledCash"]) == ("100210.55", None)
    assert told["cash"] == {"USD": "98308.55"}


@pytest.mark.parametrize(
    ("known", "query"),
    [((), ""), (("DU1234567", "DU7654321"), ""), (("DU1234567",), "?account=DU9999999")],
)
async def test_an_account_is_named_where_there_are_several(
    intake: IntakeWorld, known: tuple[str, ...], query: str
) -> None:
    intake.accounts = known
    answer = await intake.http.get(f"/v1/account{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "UnknownAccount")


async def test_executions_come_oldest_first(intake: IntakeWorld) -> None:
    intake.broker.executed = (executed(2), executed(1))
    told = await get(intake, "/v1/executions")
    assert [(row["execId"], row["orderRef"]) for row in told["executions"]] == [
        ("e1", None),
        ("e2", None),
    ]
    assert (await get(intake, "/v1/executions?account=DU7654321"))["executions"] == []


async def test_executions_come_page_by_page_and_one_that_comes_meanwhile_is_not_lost(
    intake: IntakeWorld,
) -> None:
    intake.broker.executed = tuple(executed(number) for number in (3, 1, 2))
    first = await intake.http.get("/v1/executions?limit=2&account=DU1234567")
    assert [row["execId"] for row in first.json()["executions"]] == ["e1", "e2"]
    intake.time.advance(2)
    intake.broker.executed = tuple(executed(number) for number in (1, 2, 3, 4))
    rest = await intake.http.get(first.links["next"]["url"])
    assert [row["execId"] for row in rest.json()["executions"]] == ["e3", "e4"]
    assert (rest.json()["next"], "next" in rest.links) == (None, False)
    whole = await get(intake, "/v1/executions")
    assert ([row["execId"] for row in whole["executions"]], whole["next"]) == (
        ["e1", "e2", "e3", "e4"],
        None,
    )


async def test_two_executions_of_one_moment_are_on_two_pages(intake: IntakeWorld) -> None:
    twins = (replace(executed(1), exec_id="e1b"), executed(1))
    intake.broker.executed = twins
    first = await get(intake, "/v1/executions?limit=1")
    rest = await get(intake, f"/v1/executions?limit=1&cursor={first['next']}")
    found = [row["execId"] for page in (first, rest) for row in page["executions"]]
    assert (found, rest["next"]) == (["e1", "e1b"], None)


async def test_positions_come_page_by_page_by_account_and_contract(intake: IntakeWorld) -> None:
    first_of = replace(HELD[0], contract=replace(AAPL, con_id=9))
    intake.broker.held = (HELD[1], HELD[0], first_of)
    first = await get(intake, "/v1/positions?limit=2")
    assert [row["contract"]["conId"] for row in first["positions"]] == [9, AAPL.con_id]
    rest = await get(intake, f"/v1/positions?limit=2&cursor={first['next']}")
    assert [row["account"] for row in rest["positions"]] == ["DU7654321"]
    wrong = await intake.http.get(f"/v1/positions?account=DU1234567&limit=2&cursor={first['next']}")
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "cursor")
    of_orders = PageQuery("/v1/executions").cursor("x")
    assert (await intake.http.get(f"/v1/positions?cursor={of_orders}")).status_code == 422


async def test_without_a_connection_the_last_answer_says_how_old_it_is(
    intake: IntakeWorld,
) -> None:
    intake.broker.held = HELD
    await get(intake, "/v1/positions")
    intake.time.advance(60)
    intake.current.link_lost("1100: gone")
    old = await get(intake, "/v1/positions")
    assert (old["asOf"], old["problem"]) == (
        "2026-11-23T17:00:00+00:00",
        "the gateway has lost IBKR: 1100: gone",
    )
    assert len(old["positions"]) == 2
    intake.current.closed("")
    assert (await get(intake, "/v1/positions"))["problem"] == (
        "there is no connection to the gateway"
    )


async def test_a_question_that_fails_shows_the_last_answer(intake: IntakeWorld) -> None:
    intake.broker.held = HELD
    await get(intake, "/v1/positions")
    intake.broker.error = NoAnswerError("no answer to positions in time")
    assert (await get(intake, "/v1/positions"))["problem"] is None
    intake.time.advance(1)
    assert (await get(intake, "/v1/positions"))["problem"] == "no answer to positions in time"


async def test_what_was_never_told_is_no_empty_list(intake: IntakeWorld) -> None:
    intake.current.closed("the gateway closed the connection")
    for path in ("/v1/positions", "/v1/executions", "/v1/account?account=DU1234567"):
        answer = await intake.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "BrokerUnavailable")
        assert answer.headers["Retry-After"] == "5"
        assert "the gateway closed the connection" in answer.json()["detail"]


async def test_many_who_ask_at_once_are_one_question(intake: IntakeWorld) -> None:
    asked: list[int] = []

    async def positions() -> Sequence[PositionReport]:
        asked.append(1)
        await asyncio.sleep(0)
        return HELD

    intake.broker.positions = positions  # type: ignore[method-assign,assignment] # counted
    found = await asyncio.gather(*(get(intake, "/v1/positions") for _ in range(5)))
    assert [len(each["positions"]) for each in found] == [2] * 5
    assert len(asked) == 1


async def test_the_documents_and_examples_have_the_fields_that_are_answered(
    intake: IntakeWorld,
) -> None:
    intake.accounts = ("DU1234567",)
    intake.broker.held, intake.broker.executed = HELD, (executed(1),)
    intake.broker.values = {"DU1234567": WORTH}
    positions = await get(intake, "/v1/positions")
    account = await get(intake, "/v1/account")
    executions = await get(intake, "/v1/executions")
    assert PositionPage.model_validate(positions).positions[0].quantity == 10
    assert AccountDocument.model_validate(account).net_liquidation == Decimal("100210.55")
    assert ExecutionPage.model_validate(executions).executions[0].price == Decimal("190.2")
    assert positions["positions"][0].keys() == POSITIONS["positions"][0].keys()
    assert account.keys() == ACCOUNT.keys()
    assert executions["executions"][0].keys() == EXECUTIONS["executions"][0].keys()
