"""An account's cash and positions and the values TWS shows for it, pure.

Amounts are decimals; cash by currency. Buying and selling return a new Account. Sale proceeds of
the day are cash but not settled cash. The account is a cash account: buying power is the cash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

ZERO = Decimal(0)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Position:
    """Shares held of one contract and what one of them cost on average, commission included."""

    quantity: Decimal = ZERO
    average_cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Account:
    """One account; `positions` by contract number."""

    id: str
    cash: Mapping[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(1_000_000)})
    positions: Mapping[int, Position] = field(default_factory=dict)
    unsettled: Decimal = ZERO
    realized: Decimal = ZERO

    def position(self, con_id: int) -> Position:
        """The position in a contract; quantity zero when there is none."""
        return self.positions.get(con_id, Position())

    def traded(self, con_id: int, signed: Decimal, price: Decimal, fee: Decimal) -> "Account":
        """The account after a fill; `signed` is negative for a sale."""
        held = self.position(con_id)
        moved, realized = _move(held, signed, price, fee)
        positions = {**self.positions, con_id: moved}
        cash = self.cash.get("USD", ZERO) - signed * price - fee
        return replace(
            self,
            cash={**self.cash, "USD": cash},
            positions={key: pos for key, pos in positions.items() if pos.quantity},
            unsettled=self.unsettled + max(ZERO, -signed * price),
            realized=self.realized + realized,
        )


def _move(
    held: Position, signed: Decimal, price: Decimal, fee: Decimal
) -> tuple[Position, Decimal]:
    quantity = held.quantity + signed
    if held.quantity * signed >= 0:
        cost = held.quantity * held.average_cost + signed * price + fee
        return Position(quantity, cost / quantity if quantity else ZERO), ZERO
    closed = min(abs(signed), abs(held.quantity))
    direction = 1 if held.quantity > 0 else -1
    realized = closed * (price - held.average_cost) * direction - fee
    crossed = held.quantity * quantity < 0
    return Position(quantity, price if crossed else held.average_cost), realized


@dataclass(frozen=True, slots=True)
class AccountValue:
    """One account value as TWS sends it; `currency` is empty for values that have none."""

    key: str
    value: str
    currency: str = ""


def stock_value(account: Account, prices: Mapping[int, Decimal]) -> Decimal:
    """What the positions are worth at these prices."""
    return sum(
        (pos.quantity * prices.get(con_id, ZERO) for con_id, pos in account.positions.items()),
        ZERO,
    )


def unrealized(account: Account, prices: Mapping[int, Decimal]) -> Decimal:
    """Profit of the open positions at these prices."""
    return sum(
        (
            pos.quantity * (prices.get(con_id, ZERO) - pos.average_cost)
            for con_id, pos in account.positions.items()
        ),
        ZERO,
    )


def totals(account: Account, prices: Mapping[int, Decimal]) -> dict[str, Decimal]:
    """The base-currency totals by TWS's tag."""
    cash = sum(account.cash.values(), ZERO)
    stocks = stock_value(account, prices)
    net = cash + stocks
    return {
        "NetLiquidation": net,
        "TotalCashValue": cash,
        "SettledCash": cash - account.unsettled,
        "AccruedCash": ZERO,
        "BuyingPower": cash,
        "EquityWithLoanValue": net,
        "PreviousEquityWithLoanValue": net,
        "GrossPositionValue": abs(stocks),
        "InitMarginReq": stocks,
        "MaintMarginReq": stocks,
        "AvailableFunds": cash,
        "ExcessLiquidity": cash,
        "FullInitMarginReq": stocks,
        "FullMaintMarginReq": stocks,
        "FullAvailableFunds": cash,
        "FullExcessLiquidity": cash,
    }


def account_values(
    account: Account, prices: Mapping[int, Decimal], *, ledger_prefix: str = ""
) -> tuple[AccountValue, ...]:
    """Every value of the account in the order TWS sends them."""
    head = (
        AccountValue("AccountCode", account.id),
        AccountValue("AccountOrGroup", account.id, "USD"),
        AccountValue("AccountReady", "true"),
        AccountValue("AccountType", "INDIVIDUAL"),
        AccountValue("Currency", "USD", "USD"),
    )
    sums = tuple(
        AccountValue(key, str(amount.quantize(CENT)), "USD")
        for key, amount in totals(account, prices).items()
    )
    return head + sums + _ledger(account, prices, ledger_prefix)


def _ledger(
    account: Account, prices: Mapping[int, Decimal], prefix: str
) -> tuple[AccountValue, ...]:
    cash = {**account.cash, "BASE": sum(account.cash.values(), ZERO)}
    stocks = stock_value(account, prices)
    rows: list[AccountValue] = []
    for currency, amount in cash.items():
        held = stocks if currency in ("USD", "BASE") else ZERO
        profit = unrealized(account, prices) if currency in ("USD", "BASE") else ZERO
        done = account.realized if currency in ("USD", "BASE") else ZERO
        figures = {
            "CashBalance": amount,
            "TotalCashBalance": amount,
            "StockMarketValue": held,
            "NetLiquidationByCurrency": amount + held,
            "UnrealizedPnL": profit,
            "RealizedPnL": done,
            "ExchangeRate": Decimal(1),
        }
        rows += [
            AccountValue(prefix + key, str(figure.quantize(CENT)), currency)
            for key, figure in figures.items()
        ]
    return tuple(rows)
