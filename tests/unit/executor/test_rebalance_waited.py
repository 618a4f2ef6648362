"""What comes up between the plan and the orders that are placed later: a split, others' orders."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from executor_fakes import NOON, TERMS, RebalanceWorld, open_hooked
from executor_fakes.rebalance import CONTRACTS
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.order import OrderState, Side
from ibgateway_executor.orders.portfolio import MarketQuote, OpenOrderReport, SettlementKind
from ibgateway_executor.rebalance.outdated import changes
from ibgateway_executor.rebalance.plan import PlannedTrade
from ibgateway_executor.rebalance.progress import RebalanceRun

DU = "DU1234567"
THE_NEXT_DAY = NOON + timedelta(hours=22, minutes=30)
GIVEN = [
    {"contract": {"symbol": name}, "price": price} for name, price in (("AAA", "10"), ("CCC", "50"))
]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[RebalanceWorld]:
    world = RebalanceWorld(open_hooked(tmp_path / "ledger.db"), DU1234567=0)
    yield world
    world.ledger.close()


async def awaiting(here: RebalanceWorld, *, held: int = 0, **fields: Any) -> None:
    """A cash account has sold CCC for 1000 and is to buy AAA for it once that is settled; the next day it is."""
    here.shares |= {(DU, "CCC"): 20, (DU, "AAA"): held}
    here.settlement = SettlementKind.CASH
    here.show()
    here.settled[DU] = here.cash[DU]
    await here.ask("r1", DU, weights={"AAA": "1"}, **fields)
    assert (await here.go("r1")).state == "AwaitingSettlement"
    here.settled.clear()
    here.show()
    here.time.set(THE_NEXT_DAY)


def costs(here: RebalanceWorld, price: str | None) -> None:
    """A share of AAA, from now on."""
    here.broker.quotes["AAA"] = MarketQuote(last=None if price is None else Decimal(price))


def bought(here: RebalanceWorld) -> list[int]:
    return [o.terms.quantity for o in here.broker.placed if o.terms.side is Side.BUY]


async def stopped(here: RebalanceWorld, reason: str) -> RebalanceRun:
    ended = await here.go("r1")
    assert (ended.state, ended.reason, bought(here)) == ("Stopped", reason, [])
    assert (
        "ask for another rebalance" in ended.message or "needs another rebalance" in ended.message
    )
    assert ended.report is not None
    assert [outcome.filled for outcome in ended.report.outcomes] == [20]
    return ended


@pytest.mark.parametrize("price", ["5", "8", "8.3", "12", "15", "100"])
async def test_a_split_of_what_is_not_held_is_seen_by_its_price(
    here: RebalanceWorld, price: str
) -> None:
    await awaiting(here)
    costs(here, price)
    ended = await stopped(here, "PlanOutdated")
    assert f"AAA costs {price} and was planned at 10" in ended.message


@pytest.mark.parametrize("after", [200, 10, 0])
async def test_a_split_of_what_is_held_is_seen_by_the_shares_too(
    here: RebalanceWorld, after: int
) -> None:
    """The exchange may have the new price later than the account the new shares."""
    await awaiting(here, held=100)
    here.shares[DU, "AAA"] = after
    here.show()
    ended = await stopped(here, "PlanOutdated")
    assert f"{after} of AAA are held, and 100 by what was traded here" in ended.message


@pytest.mark.parametrize(
    ("price", "shares"), [("8.5", 100), ("11.9", 100), ("10", 118), ("10", 84)]
)
async def test_what_moves_as_shares_do_is_bought(
    here: RebalanceWorld, price: str, shares: int
) -> None:
    await awaiting(here, held=100)
    costs(here, price)
    here.shares[DU, "AAA"] = shares
    here.show()
    assert (await here.go("r1")).state == "Completed"
    assert len(bought(here)) == 1


async def test_what_a_client_has_bought_here_meanwhile_is_no_split(here: RebalanceWorld) -> None:
    await awaiting(here, held=20)
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"], quantity=30))
    await here.dispatch()
    await here._fill()
    assert (await here.go("r1", steps=90)).state == "Completed"
    assert bought(here) == [30, 70]


async def test_within_its_session_the_price_alone_ends_nothing(here: RebalanceWorld) -> None:
    """What a margin account buys at once is bought for the money that there is, whatever it costs by then."""
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not here.broker.placed:
        await here.step()
    costs(here, "20")
    assert (await here.go("r1")).state == "Completed"
    assert bought(here) == [50]


async def test_prices_that_were_given_are_held_against_the_markets_after_a_wait(
    here: RebalanceWorld,
) -> None:
    await awaiting(here, prices="given", givenPrices=GIVEN)
    here.broker.quotes["AAA"] = MarketQuote(last=Decimal(5), delayed=True)
    await stopped(here, "PlanOutdated")


async def test_without_any_price_a_wait_is_not_followed_by_buys(here: RebalanceWorld) -> None:
    await awaiting(here, prices="given", givenPrices=GIVEN)
    costs(here, None)
    held = await here.go("r1", steps=10)
    assert (held.state, bought(here)) == ("AwaitingSettlement", [])
    assert "without any price of AAA" in held.message
    costs(here, "10")
    assert (await here.go("r1", steps=90)).state == "Completed"


async def test_shares_that_are_held_tell_without_a_price(here: RebalanceWorld) -> None:
    await awaiting(here, held=10, prices="given", givenPrices=GIVEN)
    costs(here, None)
    assert (await here.go("r1")).state == "Completed"


def by_hand(symbol: str, **fields: Any) -> OpenOrderReport:
    made = OpenOrderReport(
        DU, CONTRACTS[symbol], Side.SELL, "STP", Decimal(5), "", 0, 0, 77, "PreSubmitted"
    )
    return replace(made, **fields)


async def test_orders_that_others_have_placed_since_the_plan_stop_its_buys(
    here: RebalanceWorld,
) -> None:
    await awaiting(here)
    here.broker.others = (by_hand("AAA"),)
    ended = await stopped(here, "OtherOrders")
    assert "placed by hand or by client 0" in ended.message


async def test_they_stop_buys_that_come_at_once_too(here: RebalanceWorld) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while (await here.run("r1")).state != "Selling":
        await here.step()
    here.broker.others = (by_hand("AAA"),)
    await stopped(here, "OtherOrders")


async def test_what_was_sold_may_be_traded_by_others(here: RebalanceWorld) -> None:
    await awaiting(here)
    here.broker.others = (by_hand("CCC"),)
    assert (await here.go("r1")).state == "Completed"


@pytest.mark.parametrize(
    "fields",
    [
        {"order_ref": "ibg-o1", "order_id": 0, "client_id": 0},
        {"order_ref": "", "order_id": 0, "client_id": 0, "perm_id": 950},
        {"order_ref": "ibg-", "order_id": 2, "client_id": 17},
    ],
)
async def test_a_clients_own_working_order_is_none_of_others(
    here: RebalanceWorld, fields: Mapping[str, Any]
) -> None:
    await awaiting(here)
    here.held_back = {"AAA"}
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"], quantity=30))
    await here.dispatch()
    order = await here.stored("o1")
    await here.ledger.observe(
        OrderStatusReport(order.order_id, 17, 950, "Submitted", order_ref="ibg-o1")
    )
    assert (await here.stored("o1")).state is OrderState.WORKING
    here.broker.others = (by_hand("AAA", **{"order_id": order.order_id, **fields}),)
    await here.go("r1", steps=5)
    assert bought(here) == [30, 70]


@pytest.mark.parametrize(("pause", "stops"), [(8, False), (60, True)])
async def test_sells_that_waited_are_not_placed_beside_somebody_elses_stop(
    here: RebalanceWorld, pause: int, stops: bool
) -> None:
    """It would sell the same shares once more when it is triggered. Right after the plan nobody is asked again."""
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while (await here.run("r1")).state != "Selling":
        await here.runner.look()
        await here.runner.settle()
        here.time.advance(1)
    here.gate = Closed(GateReason.PAUSED, "by R.")
    here.broker.others = (by_hand("CCC"),)
    here.time.advance(pause)
    here.gate = Open()
    await here.step()
    ended = await here.run("r1")
    assert (ended.reason == "OtherOrders") is stops
    assert len(here.broker.placed) == (0 if stops else 1)


BUY = PlannedTrade(1, "AAA", Side.BUY, 5, Decimal(10))


@pytest.mark.parametrize(
    ("price", "expected", "held", "found"),
    [
        ("10", 0, 0, 0),
        ("0", 0, 0, 1),
        ("-1", 0, 0, 1),
        ("8.34", 0, 0, 0),
        ("8.33", 0, 0, 1),
        ("11.99", 0, 0, 0),
        ("5", 10, 20, 2),
        ("10", -5, -10, 0),
        ("10", 0, 7, 0),
    ],
)
def test_what_has_changed(price: str, expected: int, held: int, found: int) -> None:
    said = changes([BUY], {1: Decimal(price)}, {1: Decimal(expected)}, {1: Decimal(held)})
    assert len(said) == found
