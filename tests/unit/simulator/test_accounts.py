"""Cash, positions and the values TWS shows for them."""

from decimal import Decimal

import pytest

from ibgateway_simulator.model.trading.accounts import Account, Position, account_values

AAPL = 265598
PRICES = {AAPL: Decimal("190")}


def money(amount: int) -> dict[str, Decimal]:
    return {"USD": Decimal(amount)}


@pytest.mark.parametrize(
    ("held", "traded", "position", "cash", "realized"),
    [
        ((0, 0), (10, 100), (10, "100.1"), "8999", "0"),
        ((10, 100), (10, 110), (20, "105.05"), "8899", "0"),
        ((10, 100), (-4, 120), (6, "100"), "10479", "79"),
        ((10, 100), (-10, 90), (0, "0"), "10899", "-101"),
    ],
)
def test_a_trade_moves_cash_position_and_profit(
    held: tuple[int, int],
    traded: tuple[int, int],
    position: tuple[int, str],
    cash: str,
    realized: str,
) -> None:
    positions = {AAPL: Position(Decimal(held[0]), Decimal(held[1]))} if held[0] else {}
    account = Account("DU1", money(10_000), positions)
    after = account.traded(AAPL, Decimal(traded[0]), Decimal(traded[1]), Decimal(1))
    assert after.position(AAPL) == Position(Decimal(position[0]), Decimal(position[1]))
    assert after.cash == {"USD": Decimal(cash)}
    assert after.realized == Decimal(realized)


def test_the_values_show_cash_and_stocks() -> None:
    account = Account("DU1", money(1000), {AAPL: Position(Decimal(2), Decimal(180))})
    shown = {(v.key, v.currency): v.value for v in account_values(account, PRICES)}
    assert shown["NetLiquidation", "USD"] == "1380.00"
    assert shown["AvailableFunds", "USD"] == "1000.00"
    assert shown["CashBalance", "USD"] == "1000.00"
    assert shown["CashBalance", "BASE"] == "1000.00"
    assert shown["UnrealizedPnL", "USD"] == "20.00"
    assert shown["AccountReady", ""] == "true"


def test_sale_proceeds_are_cash_but_not_settled() -> None:
    account = Account("DU1", money(0), {AAPL: Position(Decimal(10), Decimal(100))})
    sold = account.traded(AAPL, Decimal(-10), Decimal(190), Decimal(1))
    shown = {v.key: v.value for v in account_values(sold, PRICES)}
    assert (shown["TotalCashValue"], shown["SettledCash"]) == ("1899.00", "-1.00")


def test_currency_values_may_carry_the_ledger_prefix() -> None:
    keys = {
        v.key for v in account_values(Account("DU1", money(1)), PRICES, ledger_prefix="$LEDGER-")
    }
    assert "$LEDGER-CashBalance" in keys
    assert "CashBalance" not in keys
    assert "NetLiquidation" in keys
