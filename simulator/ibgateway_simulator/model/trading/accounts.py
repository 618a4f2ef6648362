"""An account's cash and positions and the values TWS shows for it, pure.

Amounts are decimals; cash by currency. Buying and selling return a new Account. Proceeds of a sale are cash
at once and settled cash from their settlement date; a purchase takes settled cash at once. A cash account
buys with its cash and sells what it has; a margin account borrows, and sells short.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)
CENT = Decimal("0.01")
MARGIN = Decimal("0.25")
"""Of a position's value, to open and to keep it in a margin account."""
NEVER = dt.date.max


class AccountType(StrEnum):
    """How an account pays for what it buys."""

    CASH = "cash"
    MARGIN = "margin"


TRADING_TYPES: Mapping[AccountType, str] = {
    AccountType.CASH: "STKCASH",
    AccountType.MARGIN: "STKMRGN",
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """Proceeds of sales that become settled cash on a date."""

    on: dt.date
    amount: Decimal


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
    pending: tuple[Settlement, ...] = ()
    type: AccountType = AccountType.CASH
    realized: Decimal = ZERO

    def position(self, con_id: int) -> Position:
        """The position in a contract; quantity zero when there is none."""
        return self.positions.get(con_id, Position())

    @property
    def unsettled(self) -> Decimal:
        """Proceeds that have not settled yet."""
        return sum((item.amount for item in self.pending), ZERO)

    @property
    def margin_rate(self) -> Decimal:
        """The part of a position's value that must be there to hold it."""
        return MARGIN if self.type is AccountType.MARGIN else Decimal(1)

    def settled(self, today: dt.date) -> "Account":
        """The account on a date: what settles by then has settled."""
        left = tuple(item for item in self.pending if item.on > today)
        return self if left == self.pending else replace(self, pending=left)

    def traded(
        self,
        con_id: int,
        signed: Decimal,
        price: Decimal,
        fee: Decimal,
        *,
        settles: dt.date = NEVER,
    ) -> "Account":
        """The account after a fill; `signed` is negative for a sale, whose proceeds settle on `settles`."""
        held = self.position(con_id)
        moved, realized = _move(held, signed, price, fee)
        positions = {**self.positions, con_id: moved}
        cash = self.cash.get("USD", ZERO) - signed * price - fee
        return replace(
            self,
            cash={**self.cash, "USD": cash},
            positions={key: pos for key, pos in positions.items() if pos.quantity},
            pending=_with(self.pending, settles, -signed * price),
            realized=self.realized + realized,
        )


def _with(pending: tuple[Settlement, ...], on: dt.date, amount: Decimal) -> tuple[Settlement, ...]:
    if amount <= 0:
        return pending
    amounts = {item.on: item.amount for item in pending}
    amounts[on] = amounts.get(on, ZERO) + amount
    return tuple(Settlement(*item) for item in sorted(amounts.items()))


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


def gross_value(account: Account, prices: Mapping[int, Decimal]) -> Decimal:
    """What long and short positions are worth together at these prices."""
    return sum(
        (abs(pos.quantity) * prices.get(con_id, ZERO) for con_id, pos in account.positions.items()),
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
    held = gross_value(account, prices)
    margin = held * account.margin_rate
    free = net - margin if account.type is AccountType.MARGIN else cash
    return {
        "NetLiquidation": net,
        "TotalCashValue": cash,
        "SettledCash": cash - account.unsettled,
        "AccruedCash": ZERO,
        "BuyingPower": free / account.margin_rate,
        "EquityWithLoanValue": net,
        "PreviousEquityWithLoanValue": net,
        "GrossPositionValue": held,
        "InitMarginReq": margin,
        "MaintMarginReq": margin,
        "AvailableFunds": free,
        "ExcessLiquidity": free,
        "FullInitMarginReq": margin,
        "FullMaintMarginReq": margin,
        "FullAvailableFunds": free,
        "FullExcessLiquidity": free,
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
        AccountValue("TradingType-S", TRADING_TYPES[account.type]),
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
