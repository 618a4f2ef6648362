"""The buys after the sells: within the cash that there is, and never more than planned."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ibgateway_executor.orders.order import Side
from ibgateway_executor.orders.portfolio import AccountReport, SettlementKind
from ibgateway_executor.rebalance.funding import counted, funded, netted, spendable
from ibgateway_executor.rebalance.plan import PlannedTrade

BUYS = (
    PlannedTrade(1, "AAA", Side.BUY, 10, Decimal(10)),
    PlannedTrade(2, "BBB", Side.BUY, 5, Decimal(20)),
)
REPORT = AccountReport("DU1", "USD", Decimal(900), Decimal(500), settled_cash=Decimal(200))


def quantities(buys: tuple[PlannedTrade, ...]) -> dict[str, int]:
    return {buy.symbol: buy.quantity for buy in buys}


def test_buys_are_as_planned_where_the_cash_does() -> None:
    assert funded(BUYS, Decimal(200), {}) == BUYS
    assert quantities(funded(BUYS, Decimal(100), {})) == {"AAA": 5, "BBB": 2} | {"BBB": 2}
    assert funded(BUYS, Decimal(-5), {}) == ()


def test_dearer_prices_make_fewer_shares_and_cheaper_ones_no_more() -> None:
    assert quantities(funded(BUYS, Decimal(200), {1: Decimal(20)})) == {"AAA": 7, "BBB": 3}
    assert funded(BUYS, Decimal(10_000), {1: Decimal(1)}) == BUYS


@given(
    st.lists(st.tuples(st.integers(1, 500), st.decimals("0.01", "900", places=2)), max_size=8),
    st.decimals("-100", "90000", places=2),
)
@settings(max_examples=150)
def test_the_buys_never_cost_more_than_there_is_room_for(
    raw: list[tuple[int, Decimal]], room: Decimal
) -> None:
    buys = [
        PlannedTrade(at, f"S{at}", Side.BUY, number, price)
        for at, (number, price) in enumerate(raw)
    ]
    found = funded(buys, room, {})
    planned = {buy.con_id: buy.quantity for buy in buys}
    assert all(0 < buy.quantity <= planned[buy.con_id] for buy in found)
    assert sum((buy.value for buy in found), Decimal(0)) <= max(room, Decimal(0))


def test_what_was_bought_otherwise_meanwhile_is_not_bought_again() -> None:
    before, now = {1: Decimal(3)}, {1: Decimal("7.5"), 2: Decimal(9)}
    assert quantities(netted(BUYS, before, now)) == {"AAA": 5}
    assert quantities(netted(BUYS, before, {})) == {"AAA": 10, "BBB": 5}


def test_a_cash_account_may_spend_what_is_settled_and_nobody_a_loan() -> None:
    assert spendable(REPORT, settled_alone=True) == 200
    assert spendable(REPORT, settled_alone=False) == 500
    margin = replace(REPORT, settlement=SettlementKind.MARGIN, buying_power=Decimal(2000))
    assert spendable(margin, settled_alone=True) == 500
    assert spendable(replace(margin, available_funds=Decimal(50)), settled_alone=True) == 50
    assert spendable(replace(margin, cash={"USD": Decimal(90)}), settled_alone=False) == 90
    assert spendable(replace(REPORT, settled_cash=None), settled_alone=True) == 0


def test_the_cash_shows_the_sells_once_it_has_grown_by_them() -> None:
    assert counted(REPORT, Decimal(0), Decimal(505))
    assert not counted(REPORT, Decimal(0), Decimal(600))
