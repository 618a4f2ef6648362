"""What a rebalance is to sell was decided before: by the time it is sent the shares may be gone."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from executor_fakes import RebalanceWorld, entry, open_hooked
from executor_fakes.rebalance import CONTRACTS
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.order import Order, OrderState, OrderTerms, OrderType, Side
from ibgateway_executor.orders.portfolio import PositionReport

DU = "DU1234567"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[RebalanceWorld]:
    """Where selling short is allowed."""
    world = RebalanceWorld(open_hooked(tmp_path / "ledger.db"), DU1234567=1000)
    world.settings = world.settings.model_copy(update={"short_selling": True})
    yield world
    world.ledger.close()


async def waiting(here: RebalanceWorld, *, placed: bool, **shares: int) -> None:
    """A rebalance that has frozen its sells of these, or has them waiting as orders, before a gate that is closed."""
    here.shares |= {(DU, symbol): number for symbol, number in shares.items()}
    here.show()
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    while (await here.run("r1")).state != "Selling" or (placed and not await orders(here)):
        await here.runner.look()
        await here.runner.settle()
        here.time.advance(1)
    here.gate = Closed(GateReason.PAUSED, "by R.")
    await here.go("r1", steps=3)
    assert here.placed == []


async def orders(here: RebalanceWorld) -> list[Order]:
    return await here.ledger.page(after=0, limit=9)


def sent(here: RebalanceWorld, side: Side) -> list[str]:
    return [o.terms.contract.symbol for o in here.broker.placed if o.terms.side is side]


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("left", [39, 0, -5])
async def test_shares_that_were_sold_by_hand_during_a_pause_are_not_sold_short(
    here: RebalanceWorld, left: int, placed: bool
) -> None:
    await waiting(here, placed=placed, BBB=10, CCC=40)
    here.shares[DU, "CCC"] = left
    here.show()
    here.time.advance(31)
    here.gate = Open()
    done = await here.go("r1")
    assert (done.state, done.reason) == ("Completed", "NotAllFilled")
    assert (sent(here, Side.SELL), sent(here, Side.BUY)) == (["BBB"], ["AAA"])
    (refused,) = [order for order in await orders(here) if order.state is OrderState.REJECTED]
    assert (refused.reason, refused.rebalance) == ("ShortSale", "r1")
    words = f"holds {left} of CCC: rebalance r1 was to sell 40, and sells nothing short"
    assert words in refused.message


async def test_shares_that_were_sold_by_hand_a_moment_ago_are_not_sold_once_more(
    here: RebalanceWorld,
) -> None:
    """The position that the first sell was checked by is three seconds old when the second one goes."""
    await waiting(here, placed=True, BBB=10, CCC=40)
    here.gate = Open()
    await here.step()
    (first,) = sent(here, Side.SELL)
    here.shares[DU, "BBB" if first == "CCC" else "CCC"] = 0
    here.show()
    here.time.advance(3)
    await here.go("r1")
    assert sent(here, Side.SELL) == [first]


async def test_an_answer_that_took_its_time_is_of_use_all_the_same(here: RebalanceWorld) -> None:
    await waiting(here, placed=True, CCC=40)
    here.gate = Open()
    ask = here.broker.positions

    async def slowly() -> tuple[PositionReport, ...]:
        here.time.advance(6)
        return await ask()

    here.broker.positions = slowly  # type: ignore[method-assign]
    await here.go("r1", steps=3)
    assert sent(here, Side.SELL) == ["CCC"]


@pytest.mark.parametrize("placed", [False, True])
async def test_shares_that_are_still_there_are_sold_after_a_pause(
    here: RebalanceWorld, placed: bool
) -> None:
    await waiting(here, placed=placed, BBB=10, CCC=40)
    here.gate = Open()
    assert (await here.go("r1")).state == "Completed"
    assert sorted(sent(here, Side.SELL)) == ["BBB", "CCC"]


async def test_what_another_order_is_selling_is_not_sold_by_a_rebalance_too(
    here: RebalanceWorld,
) -> None:
    """It would not wait for that order, which may work for weeks."""
    await waiting(here, placed=True, CCC=40)
    terms = OrderTerms(DU, CONTRACTS["CCC"], Side.SELL, 5, OrderType.LIMIT, Decimal(900))
    await here.ledger.accept(entry("client", terms, at=here.time.now))
    await here.ledger.reserve("client", client_id=17, next_valid_id=1)
    await here.ledger.observe(OrderStatusReport(1, 17, 901, "Submitted", order_ref="ibg-client"))
    here.gate = Open()
    done = await here.go("r1")
    assert (done.state, sent(here, Side.SELL)) == ("Completed", [])
    (refused,) = [order for order in await orders(here) if order.state is OrderState.REJECTED]
    assert "holds 40 of CCC, and 5 are being sold: rebalance r1" in refused.message


async def test_a_clients_own_sale_may_go_short_where_that_is_allowed(here: RebalanceWorld) -> None:
    terms = OrderTerms(DU, CONTRACTS["CCC"], Side.SELL, 5, OrderType.MARKET)
    await here.order("client", terms)
    await here.dispatch()
    assert here.placed == ["client"]
