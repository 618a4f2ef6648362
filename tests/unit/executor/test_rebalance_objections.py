"""What forbids a plan as a whole: limits, orders in doubt, other people's working orders. Nothing of it is sent then."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from executor_fakes import TERMS, RebalanceWorld, open_hooked
from executor_fakes.rebalance import CONTRACTS
from ibgateway_executor.intake.rebalance_schema import RebalanceBody
from ibgateway_executor.orders.order import Contract, OrderState, Side, move
from ibgateway_executor.orders.portfolio import MarketQuote, OpenOrderReport
from ibgateway_executor.orders.resolution import Resolution, resolve

DU = "DU1234567"
HALVES = {"AAA": "0.5", "BBB": "0.5"}
STOP = OpenOrderReport(
    DU, CONTRACTS["CCC"], Side.SELL, "STP", Decimal(40), "", 0, 0, 77, "PreSubmitted"
)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[RebalanceWorld]:
    """Forty CCC that are to be sold, for 150 AAA and 75 BBB."""
    world = RebalanceWorld(open_hooked(tmp_path / "ledger.db"), DU1234567=1000, DU7654321=2000)
    world.shares[DU, "CCC"] = 40
    world.show()
    yield world
    world.ledger.close()


def limited(here: RebalanceWorld, **limits: object) -> None:
    here.settings = here.settings.model_copy(update=limits)


async def previewed(here: RebalanceWorld) -> list[tuple[str, str]]:
    targets = [{"contract": {"symbol": name}, "weight": part} for name, part in HALVES.items()]
    body = RebalanceBody.model_validate({"account": DU, "targets": targets})
    told = await here.intake.preview(body)
    return [(each["reason"], each["message"]) for each in told["objections"]]


async def doubted(here: RebalanceWorld, symbol: str, state: OrderState) -> None:
    """An order that has left, and nobody knows what became of it."""
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS[symbol]))
    await here.ledger.reserve("o1", client_id=17, next_valid_id=1)
    await here.ledger.advance("o1", partial(move, state=state))


async def said(here: RebalanceWorld, resolution: Resolution) -> None:
    """A person says what they found; the next look at the markets would be due in a minute only."""
    await here.ledger.advance("o1", partial(resolve, resolution=resolution, note="looked"))


@pytest.mark.parametrize(
    ("limits", "reason", "words"),
    [
        ({"max_orders_per_day": 2}, "DailyOrderLimit", "the plan has 3 orders, 0 were accepted"),
        ({"max_order_value": "1999"}, "OrderValueLimit", "SELL 40 CCC: worth 2000 at 50"),
        ({"max_order_value": "1499"}, "OrderValueLimit", "BUY 150 AAA: worth 1500 at 10"),
        ({"allowed_symbols": ("AAA", "CCC")}, "SymbolNotAllowed", "BUY 75 BBB: BBB is not among"),
    ],
)
async def test_a_plan_that_is_above_a_limit_sells_nothing_and_a_dry_run_says_so(
    here: RebalanceWorld, limits: dict[str, object], reason: str, words: str
) -> None:
    """Else the sells would go, and their buys be refused."""
    limited(here, **limits)
    ((told, message),) = await previewed(here)
    assert told == reason
    assert words in message
    await here.ask("r1", DU, weights=HALVES)
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason, here.broker.placed) == ("Stopped", "Refused", [])
    assert f"{reason}: " in stopped.message
    assert words in stopped.message


async def test_the_days_other_orders_count_and_a_plan_that_is_just_allowed_goes(
    here: RebalanceWorld,
) -> None:
    await here.order("o1", replace(TERMS, account="DU7654321", contract=CONTRACTS["AAA"]))
    limited(here, max_orders_per_day=3)
    assert "1 were accepted" in (await previewed(here))[0][1]
    limited(here, max_orders_per_day=4)
    assert await previewed(here) == []
    await here.ask("r1", DU, weights=HALVES)
    assert (await here.go("r1")).reason == ""


async def test_two_accounts_share_the_days_limit_with_all_that_is_planned(
    here: RebalanceWorld,
) -> None:
    """Else both would sell, and the buys of one be refused."""
    here.accounts = here.broker.accounts = ("DU1234567", "DU7654321")
    here.cash["DU7654321"] = here.cash["DU1234567"]
    for (account, symbol), number in tuple(here.shares.items()):
        here.shares["DU7654321" if account == "DU1234567" else account, symbol] = number
    here.show()
    limited(here, max_orders_per_day=5)
    await here.ask("r1", "DU1234567", weights=HALVES)
    await here.ask("r2", "DU7654321", weights=HALVES)
    ended = [await here.go(name) for name in ("r1", "r2")]
    assert sorted((run.state, run.reason) for run in ended) == [
        ("Completed", ""),
        ("Stopped", "Refused"),
    ]
    (refused,) = [run for run in ended if run.state == "Stopped"]
    assert "3 are planned by rebalances of other accounts" in refused.message
    assert len(here.broker.placed) == 3


async def test_a_limit_that_comes_after_the_plan_refuses_single_orders_in_the_report(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 0
    here.show()
    await here.ask("r1", DU, weights=HALVES)
    while (await here.run("r1")).state != "Buying":
        await here.runner.look()
        await here.runner.settle()
        here.time.advance(1)
    limited(here, max_orders_per_day=1)
    done = await here.go("r1")
    assert (done.state, done.reason) == ("Completed", "NotAllFilled")
    assert done.report is not None
    states = sorted((o.state, o.message.partition(":")[0]) for o in done.report.outcomes)
    assert states == [("Filled", ""), ("Refused", "DailyOrderLimit")]


async def test_an_order_that_can_not_be_written_down_stops_all(here: RebalanceWorld) -> None:
    """So many shares of something cheap that no order may have them."""
    given = [
        {"contract": {"symbol": "AAA"}, "price": "0.00001"},
        {"contract": {"symbol": "CCC"}, "price": "50"},
    ]
    await here.ask("r1", DU, weights={"AAA": "1"}, prices="given", givenPrices=given)
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason, here.broker.placed) == ("Stopped", "Refused", [])
    assert "InvalidRequest: BUY" in stopped.message


async def test_a_dry_run_takes_our_own_working_orders_for_cancelled_as_the_run_does(
    here: RebalanceWorld,
) -> None:
    """Else whoever has an order of their own at work would be told that nothing can be traded, or another plan."""
    await here.order(
        "o1", replace(TERMS, account=DU, contract=CONTRACTS["CCC"], side=Side.SELL, quantity=40)
    )
    await here.ledger.reserve("o1", client_id=17, next_valid_id=1)
    [mine] = here.ledger.active
    here.broker.others = (replace(STOP, order_ref=mine.order_ref, client_id=17),)
    targets = [{"contract": {"symbol": name}, "weight": part} for name, part in HALVES.items()]
    body = RebalanceBody.model_validate({"account": DU, "targets": targets})
    told = await here.intake.preview(body)
    assert told["objections"] == []
    assert [(o["side"], o["symbol"], o["quantity"]) for o in told["orders"]] == [
        ("SELL", "CCC", 40),
        ("BUY", "AAA", 150),
        ("BUY", "BBB", 75),
    ]
    here.broker.others = (replace(STOP, order_ref="ibg-of-another-ledger", client_id=17),)
    assert [reason for reason, _ in await previewed(here)] == ["OtherOrders"]


async def test_a_stop_that_works_for_what_would_be_sold_stops_it_before_it_trades(
    here: RebalanceWorld,
) -> None:
    """Placed by hand, good till cancelled: what the rebalance has sold it would sell again, and short."""
    here.broker.others = (STOP,)
    ((reason, message),) = await previewed(here)
    assert reason == "OtherOrders"
    await here.ask("r1", DU, weights=HALVES)
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason, here.broker.placed) == ("Stopped", "OtherOrders", [])
    assert stopped.message == message
    assert "SELL 40 CCC STP (permanent id 77, placed by hand" in message
    assert "Cancel them where they were placed" in message


@pytest.mark.parametrize(
    "other",
    [
        replace(STOP, account="DU7654321"),
        replace(STOP, contract=Contract(9, "ZZZ")),
    ],
    ids=["another account", "another contract"],
)
async def test_what_works_elsewhere_stops_nothing(
    here: RebalanceWorld, other: OpenOrderReport
) -> None:
    here.broker.others = (other,)
    assert await previewed(here) == []
    await here.ask("r1", DU, weights=HALVES)
    assert (await here.go("r1")).state == "Completed"


async def test_another_clients_buy_is_told_with_its_client_and_its_orderref(
    here: RebalanceWorld,
) -> None:
    here.broker.others = (
        replace(STOP, side=Side.BUY, contract=CONTRACTS["AAA"], client_id=5, order_ref="theirs"),
    )
    ((_, message),) = await previewed(here)
    assert "BUY 40 AAA STP (permanent id 77, client 5, orderRef theirs)" in message


@pytest.mark.parametrize("resolution", [Resolution.NOT_AT_BROKER, Resolution.GIVE_UP])
@pytest.mark.parametrize("state", [OrderState.UNKNOWN, OrderState.UNVERIFIED])
async def test_an_order_in_doubt_holds_it_up_until_a_person_has_said_what_they_found(
    here: RebalanceWorld, state: OrderState, resolution: Resolution
) -> None:
    await doubted(here, "AAA", state)
    ((reason, message),) = await previewed(here)
    assert reason == "UnknownOrder"
    await here.ask("r1", DU, weights=HALVES)
    waiting = await here.go("r1", steps=70)
    assert (waiting.state, waiting.reason, here.broker.placed) == ("Waiting", "UnknownOrder", [])
    assert waiting.message == message
    assert f"o1 (AAA, {state}): look" in message
    assert "/resolve" in message
    await said(here, resolution)
    assert (await here.go("r1")).state == "Completed"


async def test_an_order_of_an_earlier_day_for_something_else_holds_up_nothing(
    here: RebalanceWorld,
) -> None:
    await here.order("o1", replace(TERMS, account=DU, contract=Contract(9, "ZZZ")))
    await here.ledger.reserve("o1", client_id=17, next_valid_id=1)
    await here.ledger.advance("o1", partial(move, state=OrderState.UNVERIFIED))
    await here.ask("r1", DU, weights=HALVES)
    assert (await here.go("r1")).state == "Completed"


async def test_a_doubt_about_the_cash_holds_it_up_whatever_the_order_is_for(
    here: RebalanceWorld,
) -> None:
    await here.order("o1", replace(TERMS, account=DU, contract=Contract(9, "ZZZ")))
    await here.ledger.reserve("o1", client_id=17, next_valid_id=1)
    await here.ledger.advance("o1", partial(move, state=OrderState.UNKNOWN))
    await here.ask("r1", DU, weights=HALVES)
    assert (await here.go("r1", steps=70)).reason == "UnknownOrder"


async def test_an_order_that_is_doubted_while_it_is_being_cancelled_ends_no_rebalance(
    here: RebalanceWorld,
) -> None:
    here.held_back = {"AAA"}
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"]))
    await here.step()
    await here.ask("r1", DU, weights=HALVES)
    while (await here.run("r1")).state != "Clearing":
        await here.step()
    await here.ledger.advance("o1", partial(move, state=OrderState.UNKNOWN))
    waiting = await here.go("r1", steps=70)
    assert (waiting.state, waiting.reason) == ("Waiting", "UnknownOrder")


async def test_a_doubt_that_comes_while_the_plan_is_made_is_counted(here: RebalanceWorld) -> None:
    ask = here.broker.quote

    async def doubted_meanwhile(contract: Contract, *, delayed: bool = False) -> MarketQuote:
        here.broker.quote = ask  # type: ignore[method-assign]
        await doubted(here, "AAA", OrderState.UNVERIFIED)
        return await ask(contract, delayed=delayed)

    here.broker.quote = doubted_meanwhile  # type: ignore[method-assign]
    await here.ask("r1", DU, weights=HALVES)
    waiting = await here.go("r1", steps=5)
    assert (waiting.state, waiting.reason, here.broker.placed) == ("Waiting", "UnknownOrder", [])
